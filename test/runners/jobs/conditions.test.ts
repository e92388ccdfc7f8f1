import { describe, expect, test } from 'vitest';
import { logOf, oneJob, useRunner } from './execute.ts';
import { until } from './fake-github.ts';

const bench = useRunner({ parallel: 4 });
const conclusions = (run: Awaited<ReturnType<typeof bench.execute>>) =>
  Object.fromEntries([...run.jobs].map(([key, job]) => [key, job.conclusion]));

/** Jobs of one line each: id, needs, if, command. */
function graph(jobs: [id: string, needs: string[], condition: string | null, command: string][]): string {
  const lines = jobs.map(
    ([id, needs, condition, command]) => `
  ${id}:
    runs-on: ubuntu-latest
    needs: ${JSON.stringify(needs)}
    ${condition ? `if: ${condition}` : ''}
    steps: [{run: ${JSON.stringify(command)}}]`,
  );
  return `on: workflow_dispatch\njobs:${lines.join('')}\n`;
}

describe('needs and if', () => {
  test.each<[string, Parameters<typeof graph>[0], Record<string, string>, string]>([
    [
      'a failure skips what needs it',
      [
        ['a', [], null, 'exit 1'],
        ['b', ['a'], null, 'true'],
      ],
      { a: 'failure', b: 'skipped' },
      'failure',
    ],
    [
      'failure() sees any ancestor',
      [
        ['a', [], null, 'exit 1'],
        ['b', ['a'], null, 'true'],
        ['c', ['b'], 'failure()', 'true'],
      ],
      { a: 'failure', b: 'skipped', c: 'success' },
      'failure',
    ],
    [
      'always() runs after all',
      [
        ['a', [], null, 'exit 1'],
        ['b', ['a'], 'always()', 'true'],
      ],
      { a: 'failure', b: 'success' },
      'failure',
    ],
    [
      'a skipped ancestor skips its heirs',
      [
        ['a', [], 'false', 'true'],
        ['b', ['a'], 'always()', 'true'],
        ['c', ['b'], null, 'true'],
      ],
      { a: 'skipped', b: 'success', c: 'skipped' },
      'success',
    ],
    [
      'a condition of its own means success() as well',
      [
        ['a', [], null, 'exit 1'],
        ['b', ['a'], "github.ref == 'refs/heads/main'", 'true'],
      ],
      { a: 'failure', b: 'skipped' },
      'failure',
    ],
    [
      'results can be asked',
      [
        ['a', [], null, 'exit 1'],
        ['b', ['a'], "always() && needs.a.result == 'failure'", 'true'],
      ],
      { a: 'failure', b: 'success' },
      'failure',
    ],
    [
      'a word in a string is no status function',
      [
        ['a', [], null, 'exit 1'],
        ['b', ['a'], "contains('always()', 'always')", 'true'],
      ],
      { a: 'failure', b: 'skipped' },
      'failure',
    ],
  ])('%s', async (_, jobs, expected, conclusion) => {
    const run = await bench.execute(graph(jobs));
    expect(conclusions(run)).toEqual(expected);
    expect(run.conclusion).toBe(conclusion);
  });
});

test('many jobs that each need all of the layer before are no more than many jobs', async () => {
  const layer = (at: number) => Array.from({ length: 8 }, (_, index) => `j${at}-${index}`);
  const jobs = Array.from({ length: 8 }, (_, at) =>
    layer(at).map((id): [string, string[], string, string] => [
      id,
      at === 0 ? [] : layer(at - 1),
      'false',
      'true',
    ]),
  );
  const run = await bench.execute(graph(jobs.flat()));
  expect(new Set(Object.values(conclusions(run)))).toEqual(new Set(['skipped']));
});

test('continue-on-error: a tolerated step and a tolerated job do not fail the run', async () => {
  const run = await bench.execute(`
on: workflow_dispatch
jobs:
  a:
    runs-on: ubuntu-latest
    continue-on-error: true
    steps:
      - {id: soft, run: exit 1, continue-on-error: true}
      - run: echo "\${{ steps.soft.outcome }} \${{ steps.soft.conclusion }}"
      - run: exit 4
  b:
    needs: a
    runs-on: ubuntu-latest
    steps: [{run: 'echo "a was \${{ needs.a.result }}"'}]
`);
  expect(conclusions(run)).toEqual({ a: 'failure', b: 'success' });
  expect(run.conclusion).toBe('success');
  expect(logOf(run, 'a')).toContain('\nfailure success\n');
  expect(logOf(run, 'b')).toContain('a was success');
});

