import { execFileSync } from 'node:child_process';
import { openSetup, type SetupAccess } from '#lib/github/setup-app.ts';
import { isUnanswered } from '#lib/github/setup-read.ts';
import { readRepository } from '#lib/github/setup-repository.ts';
import type { Check, Read } from '#lib/lifecycle/doctor.ts';
import { fail } from '#lib/lifecycle/doctor.ts';
import { type AppFacts, checkApp } from '#lib/lifecycle/doctor-app.ts';
import { checkRepository, type RepositoryFacts } from '#lib/lifecycle/doctor-repository.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { WORKFLOW_FILES } from '../../templates/repository.ts';
import { workflowFacts } from '../../templates/workflow-drift.ts';
import type { Environment } from '../kit/deps.ts';

export type GitHubFacts = { app: AppFacts; repository: Read<RepositoryFacts> };

/** Who asks, and about what: from the environment, `--repo` and the checkout's origin. */
export function setupAccess({
  workspace,
  env,
  repository,
}: {
  workspace: string;
  env: Environment;
  repository: string | undefined;
}): SetupAccess {
  const appId = env.APP_ID?.trim();
  const privateKey = env.PRIVATE_KEY?.trim().replaceAll('\\n', '\n');
  const token = env.GITHUB_TOKEN || env.GH_TOKEN || null;
  if (token === null && !(appId && privateKey))
    throw new UserError('there are no credentials to ask GitHub with', {
      fix: 'set APP_ID and PRIVATE_KEY of the app, or GITHUB_TOKEN of a person, or best both: an administrator sees settings that the app may not',
    });
  const named = repository ?? env.GITHUB_REPOSITORY ?? originOf(workspace);
  const [, owner, repo] = /^([\w.-]+)\/([\w.-]+)$/.exec(named ?? '') ?? [];
  if (!owner || !repo)
    throw new UserError(named ? `"${named}" is no repository` : 'this folder has no origin on GitHub', {
      fix: 'say which: --repo owner/name',
    });
  const apiUrl = (env.GITHUB_API_URL ?? 'https://api.github.com').replace(/\/+$/, '');
  if (!URL.canParse(apiUrl))
    throw new UserError(`GITHUB_API_URL ${JSON.stringify(apiUrl)} is not a URL`, {
      fix: 'set it to https://api.github.com, or that of your GitHub',
    });
  return { apiUrl, owner, repo, token, app: appId && privateKey ? { appId, privateKey } : null };
}

function originOf(workspace: string): string | undefined {
  try {
    const url = execFileSync('git', ['-C', workspace, 'remote', 'get-url', 'origin'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return /([\w.-]+\/[\w.-]+?)(?:\.git)?\/?$/.exec(url.trim().replace(':', '/'))?.[1];
  } catch {
    return undefined;
  }
}

export async function readGitHub(access: SetupAccess): Promise<GitHubFacts> {
  try {
    const { facts, appId, askers } = await openSetup(access);
    const { owner, repo } = access;
    const repository = await readRepository({
      ...{ owner, repo, askers, appId, compareWorkflows: workflowFacts },
      workflowPaths: Object.keys(WORKFLOW_FILES),
    });
    return { app: facts, repository };
  } catch (cause) {
    if (!isUnanswered(cause)) throw cause;
    throw new UserError(`${access.apiUrl} does not answer`, {
      fix: 'check GITHUB_API_URL, the network and proxies',
      cause,
    });
  }
}

export function checkGitHub({ app, repository }: GitHubFacts): Check[] {
  if ('value' in repository) return [...checkApp(app), ...checkRepository(repository.value)];
  return [
    ...checkApp(app),
    fail('repository', repository.unread, 'check --repo, and that token or app can see it'),
  ];
}
