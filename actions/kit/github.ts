import { getOctokit } from '@actions/github';
import { guardedFetch, octokitDefaults } from '#lib/github/client.ts';
import { type Forge, forge } from '#lib/github/forge.ts';
import { orNull, type Repository, statusOf } from '#lib/github/repository.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import type { Environment } from './deps.ts';

/** GitHub as a plain step writes to it, where the app is not installed. */
export type StepGitHub = { forge: Forge; owner: string; repo: string; login: string };

/** The login that GITHUB_TOKEN writes as; it may not ask who it is. */
const ACTIONS_LOGIN = 'github-actions[bot]';

export async function openGitHub({ token, env }: { token: string; env: Environment }): Promise<StepGitHub> {
  const [owner, repo] = (env.GITHUB_REPOSITORY ?? '').split('/');
  if (!owner || !repo)
    throw new UserError('GITHUB_REPOSITORY names no repository', { fix: 'run this as a step of a workflow' });
  const baseUrl = env.GITHUB_API_URL ?? 'https://api.github.com';
  const octokit = getOctokit(token, {
    ...octokitDefaults(baseUrl)({}),
    baseUrl,
    request: { fetch: guardedFetch(baseUrl) },
  });
  const repository = { octokit: octokit as unknown as Repository['octokit'], owner, repo };
  const viewer = await orNull(octokit.rest.users.getAuthenticated()).catch(() => null);
  return { forge: forge(repository), owner, repo, login: viewer?.data.login ?? ACTIONS_LOGIN };
}

/** A refusal of the step's token is the workflow's to mend: `permissions` is what its job must grant. */
export async function permitted<Value>(permissions: string, ask: () => Promise<Value>): Promise<Value> {
  try {
    return await ask();
  } catch (cause) {
    const status = statusOf(cause);
    if (status === 401) {
      const fix = 'hand over `github.token`, or another one that is valid';
      throw new UserError('GitHub does not know the token', { fix, cause });
    }
    if (status === 403 && /not accessible by/.test(String(cause))) {
      const fix = `grant the job \`permissions: { ${permissions} }\``;
      throw new UserError('GitHub refuses what the token asks for', { fix, cause });
    }
    throw cause;
  }
}
