import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { Octokit } from 'octokit';
import { parseConfig } from '#lib/formats/config.ts';
import type { ModelLock } from '#lib/lifecycle/locks.ts';
import { openStore } from '#lib/store/open.ts';
import { modelFiles } from '../../runners/local/demo/repository.ts';
import { bikesCsv } from '../../runners/local/demo/rows.ts';
import { ensureSecrets } from '../../runners/local/github/secrets.ts';
import { startGitHub } from '../../runners/local/github/server.ts';
import { startJobRunner } from '../../runners/local/jobs/runner.ts';
import { startSupervisor } from '../../runners/model-server/supervisor.ts';
import { packageRoot } from '../../templates/load.ts';
import { repositoryFiles } from '../../templates/repository.ts';
import { bikesTexts } from '../formats/bikes.ts';
import { documentedWorkflows, PIN } from '../templates/documented-workflows.ts';

export const R = { owner: 'acme', repo: 'bikes' } as const;
const LOGIN = 'data-scientist';

const run = promisify(execFile);

/** Within reach of candidates that learn for a moment only, and out of reach a year later. */
const problem = bikesTexts().problem.text.replace('threshold: 50', 'threshold: 70');

export type PlainWorld = Awaited<ReturnType<typeof startPlainWorld>>;

/** The local GitHub without an app, with job runner and supervisor, and one person who has a checkout. */
export async function startPlainWorld() {
  const dir = mkdtempSync(join(tmpdir(), 'plain-'));
  const storeUrl = pathToFileURL(join(dir, 'store')).href;
  const logs = join(dir, 'predictions');
  const store = openStore(storeUrl);
  const log: string[] = [];
  const note = (line: string) => void log.push(line);
  const people = [{ login: LOGIN, role: 'maintain' as const }];
  const github = await startGitHub({
    dir,
    port: 0,
    log: note,
    seed: { owner: R.owner, repository: R.repo, people },
  });
  const secrets = await ensureSecrets(dir);
  const token = secrets.tokens[LOGIN] ?? '';
  const supervisor = await startSupervisor({
    ...{ dir: join(dir, 'supervisor'), port: 0, token: secrets.supervisor, store, logs, log: note },
    environments: ['production'],
  });
  const runner = await startJobRunner({
    ...{ url: github.url, control: secrets.control, dir, log: note, pollMs: 200, graceMs: 500 },
  });
  const octokit = new Octokit({
    ...{ auth: token, baseUrl: `${github.url}/api/v3`, throttle: { enabled: false } },
    retry: { enabled: false },
  });
  const checkout = join(dir, 'checkout');
  mkdirSync(checkout);

  async function git(...args: string[]): Promise<string> {
    const who = ['-c', `user.name=${LOGIN}`, '-c', `user.email=${LOGIN}@users.noreply.localhost`];
    return (await run('git', [...who, ...args], { cwd: checkout })).stdout.trim();
  }

  async function control<Answer>(method: string, path: string, body: unknown): Promise<Answer> {
    const response = await fetch(`${github.url}/_local/${path}`, {
      method,
      headers: { 'x-roundhouse-local': secrets.control, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (response.status === 204 ? undefined : await response.json()) as Answer;
  }

  function write(files: Record<string, string>): void {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(checkout, path)), { recursive: true });
      writeFileSync(join(checkout, path), text);
    }
  }

  const settings = (body: object) => control('PATCH', `repos/${R.owner}/${R.repo}`, body);
  await settings({
    vars: { ROUNDHOUSE_STORE_MAIN: storeUrl, ROUNDHOUSE_LOGS_MAIN: pathToFileURL(logs).href },
    secrets: { ROUNDHOUSE_SUPERVISOR_TOKEN: secrets.supervisor },
  });
  await git('init', '--quiet', '--initial-branch', 'main');
  await git(
    'remote',
    'add',
    'origin',
    `${github.url.replace('://', `://${LOGIN}:${token}@`)}/acme/bikes.git`,
  );
  const starter = repositoryFiles({ sha: PIN, supervisor: supervisor.url, schedule: '0 5 * * *' });
  write({
    ...Object.fromEntries(
      starter
        .filter(({ path }) => !/^\.github\/(workflows|ISSUE_TEMPLATE)\//.test(path))
        .map(({ path, text }) => [path, text]),
    ),
    ...documentedWorkflows(),
    'models/bikes/problem.yml': problem,
  });

  const world = {
    log,
    octokit,
    git,
    write,
    settings,
    read: (path: string) => readFileSync(join(checkout, path), 'utf8'),
    setClock: (now: string) => control<{ fired: number }>('POST', 'clock', { now }),
    /** A stage in the terminal of the person's checkout. */
    async roundhouse(...args: string[]): Promise<string> {
      const bin = join(packageRoot(), 'actions/roundhouse.mjs');
      const env = { ...process.env, ROUNDHOUSE_STORE_MAIN: storeUrl };
      return (await run(process.execPath, [bin, ...args], { cwd: checkout, env })).stdout;
    },
    async push(branch: string, message: string): Promise<string> {
      await git('add', '--all');
      await git('commit', '--quiet', '--message', message);
      await git('push', '--quiet', 'origin', `HEAD:${branch}`);
      return git('rev-parse', 'HEAD');
    },
    lock(): ModelLock {
      const file = 'models/bikes/model.lock';
      return parseConfig('model-lock', { file, text: world.read(file) });
    },
    /** Data, pipeline and two candidates that learn for a moment only, behind a short canary. */
    async bikes(): Promise<Record<string, string>> {
      const history = await store.put(bikesCsv());
      const files = modelFiles('bikes', { history });
      const quick = (text: string) =>
        text
          .replaceAll(/epochs: \d+/g, 'epochs: 8')
          .replace('min_requests: 40', 'min_requests: 20')
          .replace('max_latency_p95_ms: 250', 'max_latency_p95_ms: 30000');
      return Object.fromEntries(Object.entries(files).map(([path, text]) => [path, quick(text)]));
    },
    router: () => routerOf(supervisor.url, secrets.supervisor),
    /** The one run of a workflow for a commit or pull request head, when it has ended, with its log. */
    async ended(workflow: string, wanted: { event: string; sha?: string; nth?: number }) {
      const found = await eventually(`${workflow} on ${wanted.event}`, log, async () => {
        const { data } = await octokit.rest.actions.listWorkflowRuns({ ...R, workflow_id: workflow });
        const runs = data.workflow_runs
          .filter(
            ({ event, head_sha }) => event === wanted.event && [undefined, head_sha].includes(wanted.sha),
          )
          .toSorted((one, other) => one.id - other.id);
        const one = runs[wanted.nth ?? 0];
        return one?.status === 'completed' ? one : undefined;
      });
      const { data } = await octokit.rest.actions.listJobsForWorkflowRun({ ...R, run_id: found.id });
      const texts = await Promise.all(
        data.jobs.map(async ({ id }) =>
          String((await octokit.rest.actions.downloadJobLogsForWorkflowRun({ ...R, job_id: id })).data),
        ),
      );
      return { conclusion: found.conclusion, log: texts.join('\n').replaceAll(/^\S+Z /gm, '') };
    },
    async comments(issue_number: number) {
      const { data } = await octokit.rest.issues.listComments({ ...R, issue_number });
      return data.map(({ id, body, user }) => ({ id, body: body ?? '', author: user?.login }));
    },
    /** GitHub deployments of production, oldest first, with their newest state. */
    async deployments() {
      const environment = 'bikes/production';
      const { data } = await octokit.rest.repos.listDeployments({ ...R, environment });
      const found = data.toSorted((one, other) => one.id - other.id);
      return Promise.all(
        found.map(async ({ id, sha, description, creator }) => {
          const statuses = await octokit.rest.repos.listDeploymentStatuses({ ...R, deployment_id: id });
          return { sha, description, by: creator?.login, state: statuses.data[0]?.state };
        }),
      );
    },
    async close() {
      await runner.close();
      await supervisor.close();
      await github.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return world;
}

async function routerOf(supervisor: string, token: string): Promise<string> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${supervisor}/v1/environments`, { headers });
  const { environments } = (await response.json()) as { environments: { name: string; url: string }[] };
  return environments.find(({ name }) => name === 'production')?.url ?? '';
}

async function eventually<Found>(
  what: string,
  log: string[],
  look: () => Promise<Found | undefined>,
): Promise<Found> {
  for (const until = Date.now() + 110_000; Date.now() < until; ) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`waited in vain for ${what}\n${log.slice(-20).join('\n')}`);
}
