import { readFileSync } from 'node:fs';
import { globSync } from 'tinyglobby';
import { describe, expect, test } from 'vitest';
import { parseWorkflowFile } from '../../../runners/local/jobs/workflow.ts';
import { oneJob, useRunner } from './execute.ts';

const bench = useRunner();
const path = '.github/workflows/test.yml';

async function errorsOf(text: string): Promise<string[]> {
  const parsed = await parseWorkflowFile(path, text);
  return parsed.ok ? [] : parsed.errors;
}

describe('a workflow that cannot start', () => {
  test.each<[string, string, string]>([
    [
      'unknown key',
      'on: push\njobs:\n  a:\n    runs-on: x\n    step: []\n    steps: [{run: a}]\n',
      "test.yml (Line: 5, Col: 5): Unexpected value 'step'",
    ],
    ['not YAML', 'on: push\njobs: [\n', 'at line 3, column 1'],
    ['unknown context', oneJob(`- run: echo \${{ nothing.here }}`), "Unrecognized named-value: 'nothing'"],
    ['unknown function', oneJob(`- run: echo \${{ shout(1) }}`), "Unrecognized function: 'shout'"],
    [
      'need without job',
      'on: push\njobs:\n  c: {runs-on: x, steps: [{run: a}]}\n  a: {runs-on: x, needs: [b], steps: [{run: a}]}\n',
      "Job 'a' depends on unknown job 'b'",
    ],
    [
      'circle',
      'on: push\njobs:\n  a: {runs-on: x, needs: b, steps: [{run: a}]}\n  b: {runs-on: x, needs: a, steps: [{run: a}]}\n',
      'contain',
    ],
    ['neither run nor uses', oneJob('- name: nothing'), 'Line: 6'],
    [
      'container',
      'on: push\njobs:\n  a:\n    runs-on: x\n    container: node:20\n    steps: [{run: a}]\n',
      "(Line: 5, Col: 5): the local job runner cannot run a job with 'container'",
    ],
    [
      'cache-mode',
      'on: push\ncache-mode: nonsense\njobs:\n  a: {runs-on: x, steps: [{run: a}]}\n',
      "(Line: 2, Col: 13): cache-mode is one of read, write, write-only, none, not 'nonsense'",
    ],
    ['cache-mode of a step', oneJob('- run: a\n  cache-mode: none'), "Unexpected value 'cache-mode'"],
    [
      'a second unknown environment key',
      'on: push\njobs:\n  a:\n    runs-on: x\n    environment: {name: p, deploy: false}\n    steps: [{run: a}]\n',
      "Unexpected value 'deploy'",
    ],
    ['deep nesting', `on: push\nenv: ${'['.repeat(3000)}\n`, 'more than 200 open brackets'],
    [
      'block nesting',
      Array.from({ length: 900 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'),
      'indented deeper than 400',
    ],
    ['brackets over many lines', `on: push\nenv:\n${' [\n'.repeat(1000)}`, 'more than 200 open brackets'],
    ['sequences in one line', `on: push\nenv: \n${'- '.repeat(1000)}a\n`, 'indented deeper than 400'],
    [
      'aliases that multiply',
      `a: &a [x, x, x, x, x, x, x, x, x]\n${[...'bcdefgh'].map((name, at) => `${name}: &${name} [${Array(9).fill(`*${'abcdefg'[at]}`).join(', ')}]\n`).join('')}on: push\njobs: {}\n`,
      'Excessive alias count',
    ],
    ['size', `# ${'x'.repeat(600_000)}`, 'larger than 524288 bytes'],
  ])('%s', async (_, text, message) => {
    expect((await errorsOf(text)).join('\n')).toContain(message);
  });

  test('is reported as startup_failure with file and line', async () => {
    const run = await bench.execute(
      'on: push\njobs:\n  a:\n    runs-on: x\n    step: []\n    steps: [{run: a}]\n',
    );
    expect(run.conclusion).toBe('startup_failure');
    expect(run.message).toContain(`${path} (Line: 5, Col: 5): Unexpected value 'step'`);
    expect(run.jobs.size).toBe(0);
  });
});

// Fact 4. Changelogs of 10 September 2026 and of March 2026.
test('the two keys that are younger than the parser are known', async () => {
  expect(
    await errorsOf(
      'on: push\ncache-mode: none\njobs:\n  a:\n    runs-on: x\n    cache-mode: write-only\n    environment: {name: p, deployment: false}\n    steps: [{run: a}]\n',
    ),
  ).toEqual([]);
});

test('inputs are typed and defaulted; event.inputs stay as they came', async () => {
  const run = await bench.execute(
    `
on:
  workflow_dispatch:
    inputs:
      dry: {type: boolean, default: false}
      count: {type: number, default: 3}
      name: {type: string, default: bikes}
      note: {type: string}
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - if: inputs.dry
        run: echo "dry \${{ inputs.count }} \${{ inputs.name }} [\${{ inputs.note }}] \${{ github.event.list.*.id }} \${{ join(github.event.list.*.id, '+') }}"
`,
    { inputs: { dry: 'true' } },
  );
  expect(run.logs.get('one')).toContain('dry 3 bikes [] Array 1+2');
});

describe('permissions of the token', () => {
  test.each<[string, string, string, Record<string, string>]>([
    ["nothing said: the repository's setting", '', '', { contents: 'read', metadata: 'read' }],
    ['{} is none', 'permissions: {}', '', { metadata: 'read' }],
    [
      'named ones, and nothing else',
      'permissions: {contents: read, pull-requests: write, issues: none}',
      '',
      { contents: 'read', pull_requests: 'write', metadata: 'read' },
    ],
    [
      "the job's win",
      'permissions: write-all',
      'permissions: {checks: write}',
      { checks: 'write', metadata: 'read' },
    ],
  ])('%s', async (_, workflow, job, expected) => {
    const run = await bench.execute(
      `on: push\n${workflow}\njobs:\n  one:\n    runs-on: ubuntu-latest\n    ${job}\n    steps: [{run: 'true'}]\n`,
    );
    expect(run.tokens).toEqual([expected]);
  });

  test('read-all reads', async () => {
    const run = await bench.execute(
      "on: push\npermissions: read-all\njobs:\n  one: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}\n",
    );
    expect(run.tokens[0]).toMatchObject({ contents: 'read', actions: 'read', pull_requests: 'read' });
    expect(Object.values(run.tokens[0] ?? {})).not.toContain('write');
  });
});

describe('text and expressions', () => {
  test.each([
    [
      'quotes and braces survive around an expression',
      `echo 'it''s' "{0} }} {{" "\${{ 'a''b''''c' }}"`,
      "its {0} }} {{ a'b''c",
    ],
    ['substitution is textual, as on GitHub', `echo \${{ github.event.action }}; echo two`, 'requested'],
  ])('%s', async (_, command, expected) => {
    const run = await bench.execute(oneJob(`- run: |\n    ${command}\n    true`));
    expect(run.logs.get('one')).toContain(expected);
  });

  test('hashFiles is over the workspace, and empty where nothing matches', async () => {
    const run = await bench.execute(
      oneJob(`
- run: mkdir -p d && echo 1 > d/package-lock.json
- run: echo "[\${{ hashFiles('**/package-lock.json') }}] [\${{ hashFiles('none/*') }}]"
`),
    );
    expect(run.logs.get('one')).toMatch(/\[[0-9a-f]{64}\] \[\]/);
  });

  test('defaults.run, shells and working-directory', async () => {
    const run = await bench.execute(`
on: push
defaults: {run: {working-directory: sub}}
jobs:
  one:
    runs-on: ubuntu-latest
    defaults: {run: {shell: sh}}
    steps:
      - {run: mkdir sub, working-directory: .}
      - run: pwd; false | true; echo "plain sh"
      - {run: 'false | true; echo never', shell: bash, continue-on-error: true}
      - {run: 'console.log(process.version)', shell: 'node {0}'}
      - {run: 'true', working-directory: nowhere, continue-on-error: true}
      - {run: 'true', working-directory: ../../.., continue-on-error: true}
      - {run: 'true', shell: fish, continue-on-error: true}
`);
    const log = run.logs.get('one') ?? '';
    expect(run.conclusion).toBe('success');
    expect(log).toMatch(/bikes\/bikes\/sub\n/);
    expect(log).toContain('plain sh');
    expect(log.replaceAll(/^\S+ /gm, '')).not.toMatch(/^never$/m);
    expect(log).toContain(`${process.version}\n`);
    expect(log).toMatch(/The working directory '.*nowhere' does not exist/);
    expect(log).toContain("The path '../../..' is outside the workspace.");
    expect(log).toContain("The shell 'fish' is unknown");
  });
});

test('every workflow that this repository ships parses', async () => {
  for (const file of globSync(['templates/**/workflows/*.yml', '.github/workflows/*.yml'], { dot: true })) {
    const text = readFileSync(file, 'utf8')
      .replaceAll('{{sha}}', 'a'.repeat(40))
      .replaceAll('{{schedule}}', '0 6 * * *');
    expect(await parseWorkflowFile(file, text), file).toMatchObject({ ok: true });
  }
});
