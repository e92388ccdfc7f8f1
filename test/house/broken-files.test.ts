import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { renderLock } from '#lib/formats/config.ts';
import { digestOf } from '#lib/formats/digest.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { type HonestCheckout, honestCheckout } from '../loop/honest-checkout.ts';
import { type InstalledPackage, installedPackage } from './installed-package.ts';

type Edit = { from: string; to: string };
/** A file of the user's, a stage that reads it, a key misspelt and a value of another type. */
const FILES: { file: string; stage: 'data' | 'deploy'; key: Edit; value: Edit }[] = [
  {
    file: '.github/roundhouse.yml',
    stage: 'data',
    key: { from: 'approvals:', to: 'aprovals:' },
    value: { from: 'required: 1', to: 'required: one' },
  },
  {
    file: 'models/bikes/problem.yml',
    stage: 'data',
    key: { from: 'objective:', to: 'objectiv:' },
    value: { from: 'threshold: 50', to: 'threshold: fifty' },
  },
  {
    file: 'models/bikes/data.yml',
    stage: 'data',
    key: { from: 'pipeline:', to: 'pipelines:' },
    value: { from: 'key: [ts]', to: 'key: 7' },
  },
  {
    file: 'models/bikes/model.yml',
    stage: 'data',
    key: { from: 'candidates:', to: 'candidats:' },
    value: { from: 'seed: 1', to: 'seed: one' },
  },
  {
    file: 'models/bikes/operate.yml',
    stage: 'data',
    key: { from: 'monitoring:', to: 'monitorng:' },
    value: { from: 'min_requests: 40', to: 'min_requests: many' },
  },
  {
    file: 'models/bikes/data.lock',
    stage: 'deploy',
    key: { from: 'profile:', to: 'profil:' },
    value: { from: 'rows: 8645', to: 'rows: all' },
  },
  {
    file: 'models/bikes/model.lock',
    stage: 'deploy',
    key: { from: 'bundle:', to: 'bundel:' },
    value: { from: 'version: 1', to: 'version: one' },
  },
];

let checkout: HonestCheckout;
let whole: Map<string, string>;

beforeAll(async () => {
  checkout = await honestCheckout({ supervisor: 'http://127.0.0.1:9', token: 'none' });
  await checkout.stage('data');
  for (const [path, text] of Object.entries(locks())) checkout.write(path, text);
  whole = snapshot();
});
afterEach(() => {
  for (const { file } of FILES) checkout.write(file, whole.get(file) ?? '');
});
afterAll(() => checkout.remove());

describe.each(FILES)('$file', ({ file, stage, key, value }) => {
  test('broken YAML: the line where it ends', async () => {
    const text = `${whole.get(file)}broken: [1, 2\n`;
    const { lines, message } = await refusal({ file, stage, text });
    expect(lines).toHaveLength(1);
    expect(lineOf(message)).toBeGreaterThanOrEqual(text.split('\n').length - 1);
  });

  test('an unknown key: its line, and the nearest known one', async () => {
    const { text, line } = edited(file, key);
    const { lines } = await refusal({ file, stage, text });
    const [misspelt, known] = [key.to, key.from].map((each) => each.slice(0, -1));
    const told = lines.find((each) => each.includes(`unknown key "${misspelt}"; did you mean "${known}"?`));
    expect(lineOf(told ?? '')).toBe(line);
  });

  test('a value of another type: its line, what it is and what is expected', async () => {
    const { text, line } = edited(file, value);
    const { lines } = await refusal({ file, stage, text });
    const [name, found] = value.to.split(': ');
    expect(lines).toHaveLength(1);
    expect(lineOf(lines[0] ?? '')).toBe(line);
    expect(lines[0]).toMatch(new RegExp(`${name} is "?${found}"?; expected: `));
  });
});

test('faults of several files are told at once', async () => {
  const broken = ['.github/roundhouse.yml', 'models/bikes/data.yml', 'models/bikes/operate.yml'];
  for (const { file, key } of FILES.filter((each) => broken.includes(each.file)))
    checkout.write(file, edited(file, key).text);
  const error: unknown = await checkout.stage('data').catch((thrown) => thrown);
  expect(error).toBeInstanceOf(UserError);
  for (const file of broken) expect(String(error)).toContain(`${file}:`);
});