describe('matrix', () => {
  test('one job a combination, with strategy context, names and outputs', async () => {
    const run = await bench.execute(`
on: workflow_dispatch
jobs:
  plan:
    runs-on: ubuntu-latest
    outputs: {list: "\${{ steps.l.outputs.list }}"}
    steps: [{id: l, run: 'echo "list=[\\"x\\",\\"y\\"]" >> "$GITHUB_OUTPUT"'}]
  train:
    needs: plan
    runs-on: ubuntu-latest
    strategy:
      matrix:
        who: \${{ fromJSON(needs.plan.outputs.list) }}
        n: [1, 2]
        exclude: [{who: x, n: 2}]
        include: [{who: y, extra: yes-y}, {who: z}]
    outputs: {got: "\${{ steps.o.outputs.got }}"}
    steps:
      - id: o
        run: |
          echo "I am \${{ matrix.who }} \${{ matrix.n }} \${{ matrix.extra }} of \${{ strategy.job-total }}"
          echo "got=\${{ matrix.who }}" >> "$GITHUB_OUTPUT"
  after:
    needs: train
    runs-on: ubuntu-latest
    steps: [{run: 'echo "last \${{ needs.train.outputs.got }}"'}]
`);
    expect(run.conclusion).toBe('success');
    expect(Object.keys(conclusions(run))).toEqual([
      'plan',
      'train-0',
      'train-1',
      'train-2',
      'train-3',
      'after',
    ]);
    expect([...run.jobs.values()].map((job) => job.name).slice(1, 5)).toEqual([
      'train (x, 1)',
      'train (y, 1, yes-y)',
      'train (y, 2, yes-y)',
      'train (z)',
    ]);
    expect(logOf(run, 'train-2')).toContain('I am y 2 yes-y of 4');
    expect(logOf(run, 'after')).toContain('last z');
  });

  test('fail-fast cancels the siblings, unless it is off', async () => {
    const text = (failFast: boolean) => `
on: workflow_dispatch
jobs:
  m:
    runs-on: ubuntu-latest
    strategy: {fail-fast: ${failFast}, matrix: {wait: [0, ${failFast ? 30 : 0.2}]}}
    steps: [{run: 'sleep \${{ matrix.wait }}; test \${{ matrix.wait }} != 0'}]
`;
    expect(conclusions(await bench.execute(text(true)))).toEqual({ 'm-0': 'failure', 'm-1': 'cancelled' });
    expect(conclusions(await bench.execute(text(false)))).toEqual({ 'm-0': 'failure', 'm-1': 'success' });
  });

  test('max-parallel', async () => {
    const run = await bench.execute(`
on: workflow_dispatch
jobs:
  m:
    runs-on: ubuntu-latest
    strategy: {max-parallel: 1, matrix: {n: [1, 2, 3]}}
    steps: [{run: sleep 0.05}]
`);
    const [a, b, c] = [...run.jobs.values()];
    expect(a?.completed_at && b?.started_at && a.completed_at <= b.started_at).toBe(true);
    expect(b?.completed_at && c?.started_at && b.completed_at <= c.started_at).toBe(true);
  });

  test('an empty vector fails the job and says so', async () => {
    const run = await bench.execute(`
on: workflow_dispatch
jobs:
  m:
    runs-on: ubuntu-latest
    strategy: {matrix: {n: "\${{ fromJSON('[]') }}"}}
    steps: [{run: 'true'}]
`);
    expect(run.conclusion).toBe('failure');
    expect(run.jobs.get('m')?.annotations[0]?.message).toBe("Matrix vector 'n' does not contain any values.");
  });
});

describe('time and cancellation', () => {
  test('a step past its timeout-minutes fails; SIGINT, SIGTERM, then SIGKILL of its whole group', async () => {
    const run = await bench.execute(
      oneJob(`
- timeout-minutes: 0.005
  run: |
    trap 'echo asked to stop' TERM
    (trap '' TERM; sleep 30) &
    while true; do sleep 0.05; done
- if: failure()
  run: echo cleaned up
`),
    );
    expect(run.conclusion).toBe('failure');
    expect(logOf(run)).toContain('asked to stop');
    expect(logOf(run)).toMatch(/##\[error\]The action 'Run trap .*' has timed out after 0.005 minutes/);
    expect(logOf(run)).toContain('cleaned up');
  });

  test('a job past its timeout-minutes is cancelled, as on github.com, and says why', async () => {
    const run = await bench.execute(
      oneJob(
        '- run: sleep 30\n- run: echo never\n- {if: always(), run: echo last words}',
        '    timeout-minutes: 0.005\n',
      ),
    );
    expect(conclusions(run)).toEqual({ one: 'cancelled' });
    expect(run.jobs.get('one')?.steps.map((step) => step.conclusion)).toEqual([
      'success',
      'cancelled',
      'skipped',
      'success',
      'success',
    ]);
    expect(logOf(run)).toContain('\nlast words');
    expect(logOf(run)).toContain('exceeded the maximum execution time of 0.005 minutes');
  });

  test('cancelling a run stops its step, skips the rest, and lets always() and cancelled() speak', async () => {
    const run = bench.github.dispatch(`
on: workflow_dispatch
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - run: echo begun; sleep 30
      - run: echo never
      - {if: cancelled(), run: 'echo was \${{ job.status }}'}
  b: {needs: a, runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  c: {needs: a, if: always(), runs-on: ubuntu-latest, steps: [{run: echo tidy}]}
`);
    await until(() => logOf(run, 'a').includes('\nbegun'));
    run.cancelled = true;
    await bench.github.completed(run);
    expect(conclusions(run)).toEqual({ a: 'cancelled', b: 'cancelled', c: 'success' });
    expect(run.conclusion).toBe('cancelled');
    expect(logOf(run, 'a')).toContain('was cancelled');
    expect(logOf(run, 'c')).toContain('tidy');
  });

  // Fact 27.
  test('a job without a runner for its labels stays queued until it is cancelled', async () => {
    const run = bench.github.dispatch(
      'on: workflow_dispatch\njobs:\n  a: {runs-on: [self-hosted, gpu], steps: [{run: "true"}]}\n',
    );
    await until(() => run.jobs.get('a')?.status === 'queued');
    run.cancelled = true;
    await bench.github.completed(run);
    expect(conclusions(run)).toEqual({ a: 'cancelled' });
  });
});
