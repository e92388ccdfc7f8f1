import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { type JobRunnerOptions, startJobRunner } from '../../../runners/local/jobs/runner.ts';
import type { ClaimedRun } from '../../../runners/local/protocol.ts';
import { type FakeGitHub, type FakeRun, startFakeGitHub } from './fake-github.ts';

export type Bench = {
  github: FakeGitHub;
  dir: string;
  /** Dispatches the workflow and answers its record once it has completed. */
  execute(text: string, overrides?: Partial<ClaimedRun>): Promise<FakeRun>;
};

/** One fake GitHub and one real runner for a test file. */
export function useRunner(options: Partial<JobRunnerOptions> = {}): Bench {
  const bench: Partial<Bench> = {};
  let close: () => Promise<void>;
  beforeAll(async () => {
    const github = await startFakeGitHub();
    const dir = mkdtempSync(join(tmpdir(), 'jobs-'));
    const runner = await startJobRunner({
      url: github.url,
      control: github.control,
      dir,
      graceMs: 300,
      pollMs: 50,
      ...options,
    });
    close = async () => {
      await runner.close();
      await github.close();
      rmSync(dir, { recursive: true, force: true });
    };
    Object.assign(bench, {
      github,
      dir,
      execute: (text: string, overrides = {}) => github.completed(github.dispatch(text, overrides)),
    });
  });
  afterAll(() => close());
  return bench as Bench;
}

/** A workflow of one job whose steps are given as YAML, indented as in a `steps:` list at column 0. */
export function oneJob(steps: string, job = ''): string {
  const indent = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => `      ${line}`)
      .join('\n');
  return `on: workflow_dispatch\njobs:\n  one:\n    runs-on: ubuntu-latest\n${job}    steps:\n${indent(steps)}\n`;
}

/** The log of a job without its time stamps. */
export function logOf(run: FakeRun, job = 'one'): string {
  return (run.logs.get(job) ?? '').replaceAll(/^\S+ /gm, '');
}
