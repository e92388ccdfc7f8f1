import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { digestOf, hexOf } from '#lib/formats/digest.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { CorruptObject, MissingObject } from '#lib/store/errors.ts';
import { openFileStore } from '#lib/store/file.ts';
import { openStore } from '#lib/store/open.ts';
import type { ArtifactStore } from '#lib/store/store.ts';

const base = mkdtempSync(join(tmpdir(), 'roundhouse-store-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

let root: string;
let store: ArtifactStore;
beforeEach(() => {
  root = mkdtempSync(join(base, 'root-'));
  store = openFileStore(root);
});

const pathOf = (digest: `sha256:${string}`) => join(root, 'sha256', hexOf(digest).slice(0, 2), hexOf(digest));
const filesUnder = (folder: string) =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    : [];

describe('objects', () => {
  test('bytes come back under their sha256', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (bytes) => {
        const digest = await store.put(bytes);
        expect(digest).toBe(digestOf(bytes));
        expect(Buffer.from(await store.get(digest)).equals(Buffer.from(bytes))).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  test('a file and its bytes are one object', async () => {
    const path = join(root, 'some.bin');
    writeFileSync(path, Buffer.alloc(3 * 1024 * 1024 + 7, 5));
    const digest = await store.putFile(path);
    expect(await store.put(readFileSync(path))).toBe(digest);
    expect(statSync(pathOf(digest)).size).toBe(3 * 1024 * 1024 + 7);
  });

  test('a flipped byte is never handed out, and the right bytes heal the object', async () => {
    const digest = await store.put('hello');
    writeFileSync(pathOf(digest), 'hellp');
    await expect(store.get(digest)).rejects.toThrow(CorruptObject);
    const copy = join(root, 'copy');
    await expect(store.getFile(digest, copy)).rejects.toThrow(new RegExp(digest));
    expect(existsSync(copy)).toBe(false);
    await store.put('hello');
    expect(Buffer.from(await store.get(digest)).toString()).toBe('hello');
  });

  test('a missing object is named with the next move', async () => {
    const digest = digestOf('never put');
    expect(await store.has(digest)).toBe(false);
    await expect(store.get(digest)).rejects.toThrow(MissingObject);
    await expect(store.getFile(digest, join(root, 'x'))).rejects.toThrow(/run the stage that makes it again/);
  });

  test('a copy is a fresh file: writing to it leaves the object alone', async () => {
    const digest = await store.put('hello');
    const path = await store.getFile(digest, join(root, 'out', 'copy'));
    expect(statSync(path).ino).not.toBe(statSync(pathOf(digest)).ino);
    writeFileSync(path, 'changed');
    expect(Buffer.from(await store.get(digest)).toString()).toBe('hello');
  });

  test('a link in place of an object is refused', async () => {
    const digest = digestOf('secret');
    const elsewhere = join(root, 'secret');
    writeFileSync(elsewhere, 'secret');
    mkdirSync(dirname(pathOf(digest)), { recursive: true });
    symlinkSync(elsewhere, pathOf(digest));
    await expect(store.get(digest)).rejects.toThrow(/symbolic link/);
  });

  test('a text that is no digest reaches no path', async () => {
    await expect(store.get('sha256:../../etc/passwd')).rejects.toThrow();
    await expect(store.has(`sha256:${'A'.repeat(64)}`)).rejects.toThrow();
  });

  test('many writers of one object leave one whole file and no drafts', async () => {
    const bytes = Buffer.alloc(200_000, 3);
    await Promise.all(Array.from({ length: 12 }, () => store.put(bytes)));
    expect(filesUnder(root)).toHaveLength(1);
  });

  test('a failing source leaves nothing behind', async () => {
    await expect(store.putFile(root)).rejects.toThrow();
    await expect(store.putFile(join(root, 'absent'))).rejects.toThrow();
    expect(filesUnder(root)).toHaveLength(0);
  });

  test('a full disk is an error and leaves nothing behind', async ({ skip }) => {
    const disk = join(root, 'disk');
    mkdirSync(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk], { stdio: 'ignore' });
    } catch {
      skip('mounting a small disk needs privileges that this machine does not give');
    }
    try {
      const small = openFileStore(disk);
      const digest = await small.put('fits');
      await expect(small.put(Buffer.alloc(1024 * 1024))).rejects.toThrow(/no space left in .*sha256/);
      expect(filesUnder(disk)).toHaveLength(1);
      expect(Buffer.from(await small.get(digest)).toString()).toBe('fits');
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});

describe('quarantine', () => {
  test('what is accepted is hashed again and moved, and accepting twice is the same as once', async () => {
    const incoming = store.incoming('12-1');
    const digest = await incoming.put('train/full.parquet', 'rows');
    expect(await store.has(digest)).toBe(false);
    await incoming.accept('train/full.parquet', digest);
    expect(Buffer.from(await store.get(digest)).toString()).toBe('rows');
    expect(filesUnder(join(root, 'incoming'))).toHaveLength(0);
    await incoming.accept('train/full.parquet', digest);
  });

  test('bytes that are not the named ones stay out', async () => {
    const incoming = store.incoming('12-1');
    await incoming.put('train/full.parquet', 'other rows');
    const named = digestOf('rows');
    await expect(incoming.accept('train/full.parquet', named)).rejects.toThrow(CorruptObject);
    await expect(incoming.get('train/full.parquet', named)).rejects.toThrow(CorruptObject);
    await expect(incoming.accept('train/absent', named)).rejects.toThrow(MissingObject);
    expect(filesUnder(join(root, 'sha256'))).toHaveLength(0);
  });

  test('accepting heals an object that was corrupt', async () => {
    const digest = await store.put('rows');
    writeFileSync(pathOf(digest), 'r0ws');
    const incoming = store.incoming('12-1');
    await incoming.put('full', 'rows');
    await incoming.accept('full', digest);
    expect(Buffer.from(await store.get(digest)).toString()).toBe('rows');
  });

  test.each([
    '../x',
    'a/../../x',
    '/etc/passwd',
    '',
    '.',
    'a//b',
    'a/.hidden',
    'a\\b',
    'a\nb',
    'x'.repeat(200),
  ])('the name %j is refused', async (name) => {
    await expect(store.incoming('12-1').put(name, 'x')).rejects.toThrow(/plain segments/);
    await expect(store.incoming('12-1').accept(name, digestOf('x'))).rejects.toThrow(/plain segments/);
  });

  test.each(['../1', 'a/b', '', '..'])('the run %j is refused', (run) => {
    expect(() => store.incoming(run)).toThrow(/plain segments/);
  });

  test('links and pipes lead nowhere', async () => {
    const outside = join(root, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'secret'), 'secret');
    const run = join(root, 'incoming', '12-1');
    mkdirSync(run, { recursive: true });
    symlinkSync(outside, join(run, 'folder'));
    symlinkSync(join(outside, 'secret'), join(run, 'file'));
    linkSync(join(outside, 'secret'), join(run, 'hardlink'));
    execFileSync('mkfifo', [join(run, 'pipe')]);
    const incoming = store.incoming('12-1');
    const digest = digestOf('secret');
    await expect(incoming.put('folder/x', 'x')).rejects.toThrow(/not a plain folder/);
    await expect(incoming.put('folder/deep/er/x', 'x')).rejects.toThrow(/not a plain folder/);
    await expect(incoming.accept('folder/secret', digest)).rejects.toThrow(/not a plain folder/);
    await expect(incoming.accept('file', digest)).rejects.toThrow(/symbolic link/);
    await expect(incoming.accept('hardlink', digest)).rejects.toThrow(/hard link/);
    await expect(incoming.read('pipe')).rejects.toThrow(/not a regular file/);
    expect(readdirSync(outside)).toEqual(['secret']);
    expect(await store.has(digest)).toBe(false);
  });

  test('a quarantine that is itself a link is refused', async () => {
    mkdirSync(join(root, 'incoming'), { recursive: true });
    symlinkSync(base, join(root, 'incoming', '13-1'));
    await expect(store.incoming('13-1').put('x', 'x')).rejects.toThrow(/not a plain folder/);
  });

  test('reading a name that is not there says what that means', async () => {
    await expect(store.incoming('12-1').read('train/data.json')).rejects.toThrow(/did not finish/);
  });
});

describe('openStore', () => {
  test('a file URL opens the folder, spaces and all', async () => {
    const opened = openStore(`file://${root}/a%20b/`);
    const digest = await opened.put('x');
    expect(existsSync(join(root, 'a b', 'sha256', hexOf(digest).slice(0, 2), hexOf(digest)))).toBe(true);
  });

  test.each([
    ['s3://bucket/models', /"s3" is not built yet/],
    ['./store', /not the URL of a store/],
    ['https://example.org/store', /not the URL of a store/],
    ['file:///', /not a folder of its own/],
    ['file:///a%2Fb', /not the URL of a store/],
  ])('%s is refused', (url, message) => {
    expect(() => openStore(url)).toThrow(message);
    expect(() => openStore(url)).toThrow(UserError);
  });
});
