import { expect, test } from 'vitest';
import { logOf, oneJob, useRunner } from './execute.ts';

const bench = useRunner();

test('a run step speaks, sets outputs, variables, paths and a summary', async () => {
  const run = await bench.execute(`
name: Words
on: workflow_dispatch
env: {GREETING: hello}
jobs:
  one:
    runs-on: ubuntu-latest
    env: {WHO: "\${{ github.actor }}"}
    outputs: {word: "\${{ steps.say.outputs.word }}"}
    steps:
      - id: say
        name: Say \${{ vars.COLOUR }}
        run: |
          echo "$GREETING $WHO \${{ vars.COLOUR }}"
          echo word=bird >> "$GITHUB_OUTPUT"
          printf 'LONG<<EOF_1\\na\\nb=c\\nEOF_1\\n' >> "$GITHUB_ENV"
          mkdir tools && printf '#!/bin/sh\\necho tool runs\\n' > tools/mytool && chmod +x tools/mytool
          echo "$PWD/tools" >> "$GITHUB_PATH"
          echo '# Title' >> "$GITHUB_STEP_SUMMARY"
      - run: mytool; echo "[$LONG] $GITHUB_REPOSITORY $GITHUB_RUN_ID $CI $ROUNDHOUSE_NOW"
  two:
    needs: one
    runs-on: [self-hosted, linux]
    steps:
      - run: echo "got \${{ needs.one.outputs.word }} \${{ needs.one.result }}"
`);
  expect(run.conclusion, logOf(run) + JSON.stringify([...run.jobs])).toBe('success');
  expect(logOf(run)).toContain('hello ml-lead green');
  expect(logOf(run)).toContain('tool runs');
  expect(logOf(run)).toContain('b=c] acme/bikes 1 true 2012-04-01T00:00:00.000Z');
  expect(logOf(run, 'two')).toContain('got bird success');
  const one = run.jobs.get('one');
  expect(one?.summary).toBe('# Title\n');
  expect(one?.steps.map((step) => [step.number, step.name, step.conclusion])).toEqual([
    [1, 'Set up job', 'success'],
    [2, 'Say green', 'success'],
    [3, expect.stringMatching(/^Run mytool/), 'success'],
    [4, 'Complete job', 'success'],
  ]);
});

test('a failing step fails the job; later steps run only when they ask to', async () => {
  const run = await bench.execute(
    oneJob(`
- run: exit 3
- run: echo never
- if: failure()
  run: echo after failure
- if: always()
  run: echo always \${{ job.status }}
`),
  );
  expect(run.conclusion).toBe('failure');
  expect(logOf(run)).not.toContain('never\n##');
  expect(run.jobs.get('one')?.steps.map((step) => step.conclusion)).toEqual([
    'success',
    'failure',
    'skipped',
    'success',
    'success',
    'success',
  ]);
  expect(logOf(run)).toContain('##[error]Process completed with exit code 3.');
  expect(logOf(run)).toContain('always failure');
});
