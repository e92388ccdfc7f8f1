import { expect, test } from 'vitest';
import { logOf, useRunner } from './execute.ts';

/** GitHub docs, actions/how-tos/reuse-automations/reuse-workflows and reference/…/reusing-workflow-configurations. */
const bench = useRunner({ parallel: 4 });
const on = 'on: workflow_dispatch\n';

async function call(text: string, files: Record<string, string>, secrets = { PASSWORD: 'hunter2-hunter2' }) {
  const run = bench.github.dispatch(text, { secrets });
  for (const [name, content] of Object.entries(files)) run.files.set(`.github/workflows/${name}`, content);
  return bench.github.completed(run);
}

const inner = `
on:
  workflow_call:
    inputs:
      word: {type: string, required: true}
      count: {type: number, default: 3}
      loud: {type: boolean, default: false}
    secrets: {key: {required: true}}
    outputs: {said: {value: "\${{ jobs.say.outputs.said }} \${{ jobs.say.result }}"}}
env: {WHERE: inside}
jobs:
  say:
    runs-on: ubuntu-latest
    permissions: {contents: read}
    outputs: {said: "\${{ steps.s.outputs.said }}"}
    steps:
      - id: s
        env: {KEY: "\${{ secrets.key }}"}
        run: |
          echo "in=\${{ toJSON(inputs) }} of \${{ github.workflow }} $WHERE \${{ env.OUTER }} [\${{ secrets.PASSWORD }}]"
          test "$KEY" = hunter2-hunter2
          echo "said=\${{ inputs.word }}!" >> "$GITHUB_OUTPUT"
`;

test('a called workflow: inputs, secrets, permissions, its own env, outputs, names', async () => {
  const run = await call(
    `name: Outer
${on}env: {OUTER: outside}
jobs:
  one:
    strategy: {matrix: {word: [moon, sun]}}
    uses: ./.github/workflows/inner.yml
    with: {word: "\${{ matrix.word }}", loud: true}
    secrets: {key: "\${{ secrets.PASSWORD }}"}
  after: {needs: one, runs-on: ubuntu-latest, steps: [{run: 'echo "got \${{ needs.one.outputs.said }}"'}]}
`,
    { 'inner.yml': inner },
  );
  expect(run.conclusion, run.message + logOf(run, 'one-0.say')).toBe('success');
  expect([...run.jobs].map(([key, { name }]) => [key, name])).toEqual([
    ['one-0.say', 'one (moon) / say'],
    ['one-1.say', 'one (sun) / say'],
    ['after', 'after'],
  ]);
  const log = logOf(run, 'one-0.say').replaceAll(/\s+/g, ' ');
  expect(log).toContain('in={ word: moon, count: 3, loud: true } of Outer inside []');
  expect(logOf(run, 'after')).toContain('got sun! success');
  expect(run.tokens).toContainEqual({ contents: 'read', metadata: 'read' });
});

test('secrets: inherit; a failure inside fails the caller; conditions on both sides', async () => {
  const run = await call(
    `${on}jobs:
  one: {uses: ./.github/workflows/a.yml, secrets: inherit}
  no: {if: false, uses: ./.github/workflows/a.yml}
  two: {needs: one, runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  three: {needs: one, if: failure(), runs-on: ubuntu-latest, steps: [{run: 'true'}]}
`,
    {
      'a.yml': `on: workflow_call
jobs:
  x: {runs-on: ubuntu-latest, steps: [{run: 'test "\${{ secrets.PASSWORD }}" = hunter2-hunter2'}]}
  y: {needs: x, runs-on: ubuntu-latest, steps: [{run: exit 3}]}
`,
    },
  );
  const results = Object.fromEntries([...run.jobs].map(([key, { conclusion }]) => [key, conclusion]));
  expect(results).toEqual({
    ...{ 'one.x': 'success', 'one.y': 'failure', no: 'skipped', two: 'skipped', three: 'success' },
  });
});

const level = (to: string) => `on: [workflow_call]\njobs: {n: {uses: ./.github/workflows/${to}}}\n`;
const plain = "on: workflow_call\njobs: {x: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n";

