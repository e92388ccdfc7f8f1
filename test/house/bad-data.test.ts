import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openFileStore } from '#lib/store/file.ts';
import { type InstalledPackage, installedPackage } from './installed-package.ts';

let installed: InstalledPackage;
let folder: string;
beforeAll(() => {
  installed = installedPackage();
  folder = mkdtempSync(join(tmpdir(), 'roundhouse-bad-data-'));
  execFileSync('git', ['init', '-q', folder]);
});
afterAll(() => {
  installed.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** A checkout that is no release has no commit of its own to pin. */
const SHA = ['--sha', 'a'.repeat(40)];

const rows = (cells: (row: number) => string, count = 60) =>
  `${Array.from({ length: count }, (_, row) => cells(row)).join('\n')}\n`;
const numbers = (row: number) => `${row % 13},${row % 7},${(row * 7) % 31}`;
const GOOD = `a,b,y\n${rows(numbers)}`;

type Bad = [what: string, bytes: string | Uint8Array, args: string[], message: RegExp];
const FILES: Bad[] = [
  ['an empty file', '', [], /it is empty$/m],
  ['a header alone', 'a,b,y\n', [], /it has a header and no rows$/m],
  [
    'one class',
    `a,y\n${rows((row) => `${row % 9},yes`)}`,
    [],
    /the target "y" has the same value in every row$/m,
  ],
  ['no label', `a,y\n${rows((row) => `${row % 9},`)}`, [], /the target "y" has no value in any row$/m],
  ['nothing to predict from', `a,y\n${rows((row) => `,${row}`)}`, [], /no column is left to predict from$/m],
  ['another target', GOOD, ['--target', 'z'], /has no column "z"; it has: a, b, y$/m],
  [
    'text in a numeric target',
    `a,b,y\n${rows((row) => (row === 40 ? '1,2,"oops, no"' : numbers(row)))}`,
    [],
    /line 42: the target "y" is "oops, no", and no number$/m,
  ],
  [
    'dates in two formats',
    `day,b,y\n${rows((row) => `${row === 20 ? '10/02/2020' : `2020-01-${(row % 20) + 10}`},${row % 7},${row}`)}`,
    ['--time', 'day'],
    /line 22: .*"day".*10\/02\/2020/m,
  ],
  ['names twice', `a,A,y\n${rows(numbers)}`, [], /columns 1 and 2 are called "a" and "A"/],
  ['a row too long', `${GOOD}1,2,3,4\n`, [], /line 62: it has 4 columns, and the header has 3$/m],
  ['an open quote', `${GOOD}1,"2,3\n`, [], /line 62: the quote that opens here never closes$/m],
  ['an endless line', `${GOOD}${'x'.repeat(3e6)}`, [], /line 62: it is longer than 2 MB$/m],
  [
    'a header of a million columns',
    `${'c,'.repeat(1e6)}y\n1\n`,
    [],
    /line 1: it has more than 10000 columns$/m,
  ],
  [
    'a workbook',
    Buffer.from('PK\u0003\u0004...xl/workbook.xml', 'latin1'),
    [],
    /it is an Excel workbook \(\.xlsx\), and no CSV$/m,
  ],
  ['half of a gzip', gzipSync(GOOD).subarray(0, 60), [], /its gzip bytes are damaged or cut off/],
];

/** Everything that the folder holds, git's own apart, and the bytes. */
function snapshot(): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith('.git/'))
    .filter((name) => statSync(join(folder, name)).isFile());
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'latin1')]));
}

test.each(FILES)('init with %s: one message, exit code 2, nothing written', (_, bytes, args, message) => {
  const data = join(installed.root, 'input.csv');
  writeFileSync(data, bytes);
  const before = snapshot();
  const { code, stdout, stderr } = installed.cli(['init', ...SHA, '--data', data, '--target', 'y', ...args], {
    cwd: folder,
  });
  expect({ code, stdout, lines: stderr.trimEnd().split('\n').length, stderr }).toMatchObject({
    code: 2,
    stdout: '',
    lines: 2,
  });
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^To mend it: /m);
  expect(snapshot()).toEqual(before);
});

