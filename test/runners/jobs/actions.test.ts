import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { unzipSync, zipSync } from 'fflate';
import { afterAll, describe, expect, test } from 'vitest';
import { readActionReference } from '../../../runners/local/jobs/action-reference.ts';
import { logOf, oneJob, useRunner } from './execute.ts';

const sha = '0123456789abcdef0123456789abcdef01234567';
const root = mkdtempSync(join(tmpdir(), 'package-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

write('package.json', '{"type": "module"}');
write(
  'actions/echo/action.yml',
  `
name: Echo
description: says what it is given
inputs:
  word: {description: a word, required: true}
  long name: {description: two words, default: "\${{ github.actor }}'s"}
outputs:
  said: {description: what was said}
runs: {using: node24, pre: pre.js, main: main.js, post: post.js, post-if: success()}
`,
);
write(
  'actions/echo/pre.js',
  `import { appendFileSync } from 'node:fs';
appendFileSync(process.env.GITHUB_STATE, 'from=pre\\n'); console.log('pre runs');`,
);
write(
  'actions/echo/main.js',
  `import { appendFileSync } from 'node:fs';
appendFileSync(process.env.GITHUB_OUTPUT, 'said<<E\\n' + process.env.INPUT_WORD + '\\nE\\n');
appendFileSync(process.env.GITHUB_STATE, 'word<<E\\n' + process.env.INPUT_WORD + '\\nE\\n');
console.log(JSON.stringify([process.env.INPUT_WORD, process.env.INPUT_LONG_NAME, process.env.STATE_from, process.env.GITHUB_ACTION_REPOSITORY, process.cwd() === process.env.GITHUB_WORKSPACE]));`,
);
write('actions/echo/post.js', "console.log('post of', process.env.STATE_word, process.env.STATE_from);");
write('action.yml', 'name: Root\ndescription: root\nruns: {using: node24, main: root.js}\n');
write('root.js', "console.log('root action', process.env.GITHUB_ACTION_REF);");
write(
  'actions/unbuilt/action.yml',
  'name: Unbuilt\ndescription: x\nruns: {using: node24, main: ../../dist/no.js}\n',
);
write(
  'actions/broken/action.yml',
  'name: Broken\ndescription: x\nruns: {using: node24, main: a.js}\nextra: 1\n',
);

const bench = useRunner({ actionsRoot: root });

test.each([
  [`roundhouse/roundhouse/actions/train@${sha}`, { kind: 'package', folder: 'actions/train', ref: sha }],
  [`roundhouse/roundhouse@${sha}`, { kind: 'package', folder: '', ref: sha }],
  [
    'roundhouse/roundhouse/actions/train@v1',
    { kind: 'refused', reason: expect.stringContaining('not pinned') },
  ],
  [
    `roundhouse/roundhouse/actions/train@${sha.slice(0, 12)}`,
    { kind: 'refused', reason: expect.stringContaining('not pinned') },
  ],
  [
    `roundhouse/roundhouse/actions/../../etc@${sha}`,
    { kind: 'refused', reason: expect.stringContaining('names no action') },
  ],
  ['./actions/mine', { kind: 'local', folder: './actions/mine' }],
  [`actions/checkout@${sha}`, { kind: 'stand-in', name: 'actions/checkout', ref: sha }],
  ['actions/checkout/sub@v4', { kind: 'refused', reason: expect.stringContaining('cannot be fetched here') }],
  ['someone/else@v1', { kind: 'refused', reason: expect.stringContaining('cannot be fetched here') }],
  ['docker://alpine', { kind: 'refused', reason: expect.stringContaining('container') }],
  ['nonsense', { kind: 'refused', reason: expect.stringContaining('owner/repository') }],
])('uses: %s', (uses, expected) => {
  expect(readActionReference(uses)).toEqual(expected);
});

describe('JavaScript actions', () => {
  test('ours run from the package: pre, main, post, inputs, outputs, state', async () => {
    const run = await bench.execute(
      oneJob(`
- run: echo first
- id: e
  uses: roundhouse/roundhouse/actions/echo@${sha}
  with: {word: "a\\nb", odd: 1}
- run: echo 'said \${{ toJSON(steps.e.outputs.said) }}'
- uses: roundhouse/roundhouse@${sha}
`),
    );
    const log = logOf(run);
    expect(run.conclusion, log).toBe('success');
    expect(log).toContain(`actions/echo@${sha} is the running package's actions/echo (${root}/actions/echo)`);
    expect(log.indexOf('pre runs')).toBeLessThan(log.indexOf('\nfirst\n'));
    expect(log).toContain(`["a\\nb","ml-lead's","pre","roundhouse/roundhouse",true]`);
    expect(log).toContain("Unexpected input(s) 'odd', valid inputs are ['word', 'long name']");
    expect(log).toContain('\nsaid "a\\nb"\n');
    expect(log).toContain(`root action ${sha}`);
    expect(log).toContain('post of a');
    expect(
      run.jobs
        .get('one')
        ?.steps.map(({ name }) => name)
        .slice(-2),
    ).toEqual([`Post roundhouse/roundhouse/actions/echo@${sha}`, 'Complete job']);
  });

  test.each([
    [
      `roundhouse/roundhouse/actions/echo@${sha}`,
      '##[warning]Input required and not supplied: word',
      'success',
    ],
    ['roundhouse/roundhouse/actions/echo@main', 'is not pinned. Pin it to a full commit SHA', 'failure'],
    [
      `roundhouse/roundhouse/actions/unbuilt@${sha}`,
      'dist/no.js does not exist. Is the package built',
      'failure',
    ],
    [`roundhouse/roundhouse/actions/none@${sha}`, 'There is no action.yml in', 'failure'],
    [
      `roundhouse/roundhouse/actions/broken@${sha}`,
      "action.yml (Line: 4, Col: 1): Unexpected value 'extra'",
      'failure',
    ],
    ['someone/else@v1', "'someone/else@v1' cannot be fetched here", 'failure'],
  ])('%s: %s', async (uses, message, conclusion) => {
    const run = await bench.execute(oneJob(`- uses: ${uses}`));
    expect(logOf(run)).toContain(message);
    expect(run.conclusion).toBe(conclusion);
  });
});

test('a composite action of the workspace: inputs, inner steps, outputs, failure', async () => {
  const composite = `
name: Greet
description: greets
inputs: {who: {description: whom, default: world}}
outputs: {greeting: {description: the text, value: "\${{ steps.g.outputs.text }}"}}
runs:
  using: composite
  steps:
    - {id: g, shell: bash, env: {WHO: "\${{ inputs.who }}"}, run: 'echo "text=hello $WHO" >> "$GITHUB_OUTPUT"'}
    - {shell: sh, run: 'test "\${{ inputs.who }}" != nobody'}
    - {shell: sh, run: echo after}
`;
  const run = await bench.execute(
    oneJob(`
- run: |
    mkdir -p greet
    base64 -d > greet/action.yml <<< ${Buffer.from(composite).toString('base64')}
- {id: a, uses: ./greet, with: {who: moon}}
- run: 'echo "[\${{ steps.a.outputs.greeting }}] [\${{ steps.g.outputs.text }}]"'
- {id: b, uses: ./greet, with: {who: nobody}}
`),
  );
  expect(logOf(run)).toContain('\n[hello moon] []\n');
  expect(run.conclusion).toBe('failure');
  expect(run.jobs.get('one')?.steps.map(({ conclusion }) => conclusion)).toEqual([
    'success',
    'success',
    'success',
    'success',
    'failure',
    'success',
  ]);
  expect(logOf(run).match(/^after$/gm)).toHaveLength(1);
});

test('timeout-minutes of a step stops all steps of its composite action', async () => {
  const composite = `
name: Slow
description: sleeps
runs:
  using: composite
  steps: [{shell: sh, run: sleep 30}, {shell: sh, run: echo never}]
`;
  const run = await bench.execute(
    oneJob(`
- run: mkdir slow && base64 -d > slow/action.yml <<< ${Buffer.from(composite).toString('base64')}
- {uses: ./slow, timeout-minutes: 0.005, continue-on-error: true}
- run: echo went on
`),
  );
  expect(run.conclusion).toBe('success');
  expect(logOf(run)).toContain("The action 'Run ./slow' has timed out after 0.005 minutes.");
  expect(logOf(run)).toMatch(/^went on$/m);
  expect(logOf(run)).not.toMatch(/^never$/m);
});

describe('artifacts', () => {
  test('up and down again, in one run', async () => {
    const run = await bench.execute(`
on: push
jobs:
  up:
    runs-on: ubuntu-latest
    outputs: {digest: "\${{ steps.u.outputs.artifact-digest }}", id: "\${{ steps.u.outputs.artifact-id }}"}
    steps:
      - run: mkdir -p out/deep && echo one > out/a.txt && echo two > out/deep/b.txt && echo hidden > out/.h && echo no > out/skip.log
      - {id: u, uses: actions/upload-artifact@${sha}, with: {name: evidence-data-1, path: "out/**\\n!out/*.log"}}
      - {uses: actions/upload-artifact@${sha}, with: {name: single, path: out/deep/b.txt, retention-days: 3}}
  down:
    needs: up
    runs-on: ubuntu-latest
    steps:
      - {uses: actions/download-artifact@${sha}, with: {name: evidence-data-1, path: got}}
      - {id: all, uses: actions/download-artifact@${sha}, with: {path: all, pattern: "s*"}}
      - run: 'find got all -type f | sort; cat got/deep/b.txt; echo "path \${{ steps.all.outputs.download-path }} id \${{ needs.up.outputs.id }} \${{ needs.up.outputs.digest }}"'
`);
    const log = logOf(run, 'down');
    expect(run.conclusion, log + logOf(run, 'up')).toBe('success');
    expect(log).toContain('\nall/single/b.txt\ngot/a.txt\ngot/deep/b.txt\ntwo\n');
    expect(log).toMatch(/path .*\/bikes\/all id 1 [0-9a-f]{64}\n/);
    expect(Object.keys(unzipSync(run.artifacts.get('single') ?? new Uint8Array()))).toEqual(['b.txt']);
  });

  test('a name can be given once in a run (409), and must be a name', async () => {
    const run = await bench.execute(
      oneJob(`
- run: echo 1 > a
- {uses: actions/upload-artifact@${sha}, with: {name: x, path: a}}
- {uses: actions/upload-artifact@${sha}, with: {name: x, path: a}, continue-on-error: true}
- {uses: actions/upload-artifact@${sha}, with: {name: a/b, path: a}, continue-on-error: true}
- {uses: actions/upload-artifact@${sha}, with: {name: y, path: nothing}}
- {uses: actions/upload-artifact@${sha}, with: {name: y, path: nothing, if-no-files-found: error}, continue-on-error: true}
- {uses: actions/download-artifact@${sha}, with: {name: absent}, continue-on-error: true}
- {uses: actions/download-artifact@${sha}, with: {name: x, run-id: 4711}, continue-on-error: true}
- {uses: actions/download-artifact@${sha}, with: {name: x, path: ../../..}, continue-on-error: true}
`),
    );
    const log = logOf(run);
    expect(run.conclusion, log).toBe('success');
    expect(log).toContain('(409) Conflict: an artifact with this name already exists');
    expect(log).toContain('The artifact name is not valid: a/b');
    expect(log.match(/No files were found with the provided path: nothing/g)).toHaveLength(2);
    expect(log).toContain('Artifact not found for name: absent');
    expect(log).toContain('needs github-token with actions: read');
    expect(log).toContain("The path '../../..' is outside the workspace.");
    expect([...run.artifacts.keys()]).toEqual(['x']);
  });

  test('an archive that points outside its folder is refused whole', async () => {
    const run = bench.github.dispatch(
      oneJob(
        `- {uses: actions/download-artifact@${sha}, with: {name: evil, path: in}, continue-on-error: true}\n- run: ls -R`,
      ),
    );
    run.artifacts.set(
      'evil',
      zipSync({ 'good.txt': new Uint8Array([65]), '../../../../evil.txt': new Uint8Array([66]) }),
    );
    await bench.github.completed(run);
    expect(logOf(run)).toContain('The archive has a file outside its folder: ../../../../evil.txt');
    expect(logOf(run)).not.toMatch(/^good.txt$/m);
  });
});

test('setup-node offers the node that runs the runner', async () => {
  const run = await bench.execute(
    oneJob(`- {uses: actions/setup-node@${sha}, with: {node-version: 24}}\n- run: node -p process.execPath`),
  );
  expect(logOf(run)).toContain(`\n${process.execPath}\n`);
});

test('a shell without git history is no checkout', async () => {
  const outer = execFileSync('git', ['--version'], { encoding: 'utf8' });
  expect(outer).toContain('git version');
  const run = await bench.execute(oneJob('- {run: git status, continue-on-error: true}'));
  expect(logOf(run)).toContain('not a git repository');
});

// GitHub docs, actions/reference/workflows-and-actions/metadata-syntax: runs.post, runs.post-if, runs.steps[*].shell.
test('post steps run in reverse order, also after a failure, as their post-if says; a composite run needs a shell', async () => {
  for (const [name, condition] of [
    ['alpha', 'always()'],
    ['beta', 'success()'],
    ['gamma', 'failure()'],
  ]) {
    const runs = `{using: node24, main: main.js, post: post.js, post-if: ${condition}}`;
    write(`actions/${name}/action.yml`, `name: ${name}\ndescription: x\nruns: ${runs}\n`);
    write(`actions/${name}/main.js`, `console.log('main ${name}');`);
    write(`actions/${name}/post.js`, `console.log('post ${name}');`);
  }
  const wrapped = `name: W\ndescription: x\nruns: {using: composite, steps: [{uses: roundhouse/roundhouse/actions/gamma@${sha}}]}\n`;
  const bare = 'name: B\ndescription: x\nruns: {using: composite, steps: [{run: echo no}]}\n';
  const encoded = (text: string) => Buffer.from(text).toString('base64');
  const run = await bench.execute(
    oneJob(`
- run: mkdir w b && base64 -d > w/action.yml <<< ${encoded(wrapped)} && base64 -d > b/action.yml <<< ${encoded(bare)}
- uses: roundhouse/roundhouse/actions/alpha@${sha}
- uses: roundhouse/roundhouse/actions/beta@${sha}
- uses: ./w
- uses: ./b
`),
  );
  const log = logOf(run);
  expect(run.conclusion).toBe('failure');
  expect(log.match(/^(main|post) \w+$/gm)).toEqual([
    ...['main alpha', 'main beta', 'main gamma', 'post gamma', 'post alpha'],
  ]);
  expect(log).toMatch(/shell/i);
  expect(log).not.toMatch(/^no$/m);
});
