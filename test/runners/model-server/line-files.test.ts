import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLineFiles } from '../../../runners/model-server/line-files.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'roundhouse-lines-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('files of lines', () => {
  it.each([
    ['nothing', '', ''],
    ['whole lines', 'one\ntwo\n', 'one\ntwo\n'],
    ['a torn last line', 'one\ntw', 'one\n'],
    ['only a torn line', 'on', ''],
    ['a torn line longer than one read', `one\n${'x'.repeat(200_000)}`, 'one\n'],
  ])('after %s, new lines follow whole ones', async (_what, before, kept) => {
    const path = join(root, 'a', 'lines');
    const files = openLineFiles();
    if (before !== '') {
      await files.append(path, 'x\n');
      await files.close();
      writeFileSync(path, before);
    }
    await files.append(path, 'three\n');
    await files.append(path, 'four\n');
    await files.close();
    expect(readFileSync(path, 'utf8')).toBe(`${kept}three\nfour\n`);
  });

  it('goes on in a new file when somebody removed the old one', async () => {
    const path = join(root, 'lines');
    const files = openLineFiles();
    await files.append(path, 'one\n');
    rmSync(path);
    await files.append(path, 'two\n');
    expect(readFileSync(path, 'utf8')).toBe('two\n');
    await files.close();
  });

  it('keeps only a few files open, whatever the dates', async () => {
    const files = openLineFiles();
    for (let round = 0; round < 2; round += 1)
      for (let day = 0; day < 40; day += 1) await files.append(join(root, `${day}`), `${round}\n`);
    for (let day = 0; day < 40; day += 1) expect(readFileSync(join(root, `${day}`), 'utf8')).toBe('0\n1\n');
    await files.close();
  });

  it.runIf(existsSync('/usr/bin/prlimit'))(
    'a disk that fills up half-way through a write leaves whole groups only',
    async () => {
      const limitFileSize = (limit: string) =>
        execFileSync('/usr/bin/prlimit', [`--pid=${process.pid}`, `--fsize=${limit}`]);
      const path = join(root, 'lines');
      const files = openLineFiles();
      const group = `${'x'.repeat(499)}\n${'y'.repeat(499)}\n`;
      try {
        limitFileSize('4500:unlimited');
        for (let i = 0; i < 4; i += 1) await files.append(path, group);
        await expect(files.append(path, group)).rejects.toThrow(/EFBIG/);
        expect(readFileSync(path, 'utf8')).toBe(group.repeat(4));
      } finally {
        limitFileSize('unlimited:unlimited');
      }
      await files.append(path, group);
      expect(readFileSync(path, 'utf8')).toBe(group.repeat(5));
      await files.close();
    },
  );
});
