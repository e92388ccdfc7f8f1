import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { holdRecordSchema } from '#lib/lifecycle/records.ts';
import { listRecords } from '#lib/records/records.ts';
import { withCheckoutRecords } from '../../actions/kit/checkout-records.ts';

const folders: string[] = [];
const folder = () => {
  const made = mkdtempSync(join(tmpdir(), 'records-'));
  folders.push(made);
  return made;
};
afterEach(() => {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true });
});

const git = (cwd: string, args: string[], input = '') =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
    cwd,
    input,
    encoding: 'utf8',
  });

/** Writes files to a branch by fast-import, without a work tree. */
function commit(cwd: string, ref: string, files: Record<string, string>): void {
  const changes = Object.entries(files).map(
    ([path, text]) => `M 644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`,
  );
  const from = execFileSync('git', ['for-each-ref', '--format=%(objectname)', ref], {
    cwd,
    encoding: 'utf8',
  });
  const onto = from === '' ? '' : `from ${from.trim()}\n`;
  const head = `commit ${ref}\ncommitter a <a@b> 0 +0000\ndata 0\n${onto}`;
  git(cwd, ['fast-import', '--quiet', '--force'], `${head}${changes.join('')}\n`);
}

function repository(): string {
  const cwd = folder();
  git(cwd, ['init', '-q', '-b', 'main']);
  commit(cwd, 'refs/heads/main', { 'README.md': 'bikes\n' });
  return cwd;
}

const large = `{"text": "${'ä'.repeat(300_000)}"}\n`;

test('a clone reads the records and tags that it fetched', async () => {
  const origin = repository();
  commit(origin, 'refs/heads/roundhouse', {
    'evidence/aa/b.json': large,
    'runs/bikes/1-1.json': '{"n": 1}\n',
    'runs/bikes/2-1.json': '',
  });
  git(origin, ['tag', '-a', 'bikes@v1.0.0', '-m', 'said\n\n{"a": 1}', 'main']);
  git(origin, ['tag', 'bikes@v1.1.0', 'main']);
  const clone = folder();
  git(clone, ['clone', '-q', origin, '.']);
  await withCheckoutRecords(clone, async (records) => {
    expect(records.ref).toBe('refs/remotes/origin/roundhouse');
    expect(await records.paths('runs/')).toEqual(['runs/bikes/1-1.json', 'runs/bikes/2-1.json']);
    const paths = ['runs/bikes/1-1.json', 'evidence/aa/b.json', 'none.json', 'runs/bikes/2-1.json'];
    const texts = await Promise.all(paths.map((path) => records.read(path)));
    expect(texts).toEqual(['{"n": 1}\n', large, null, '']);
    expect(await records.tags.list('bikes@')).toEqual([
      { name: 'bikes@v1.0.0', message: 'said\n\n{"a": 1}\n' },
      { name: 'bikes@v1.1.0', message: null },
    ]);
    expect(await records.tags.list('other')).toEqual([]);
  });
});

test('of a local and a fetched branch the one that contains the other is read', async () => {
  const origin = repository();
  commit(origin, 'refs/heads/roundhouse', { 'a.json': '1' });
  const clone = folder();
  git(clone, ['clone', '-q', origin, '.']);
  git(clone, ['branch', 'roundhouse', 'origin/roundhouse']);
  const read = () => withCheckoutRecords(clone, ({ paths }) => paths(''));
  commit(origin, 'refs/heads/roundhouse', { 'b.json': '2' });
  git(clone, ['fetch', '-q']);
  expect(await read()).toEqual(['a.json', 'b.json']);
  commit(clone, 'refs/heads/roundhouse', { 'c.json': '3' });
  expect(await read()).toEqual(['a.json', 'b.json']);
  git(clone, ['update-ref', 'refs/heads/roundhouse', 'origin/roundhouse']);
  commit(clone, 'refs/heads/roundhouse', { 'c.json': '3' });
  expect(await read()).toEqual(['a.json', 'b.json', 'c.json']);
});

test('a record that cannot be read is named', async () => {
  const cwd = repository();
  commit(cwd, 'refs/heads/roundhouse', { 'holds/1.json': '{"kind": "roundhouse-hold", "new": 1}' });
  const reading = withCheckoutRecords(cwd, (records) => listRecords(records, 'holds/', holdRecordSchema));
  await expect(reading).rejects.toMatchObject({
    message: 'holds/1.json on branch roundhouse is no record that this release can read',
    fix: expect.stringContaining('update Roundhouse'),
  });
});

test('a clone without the branch, and a folder that is no clone, say what to do', async () => {
  await expect(withCheckoutRecords(repository(), async () => 0)).rejects.toMatchObject({
    message: 'this clone has no branch `roundhouse`, where the records lie',
    fix: expect.stringContaining('git fetch origin roundhouse'),
  });
  await expect(withCheckoutRecords(folder(), async () => 0)).rejects.toMatchObject({
    fix: 'run this in a clone of the repository',
  });
});