test('files that do not agree: where, and what the other one says', async () => {
  const { text, line } = edited('models/bikes/data.yml', { from: 'target: cnt', to: 'target: count' });
  const { lines } = await refusal({ file: 'models/bikes/data.yml', stage: 'data', text });
  expect(lines).toEqual([`models/bikes/data.yml:${line}:9: target: problem.yml predicts "cnt"`]);
});

describe('in a terminal', () => {
  let installed: InstalledPackage;
  beforeAll(() => {
    installed = installedPackage();
  });
  afterAll(() => installed.remove());

  test.each([
    ['plan', 'models/bikes/model.yml', 'candidats'],
    ['deploy', 'models/bikes/model.lock', 'bundel'],
  ])('roundhouse %s with a broken %s: one error, the next move, exit code 2', (command, file, misspelt) => {
    const key = FILES.find((each) => each.file === file)?.key;
    if (key === undefined) throw new Error(file);
    const { text, line } = edited(file, key);
    checkout.write(file, text);
    const { code, stdout, stderr } = installed.cli([command], {
      cwd: checkout.workspace,
      env: checkout.env,
    });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.match(/^error /gm)).toHaveLength(1);
    expect(stderr).toContain(`${file}:${line}:1: unknown key "${misspelt}"`);
    expect(stderr).toMatch(/^To mend it: change /m);
    expectUntouched(file, text);
  });
});

/** The stage refuses with one message, each line of which names the file, and writes nothing. */
async function refusal({ file, stage, text }: { file: string; stage: 'data' | 'deploy'; text: string }) {
  checkout.write(file, text);
  const error: unknown = await checkout.stage(stage).catch((thrown) => thrown);
  if (!(error instanceof UserError)) throw new Error(`no refusal of ${file}: ${error}`);
  const lines = error.message.split('\n');
  for (const each of lines) expect(each).toMatch(new RegExp(`^${file.replaceAll('.', '\\.')}:\\d+:\\d+: `));
  expect(error.fix).toMatch(/^change /);
  expectUntouched(file, text);
  return { lines, message: error.message };
}

function edited(file: string, { from, to }: Edit): { text: string; line: number } {
  const text = whole.get(file) ?? '';
  const at = text.search(new RegExp(`(^|[ {])${from.replace(/[[\]]/g, '\\$&')}`, 'm'));
  if (at === -1) throw new Error(`${file} has no "${from}"`);
  const start = text.indexOf(from, at);
  return {
    text: text.slice(0, start) + to + text.slice(start + from.length),
    line: text.slice(0, start).split('\n').length,
  };
}

function lineOf(message: string): number {
  return Number(/:(\d+):\d+: /.exec(message)?.[1]);
}

function expectUntouched(file: string, text: string): void {
  expect(Object.fromEntries(snapshot())).toEqual({ ...Object.fromEntries(whole), [file]: text });
}

/** Every file of the checkout and its text, git's own apart. */
function snapshot(): Map<string, string> {
  const names = readdirSync(checkout.workspace, { recursive: true, encoding: 'utf8' })
    .filter((name) => name !== '.git' && !name.startsWith('.git/'))
    .filter((name) => statSync(join(checkout.workspace, name)).isFile());
  return new Map(names.map((name) => [name, readFileSync(join(checkout.workspace, name), 'utf8')]));
}

/** Locks that parse: what they name need not be there, because the error comes first. */
function locks(): Record<string, string> {
  const some = digestOf('some');
  const dataLock = renderLock({
    version: 1,
    sources: { history: { content: some, object: some } },
    steps: some,
    output: { content: some, object: some },
    rows: 8645,
    profile: some,
    verdict: 'passed',
  });
  const modelLock = renderLock({
    version: 1,
    candidate: some,
    data: some,
    code: some,
    config: some,
    gates: some,
    policy: some,
    evaluation: some,
    model: some,
    twin: some,
    refit: 'full',
    bundle: some,
    trainer: 'mlp',
    metrics: { mae: 38.4 },
    window: null,
  });
  return { 'models/bikes/data.lock': dataLock, 'models/bikes/model.lock': modelLock };
}
