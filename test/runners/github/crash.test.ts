import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureSecrets } from '../../../runners/local/github/secrets.ts';
import type { SeedSpec } from '../../../runners/local/github/seed.ts';
import type { LocalSecrets } from '../../../runners/local/protocol.ts';
import {
  type Checkout,
  checkout,
  clientsFor,
  controlFor,
  eventually,
  type Hook,
  R,
  startHook,
  WORKFLOW,
} from './harness.ts';

const entry = new URL('../../../runners/local/github/server.ts', import.meta.url).pathname;

let dir: string;
let hook: Hook;
let secrets: LocalSecrets;
let child: ChildProcess;
let url: string;
let work: Checkout;

async function start(port: number): Promise<void> {
  const seed: SeedSpec = {
    ...{ owner: R.owner, repository: R.repo, people: [{ login: 'ml-lead', role: 'maintain' as const }] },
    app: { slug: 'roundhouse', webhookUrl: hook.url },
  };
  child = spawn(
    process.execPath,
    ['--import', 'tsx', entry, '--dir', dir, '--port', String(port), '--seed', JSON.stringify(seed)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString()));
    child.once('exit', (code) => reject(new Error(`The server ended with ${code}`)));
  });
  url = (JSON.parse(line) as { url: string }).url;
  secrets = await ensureSecrets(dir);
}

async function kill(): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

async function restart(): Promise<void> {
  await kill();
  await start(Number(new URL(url).port));
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'github-crash-'));
  hook = await startHook();
  await start(0);
  work = await checkout(dir, url, secrets.tokens['ml-lead'] ?? '');
  await work.commit('first', { 'README.md': '# Bikes\n', '.github/workflows/train.yml': WORKFLOW });
  await work.push('main');
});
afterAll(async () => {
  await kill();
  await hook.close();
  rmSync(dir, { recursive: true, force: true });
});

test('what was acknowledged is there after kill -9 in the middle of writing', async () => {
  const acknowledged: number[] = [];
  let running = true;
  const writers = Array.from({ length: 4 }, async () => {
    while (running) {
      const lead = clientsFor(url, secrets).as('ml-lead');
      await lead.rest.issues.create({ ...R, title: 'x', body: 'y'.repeat(2000) }).then(
        ({ data }) => acknowledged.push(data.number),
        () => {
          running = false;
        },
      );
    }
  });
  await eventually(() => acknowledged.length > 20 || undefined, 'twenty issues');
  await restart();
  running = false;
  await Promise.all(writers);
  const lead = clientsFor(url, secrets).as('ml-lead');
  const all = await lead.paginate(lead.rest.issues.listForRepo, { ...R, state: 'all', per_page: 100 });
  const numbers = all.map(({ number }) => number);
  expect(acknowledged.filter((number) => !numbers.includes(number))).toEqual([]);
  expect(new Set(numbers).size).toBe(numbers.length);
});

test('a torn last line is left out', async () => {
  await kill();
  const journal = join(dir, 'github', 'journal.jsonl');
  appendFileSync(journal, '[["issues","1/9","{\\"torn');
  await start(Number(new URL(url).port));
  expect(readFileSync(journal, 'utf8').endsWith('\n')).toBe(true);
  const { data } = await clientsFor(url, secrets).as('ml-lead').rest.repos.get(R);
  expect(data.full_name).toBe('acme/bikes');
});

test('tokens, runs, pull requests and unsent deliveries outlive a restart', async () => {
  const bot = await clientsFor(url, secrets).bot();
  await work.git('checkout', '--quiet', '-b', 'topic');
  const head = await work.commit('topic', { 'x.txt': 'x' });
  await work.push('HEAD:refs/heads/topic');
  const { data: pull } = await bot.rest.pulls.create({ ...R, title: 'T', head: 'topic', base: 'main' });
  const { data: run } = await bot.request(
    'POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches',
    {
      ...{ ...R, workflow_id: 'train.yml', ref: 'main', inputs: { request_id: 'r' } },
      headers: { 'x-github-api-version': '2026-03-10' },
    },
  );
  await restart();
  const { data: again } = await bot.rest.pulls.get({ ...R, pull_number: pull.number });
  expect(again).toMatchObject({ state: 'open', mergeable: true, head: { sha: head } });
  const claimed = await controlFor(url, secrets).claim();
  expect(claimed?.id).toBe((run as unknown as { workflow_run_id: number }).workflow_run_id);
  await eventually(
    () => hook.events.find(({ name, action }) => name === 'workflow_run' && action === 'requested'),
    'the event of the run',
  );
});

test('a ref that moved without its events being written is announced on the next start', async () => {
  await kill();
  const bare = join(dir, 'github', 'repos', 'acme', 'bikes.git');
  await work.git('checkout', '--quiet', 'main');
  await work.git('merge', '--quiet', '--no-ff', '-m', 'merge the topic unseen', 'topic');
  const sha = await work.git('rev-parse', 'HEAD');
  await work.git('push', '--quiet', bare, 'HEAD:refs/heads/main');
  await start(Number(new URL(url).port));
  await eventually(
    () => hook.events.find(({ name, body }) => name === 'push' && body.includes(`"after":"${sha}"`)),
    'the push',
  );
  const lead = clientsFor(url, secrets).as('ml-lead');
  const { data } = await lead.rest.pulls.list({ ...R, state: 'all' });
  expect(data[0]).toMatchObject({ state: 'closed', merged_at: expect.any(String) });
});

test('a squash whose answer and records were lost still closes its pull request as merged', async () => {
  const lead = clientsFor(url, secrets).as('ml-lead');
  await work.fetch('main');
  await work.git('checkout', '--quiet', '-b', 'squashed', 'FETCH_HEAD');
  await work.commit('to squash', { 'squashed.txt': 's' });
  await work.push('HEAD:refs/heads/squashed');
  const { data: pull } = await lead.rest.pulls.create({
    ...R,
    title: 'Squash',
    head: 'squashed',
    base: 'main',
  });
  await kill();
  // What the disk holds between the move of the base and the records: the intent, and the moved base.
  const bare = join(dir, 'github', 'repos', 'acme', 'bikes.git');
  const sha = await work.git('commit-tree', 'HEAD^{tree}', '-p', pull.base.sha, '-m', 'Squash (#1)');
  await work.git('push', '--quiet', bare, `${sha}:refs/heads/main`);
  const journal = join(dir, 'github', 'journal.jsonl');
  const rows = readFileSync(journal, 'utf8')
    .trim()
    .split('\n')
    .flatMap((line) => JSON.parse(line) as [string, string, Row][]);
  const [table, key, row] =
    rows.findLast(([name, , value]) => name === 'issues' && value?.number === pull.number) ?? [];
  const intent = [table, key, { ...row, pull: { ...row?.pull, merging: { sha, by: 'ml-lead' } } }];
  appendFileSync(journal, `${JSON.stringify([intent])}\n`);
  await start(Number(new URL(url).port));
  const { data } = await lead.rest.pulls.get({ ...R, pull_number: pull.number });
  expect(data).toMatchObject({ merged: true, merge_commit_sha: sha, merged_by: { login: 'ml-lead' } });
});

type Row = { number?: number; pull?: object } | null;