test.each<[string, string, Record<string, string>, string]>([
  ['a missing file', '{uses: ./.github/workflows/none.yml}', {}, 'workflow was not found'],
  ['another repository', '{uses: some/where/.github/workflows/a.yml@v1}', {}, 'cannot be fetched here'],
  [
    'a workflow that is not made to be called',
    '{uses: ./.github/workflows/a.yml}',
    { 'a.yml': plain.replace('workflow_call', 'push') },
    "missing a 'on.workflow_call' trigger",
  ],
  [
    'an unknown input',
    '{uses: ./.github/workflows/a.yml, with: {odd: 1}}',
    { 'a.yml': plain },
    'Invalid input, odd is not defined',
  ],
  [
    'a missing input',
    '{uses: ./.github/workflows/inner.yml, secrets: inherit}',
    { 'inner.yml': inner },
    'Input word is required, but not provided',
  ],
  [
    'a missing secret',
    '{uses: ./.github/workflows/inner.yml, with: {word: x}}',
    { 'inner.yml': inner },
    'Secret key is required',
  ],
  [
    'more permissions than the caller has',
    '{uses: ./.github/workflows/a.yml, permissions: {contents: read}}',
    { 'a.yml': plain.replace('{runs-on', '{permissions: {contents: write}, runs-on') },
    "The nested job 'x' is requesting 'contents: write', but is only allowed 'contents: read'.",
  ],
  [
    'a workflow that calls itself',
    '{uses: ./.github/workflows/a.yml}',
    { 'a.yml': level('a.yml') },
    'nested deeper than 10 levels',
  ],
  [
    'concurrency, which is not built',
    '{uses: ./.github/workflows/a.yml}',
    { 'a.yml': `concurrency: x\n${plain}` },
    "cannot call a workflow with 'concurrency'",
  ],
])('%s keeps the run from starting', async (_, job, files, message) => {
  const run = await call(`${on}jobs: {one: ${job}}\n`, files);
  expect(run.conclusion).toBe('startup_failure');
  expect(run.message).toContain(message);
});

test('ten levels are allowed', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 9 }, (_, at) => [`l${at}.yml`, at === 8 ? plain : level(`l${at + 1}.yml`)]),
  );
  const run = await call(`${on}jobs: {one: {uses: ./.github/workflows/l0.yml}}\n`, files);
  expect(run.conclusion, run.message).toBe('success');
  expect([...run.jobs.keys()]).toEqual([`one${'.n'.repeat(8)}.x`]);
});

test('force-cancel stops a job in spite of always(), and lets nothing else begin', async () => {
  const run = bench.github.dispatch(`${on}jobs:
  a:
    runs-on: ubuntu-latest
    steps: [{run: echo begun; sleep 30}, {if: always(), run: echo stubborn}]
  b: {needs: a, if: always(), runs-on: ubuntu-latest, steps: [{run: echo late}]}
`);
  for (let seen = false; !seen; seen = logOf(run, 'a').includes('\nbegun'))
    await new Promise((resolve) => setTimeout(resolve, 20));
  run.forced = run.cancelled = true;
  await bench.github.completed(run);
  expect([...run.jobs.values()].map(({ conclusion }) => conclusion)).toEqual(['cancelled', 'cancelled']);
  expect(logOf(run, 'a')).not.toMatch(/^stubborn$/m);
});

test('a re-run leaves out the jobs whose results stand, and reads their outputs', async () => {
  const run = bench.github.dispatch(
    `${on}jobs:
  a: {runs-on: ubuntu-latest, outputs: {v: "\${{ github.run_id }}"}, steps: [{run: exit 9}]}
  b: {needs: a, runs-on: ubuntu-latest, strategy: {matrix: {n: [1, 2]}}, steps: [{run: 'echo "v \${{ needs.a.outputs.v }}"'}]}
`,
    {
      attempt: 2,
      kept: { a: { result: 'success', outputs: { v: 'kept' } }, 'b-0': { result: 'success', outputs: {} } },
    },
  );
  await bench.github.completed(run);
  expect([...run.jobs.keys()]).toEqual(['b-1']);
  expect(logOf(run, 'b-1')).toContain('\nv kept\n');
});
