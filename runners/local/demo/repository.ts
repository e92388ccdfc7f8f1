import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { packageRoot } from '../../../templates/load.ts';
import { fillPlaceholders, repositoryFiles } from '../../../templates/repository.ts';

const run = promisify(execFile);

/** Once a day: the local clock jumps over many of them and only the last one fires. */
export const MONITOR_SCHEDULE = '17 5 * * *';

/** The first commit of a user's repository, pushed over git by a person: an app may not write workflow files. */
export async function pushFirstCommit(to: Access & { supervisor: string }): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'roundhouse-first-'));
  try {
    const sha = await packageCommit();
    for (const { path, text } of repositoryFiles({
      sha,
      supervisor: to.supervisor,
      schedule: MONITOR_SCHEDULE,
    })) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const git = gitIn(folder, to.login);
    await git('init', '--quiet', '--initial-branch', 'main');
    await git('add', '--all');
    await git('commit', '--quiet', '--message', 'Roundhouse: policy, workflows and issue forms');
    await git('push', '--quiet', addressOf(to), 'main');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export type Access = { url: string; owner: string; repository: string; login: string; token: string };

/** A person's clone of the default branch, in a folder that goes away again. */
export async function inClone<Result>(
  access: Access,
  work: (clone: { folder: string; git: (...args: string[]) => Promise<unknown> }) => Promise<Result>,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'roundhouse-clone-'));
  try {
    const git = gitIn(folder, access.login);
    await git('clone', '--quiet', addressOf(access), '.');
    return await work({ folder, git });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function gitIn(folder: string, login: string): (...args: string[]) => Promise<unknown> {
  const env = gitEnvironment(login);
  return (...args) => run('git', ['-C', folder, ...args], { env });
}

function addressOf({ url, owner, repository, login, token }: Access): string {
  const address = new URL(`${url}/${owner}/${repository}.git`);
  address.username = login;
  address.password = token;
  return address.href;
}

function gitEnvironment(login: string): NodeJS.ProcessEnv {
  const who = { NAME: login, EMAIL: `${login}@users.noreply.localhost` };
  return {
    ...process.env,
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: who.NAME,
    GIT_AUTHOR_EMAIL: who.EMAIL,
    GIT_COMMITTER_NAME: who.NAME,
    GIT_COMMITTER_EMAIL: who.EMAIL,
  };
}

/** The commit that workflow files pin: this package's own where it is a checkout. The local job runner maps any. */
async function packageCommit(): Promise<string> {
  try {
    const { stdout } = await run('git', ['-C', packageRoot(), 'rev-parse', 'HEAD']);
    return stdout.trim();
  } catch {
    return '0'.repeat(40);
  }
}

const FOLDER = 'runners/local/demo/bikes';

/** The data scientist's files of the first data and model pull request. */
export function modelFiles(model: string, values: Record<string, string>): Record<string, string> {
  const folder = join(packageRoot(), FOLDER);
  const names = [
    'data.yml',
    'model.yml',
    'operate.yml',
    ...readdirSync(join(folder, 'pipeline')).map((name) => `pipeline/${name}`),
  ];
  return Object.fromEntries(
    names.map((name) => [
      `models/${model}/${name}`,
      fillPlaceholders(readFileSync(join(folder, name), 'utf8'), values),
    ]),
  );
}

type FormField = { type: string; id?: string; attributes: { label?: string; render?: string } };

/** What the product owner answers about the bikes, by field id, with dates after `now`. */
export function bikesAnswers(now: Date): Record<string, string> {
  const answers = parse(readFileSync(join(packageRoot(), FOLDER, 'problem-form.yml'), 'utf8'));
  const dated = (text: string) =>
    text.replace(/\+(\d+)d\b/g, (_, days) =>
      new Date(now.getTime() + Number(days) * 86_400_000).toISOString().slice(0, 10),
    );
  return Object.fromEntries(
    Object.entries(answers as Record<string, string>).map(([id, answer]) => [id, dated(answer)]),
  );
}

/** The issue of the bikes. */
export function problemIssue(): { title: string; body: string } {
  return issueOf(bikesAnswers(new Date()), 'hourly bike rentals');
}

/** The issue as GitHub renders the answers to the form: a heading per field, `_No response_` where there is none. */
export function issueOf(answers: Record<string, unknown>, subject: string): { title: string; body: string } {
  const form = parse(readFileSync(join(packageRoot(), 'templates/issue-forms/ml-problem.yml'), 'utf8')) as {
    title?: string;
    body: FormField[];
  };
  const sections = form.body
    .filter(({ type }) => type !== 'markdown')
    .map(
      ({ id, attributes }) =>
        `### ${attributes.label}\n\n${String(answers[id ?? ''] ?? '_No response_').trim()}`,
    );
  return { title: `${form.title ?? ''}${subject}`, body: sections.join('\n\n') };
}