describe('the data stage, when the source is another file than the one that init saw', () => {
  beforeAll(() => {
    writeFileSync(join(installed.root, 'good.csv'), GOOD);
    const { code, stderr } = installed.cli(
      ['init', ...SHA, '--data', join(installed.root, 'good.csv'), '--target', 'y', '--name', 'm'],
      { cwd: folder },
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    execFileSync('git', ['-C', folder, 'add', '-A']);
    execFileSync('git', [
      '-C',
      folder,
      '-c',
      'user.name=n',
      '-c',
      'user.email=n@example.com',
      'commit',
      '-qm',
      'init',
    ]);
  });

  test.each<[string, string | Uint8Array, RegExp]>([
    [
      'a header alone',
      'a,b,y\n',
      /source "history" \(sha256:\w+\) can't be read: it has a header and no rows$/m,
    ],
    ['gzip', gzipSync(GOOD), /can't be read: it is compressed with gzip$/m],
    [
      'a value all alike',
      `a,b,y\n${rows((row) => `${row % 13},${row % 7},5`)}`,
      /every row of the output has the same value of the target "y"$/m,
    ],
    [
      'text in the target',
      `a,b,y\n${rows((row) => (row === 40 ? '1,2,secret' : numbers(row)))}`,
      /the target "y" of a regression holds text \("y" is no number on line 42 of source history\)$/m,
    ],
  ])('%s', async (_, bytes, message) => {
    const path = join(folder, 'models/m/data.yml');
    const digest = await openFileStore(join(folder, '.roundhouse/store')).put(bytes);
    const good = readFileSync(path, 'utf8');
    writeFileSync(path, good.replace(/sha256:\w+/, digest));
    const before = snapshot();
    const { code, stdout, stderr } = installed.cli(['data', '--model', 'm'], { cwd: folder });
    expect({ code, stdout, stderr }).toMatchObject({ code: 2, stdout: '' });
    expect(stderr.match(/^error /gm)).toHaveLength(1);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('secret');
    expect(snapshot()).toEqual(before);
    writeFileSync(path, good);
  });
});

describe('a full disk', () => {
  const inNamespace = (script: string) =>
    spawnSync('unshare', ['--map-root-user', '--mount', 'sh', '-c', script], {
      encoding: 'utf8',
      cwd: folder,
    });
  const canMount = inNamespace('mount -t tmpfs -o size=64k tmpfs /mnt').status === 0;
  if (!canMount) process.stderr.write('a full disk: skipped, because unshare may not mount a folder here\n');

  test.skipIf(!canMount)('init names the folder that is full and leaves no half of a file', () => {
    const full = mkdtempSync(join(tmpdir(), 'roundhouse-full-'));
    mkdirSync(join(installed.root, 'empty'), { recursive: true });
    const cli = join(installed.root, 'actions/roundhouse.mjs');
    const data = join(installed.root, 'large.csv');
    writeFileSync(data, `a,b,y\n${rows(numbers, 20_000)}`);
    const { stdout } = inNamespace(
      `mount -t tmpfs -o size=64k tmpfs ${full} && cd ${full} && git init -q --template= . ; "${process.execPath}" "${cli}" init ${SHA.join(' ')} --data "${data}" --target y 2>&1; echo "code $?"; find . -path ./.git -prune -o -type f -print; dd if=/dev/zero of=fill 2>/dev/null; rm -rf .roundhouse; "${process.execPath}" "${cli}" init ${SHA.join(' ')} 2>&1; echo "code $?"; find . -name '*.tmp'`,
    );
    rmSync(full, { recursive: true });
    expect(stdout).toContain(`there is no space left in ${full}/.roundhouse/store/sha256`);
    expect(stdout.match(/^code 2$/gm)).toHaveLength(2);
    expect(stdout).not.toMatch(/draft|\.tmp/);
  });

  test.skipIf(!canMount).each(['store', 'evidence'])(
    'the data stage names the folder, when it is the %s, and leaves no half of a file',
    async (full) => {
      const path = join(folder, 'models/m/data.yml');
      const good = readFileSync(path, 'utf8');
      const source = await openFileStore(join(folder, '.roundhouse/store')).put(
        `a,b,y\n${rows(numbers, 2000)}`,
      );
      writeFileSync(path, good.replace(/sha256:\w+/, source));
      const cli = `"${process.execPath}" "${join(installed.root, 'actions/roundhouse.mjs')}"`;
      const at = join(folder, '.roundhouse', full);
      mkdirSync(at, { recursive: true });
      const { stdout } = inNamespace(
        `cp -r ${at} ${at}-kept; mount -t tmpfs -o size=200k tmpfs ${at} && cp -r ${at}-kept/. ${at}; dd if=/dev/zero of=${at}/fill 2>/dev/null; ${cli} data --model m 2>&1; echo "code $?"; find ${at} -name '*.tmp' -o -name '*draft*'`,
      );
      rmSync(`${at}-kept`, { recursive: true });
      writeFileSync(path, good);
      expect(stdout).toContain(`there is no space left in ${at}`);
      expect(stdout).toMatch(/^code 2$/m);
      expect(stdout).not.toMatch(/\.tmp|draft/);
    },
  );
});
