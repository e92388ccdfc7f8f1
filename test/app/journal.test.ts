import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openJournal } from '../../app/journal.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'journal-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const delivery = (id: string) => ({ id, name: 'push', payload: { ref: id } });
const ids = (journal: Awaited<ReturnType<typeof openJournal>>) => journal.unfinished().map(({ id }) => id);

describe('the journal of deliveries', () => {
  it('gives a new process what was received and not done', async () => {
    const journal = await openJournal(folder);
    for (const id of ['a', 'b', 'c']) expect(await journal.receive(delivery(id))).toBe('new');
    await journal.finish('b');
    await journal.close();
    const next = await openJournal(folder);
    expect(next.unfinished()).toEqual([delivery('a'), delivery('c')]);
    await next.close();
  });

  it('tells a redelivery by what is done, not by what was seen', async () => {
    const journal = await openJournal(folder);
    expect(await journal.receive(delivery('a'))).toBe('new');
    expect(await journal.receive(delivery('a'))).toBe('waiting');
    await journal.finish('a');
    expect(await journal.receive(delivery('a'))).toBe('done');
    await journal.close();
    const next = await openJournal(folder);
    expect(await next.receive(delivery('a'))).toBe('done');
    await next.close();
  });

  it('is on disk when it says so', async () => {
    const journal = await openJournal(folder);
    await Promise.all(['a', 'b', 'c'].map((id) => journal.receive(delivery(id))));
    const other = await openJournal(await copyOf(folder));
    expect(ids(other)).toEqual(['a', 'b', 'c']);
    await other.close();
    await journal.close();
  });

  it('ignores a torn last line and writes on after it', async () => {
    const journal = await openJournal(folder);
    await journal.receive(delivery('a'));
    await journal.close();
    await appendFile(join(folder, 'deliveries.jsonl'), '{"kind":"received","id":"torn","na');
    const next = await openJournal(folder);
    expect(ids(next)).toEqual(['a']);
    await next.receive(delivery('b'));
    await next.close();
    const last = await openJournal(folder);
    expect(ids(last)).toEqual(['a', 'b']);
    await last.close();
  });

  it('removes what a killed process was writing', async () => {
    await writeFile(join(folder, '.draft-17-0'), 'half of');
    await (await openJournal(folder)).close();
    expect(await readdir(folder)).toEqual(['deliveries.jsonl']);
  });

  it('keeps done work out of the file but not out of mind', async () => {
    const journal = await openJournal(folder);
    await journal.receive({ ...delivery('a'), payload: 'x'.repeat(10_000) });
    await journal.finish('a');
    await journal.close();
    const next = await openJournal(folder);
    const text = await readFile(join(folder, 'deliveries.jsonl'), 'utf8');
    expect(text.length).toBeLessThan(100);
    expect(await next.receive(delivery('a'))).toBe('done');
    await next.close();
  });

  it('stays small while it is open, and keeps what waits', async () => {
    const journal = await openJournal(folder, { compactBytes: 20_000 });
    const large = (id: string) => ({ ...delivery(id), payload: 'x'.repeat(1000) });
    await journal.receive(large('waits'));
    for (let n = 0; n < 100; n += 1) {
      await journal.receive(large(String(n)));
      await journal.finish(String(n));
      expect((await stat(join(folder, 'deliveries.jsonl'))).size).toBeLessThan(22_000);
    }
    await journal.close();
    const next = await openJournal(folder);
    expect(next.unfinished()).toEqual([large('waits')]);
    expect(await next.receive(large('0'))).toBe('done');
    await next.close();
  });

  it('names a line that is none', async () => {
    await appendFile(join(folder, 'deliveries.jsonl'), '{"kind":"done","id":"a"}\n{"kind":"rec{"kind":\n');
    await expect(openJournal(folder)).rejects.toThrow(/deliveries\.jsonl:2 is no line of the journal/);
  });

  it('forgets what did not fit on the disk, and writes on where there is room', {
    timeout: 30_000,
  }, async () => {
    const { stdout } = await promisify(execFile)('sh', [
      ...['-c', 'ulimit -f 1024 && exec "$@"', 'sh'],
      ...[process.execPath, '--import', 'tsx', '--input-type=module', '-e', ON_A_FULL_DISK, folder],
    ]);
    expect(JSON.parse(stdout)).toEqual({
      small: 'new',
      large: ['EFBIG', 'EFBIG'],
      largeAgain: 'EFBIG',
      after: 'new',
      shorter: 'new',
    });
    const next = await openJournal(folder);
    expect(ids(next)).toEqual(['small', 'after', 'large']);
    await next.close();
  });

  it('agrees with a model whatever is received, done and restarted', async () => {
    const step = fc.record({
      act: fc.constantFrom('receive', 'finish', 'restart'),
      id: fc.constantFrom('a', 'b', 'c'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const own = await mkdtemp(join(folder, 'run-'));
        const reopen = () => openJournal(own, { compactBytes: 100 });
        let journal = await reopen();
        const waiting = new Set<string>();
        const done = new Set<string>();
        for (const { act, id } of steps) {
          if (act === 'restart') {
            await journal.close();
            journal = await reopen();
          } else if (act === 'receive') {
            const expected = done.has(id) ? 'done' : waiting.has(id) ? 'waiting' : 'new';
            expect(await journal.receive(delivery(id))).toBe(expected);
            if (expected === 'new') waiting.add(id);
          } else if (waiting.has(id)) {
            await journal.finish(id);
            waiting.delete(id);
            done.add(id);
          }
          expect(ids(journal)).toEqual([...waiting]);
        }
        await journal.close();
      }),
      { numRuns: 20 },
    );
  });
});

/** In a process whose files can't grow over half a megabyte or one, as `sh` counts. */
const ON_A_FULL_DISK = `
import { openJournal } from ${JSON.stringify(new URL('../../app/journal.ts', import.meta.url).href)};
const journal = await openJournal(process.argv[1]);
const receive = (id, length) =>
  journal.receive({ id, name: 'push', payload: 'x'.repeat(length) }).catch(({ code }) => code);
const small = await receive('small', 10);
const large = await Promise.all([receive('large', 2_000_000), receive('large', 2_000_000)]);
const largeAgain = await receive('large', 2_000_000);
const after = await receive('after', 10);
const shorter = await receive('large', 10);
console.log(JSON.stringify({ small, large, largeAgain, after, shorter }));
`;

async function copyOf(from: string): Promise<string> {
  const to = await mkdtemp(join(tmpdir(), 'journal-copy-'));
  await appendFile(join(to, 'deliveries.jsonl'), await readFile(join(from, 'deliveries.jsonl')));
  return to;
}
