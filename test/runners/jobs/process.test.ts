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

const LOST = 'The runner was lost.';

test('killed in the middle of a job and started again: that job is lost, what had ended stands, what had not begun runs', async () => {
  const first = startProcess();
  const run = github.dispatch(`
on: push
jobs:
  zero:
    runs-on: ubuntu-latest
    outputs: {word: "\${{ steps.s.outputs.word }}"}
    steps: [{id: s, run: 'echo only once; echo word=bird >> "$GITHUB_OUTPUT"'}]
  one:
    needs: zero
    runs-on: ubuntu-latest
    steps: [{run: 'echo begun $$; sleep 60'}, {run: echo never}]
  two: {needs: one, runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  last:
    needs: [zero, one]
    if: always()
    runs-on: ubuntu-latest
    steps: [{run: "echo told \${{ needs.zero.outputs.word }} \${{ needs.one.result }}"}]
`);
  await until(() => logOf(run).includes('\nbegun'));
  await until(() => run.jobs.get('one')?.steps[1]?.status === 'in_progress');
  first.child.kill('SIGKILL');
  const pid = Number(/begun (\d+)/.exec(logOf(run))?.[1]);
  expect(() => process.kill(pid, 0)).not.toThrow();

  const second = startProcess();
  await github.completed(run);
  expect(run).toMatchObject({ conclusion: 'failure', message: LOST });
  const results = [...run.jobs.values()].map(({ key, conclusion }) => [key, conclusion]);
  expect(Object.fromEntries(results)).toEqual({
    ...{ zero: 'success', one: 'failure', two: 'skipped', last: 'success' },
  });
  const one = run.jobs.get('one');
  expect(one?.steps.map(({ conclusion }) => conclusion)).toEqual([
    'success',
    'failure',
    'skipped',
    'skipped',
  ]);
  expect(one?.annotations.at(-1)?.message).toBe(LOST);
  expect(logOf(run, 'zero').match(/^only once$/gm)).toHaveLength(1);
  expect(logOf(run, 'last')).toContain('told bird failure');
  await until(() => !isAlive(pid), 3_000);

  const next = await github.completed(github.dispatch(oneJob('- run: echo works again')));
  expect(next.conclusion).toBe('success');
  expect(second.output()).toContain('job runner ready');
  await until(() => readdirSync(join(dir, 'jobs', 'open')).length === 0, 3_000);
  expect(readdirSync(join(dir, 'jobs', 'work'))).toEqual([]);
});

test('a run that was given to it while it was killed is its own; one that was cancelled meanwhile ends as that', async () => {
  const given = github.dispatch(oneJob('- run: echo here'));
  given.taken = true;
  const first = startProcess();
  expect((await github.completed(given)).conclusion).toBe('success');

  const run = github.dispatch(oneJob('- run: echo begun; sleep 60', '    if: always()\n'));
  await until(() => logOf(run).includes('\nbegun'));
  first.child.kill('SIGKILL');
  run.cancelled = true;
  startProcess();
  expect((await github.completed(run)).conclusion).toBe('cancelled');
  expect(run.jobs.get('one')).toMatchObject({ conclusion: 'cancelled', status: 'completed' });
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
