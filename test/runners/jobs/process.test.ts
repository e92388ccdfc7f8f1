import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { logOf, oneJob } from './execute.ts';
import { type FakeGitHub, startFakeGitHub, until } from './fake-github.ts';

const entry = fileURLToPath(new URL('../../../runners/local/jobs/process.ts', import.meta.url));
let github: FakeGitHub;
let dir: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  github = await startFakeGitHub();
  dir = mkdtempSync(join(tmpdir(), 'runner-'));
  writeFileSync(join(dir, 'secrets.json'), JSON.stringify({ control: github.control }));
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await github.close();
  rmSync(dir, { recursive: true, force: true });
});

function startProcess(): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, ['--import', 'tsx', entry, '--dir', dir, '--url', github.url], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk));
  return { child, output: () => output };
}

test('killed in the middle of a job and started again, it fails the lost run and kills what the run left', async () => {
  const first = startProcess();
  const run = github.dispatch(`
on: push
jobs:
  one:
    runs-on: ubuntu-latest
    steps: [{run: 'echo begun $$; sleep 60'}, {run: echo never}]
  two: {needs: one, runs-on: ubuntu-latest, steps: [{run: 'true'}]}
`);
  await until(() => logOf(run).includes('\nbegun'));
  await until(() => run.jobs.get('one')?.steps[1]?.status === 'in_progress');
  first.child.kill('SIGKILL');
  const pid = Number(/begun (\d+)/.exec(logOf(run))?.[1]);
  expect(() => process.kill(pid, 0)).not.toThrow();

  const second = startProcess();
  await github.completed(run);
  expect(run.conclusion).toBe('failure');
  expect(run.message).toBe('The runner was lost.');
  const job = run.jobs.get('one');
  expect(job?.conclusion).toBe('failure');
  expect(job?.steps.map(({ conclusion }) => conclusion)).toEqual([
    'success',
    'failure',
    'skipped',
    'skipped',
  ]);
  expect(job?.annotations.at(-1)?.message).toBe('The runner was lost.');
  await until(() => !isAlive(pid), 3_000);

  const next = await github.completed(github.dispatch(oneJob('- run: echo works again')));
  expect(next.conclusion).toBe('success');
  expect(second.output()).toContain('job runner ready');
  await until(() => readdirSync(join(dir, 'jobs', 'open')).length === 0, 3_000);
  expect(readdirSync(join(dir, 'jobs', 'work'))).toEqual([]);
});

test('asked to stop, it ends its jobs, says so, and exits with 0', async () => {
  const { child, output } = startProcess();
  const run = github.dispatch(oneJob('- run: echo begun; sleep 60'));
  await until(() => logOf(run).includes('\nbegun'));
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  expect(await exit, output()).toBe(0);
  expect(run.conclusion).toBe('cancelled');
});

test('it outlives its GitHub, names the reason once, and goes on when it is back', async () => {
  const { child, output } = startProcess();
  await until(() => output().includes('job runner ready'));
  await github.completed(github.dispatch(oneJob('- run: echo here')));
  const { port } = new URL(github.url);
  await github.close();
  await until(() => output().includes('no run can be claimed'));
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(output().match(/no run can be claimed/g)?.length).toBeLessThan(4);
  github = await startFakeGitHub(Number(port));
  expect((await github.completed(github.dispatch(oneJob('- run: echo back')))).conclusion).toBe('success');
  expect(child.exitCode).toBeNull();
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
