import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '#lib/formats/digest.ts';
import { stateBranch } from '#lib/github/state-branch.ts';
import { fakeTrees } from './fake-trees.ts';

const audit = { event: 'tested', actor: 'tester', subject: 'a record' };
const NOW = new Date('2026-03-01T10:00:00Z');

function open(trees: ReturnType<typeof fakeTrees>['trees'], now = () => NOW) {
  return stateBranch({ trees, batchSeconds: () => 0, now });
}

describe('the branch roundhouse', () => {
  it('is made by the first write and read again by another process', async () => {
    const { trees } = fakeTrees();
    const first = open(trees);
    expect(await first.commit()).toBeNull();
    await first.write({ changes: [{ path: 'runs/a.json', text: '1' }], audit });
    const second = open(trees);
    expect(await second.read('runs/a.json')).toBe('1');
    expect(await second.paths('runs/')).toEqual(['runs/a.json']);
    expect(await second.commit()).toBe(await first.commit());
  });

  // Fact 17.
  it('puts what comes in one burst into one commit', async () => {
    const { trees, history } = fakeTrees();
    const state = open(trees);
    await Promise.all(
      [1, 2, 3].map((n) => state.write({ changes: [{ path: `runs/${n}.json`, text: `${n}` }], audit })),
    );
    expect(history().map(({ message }) => message)).toEqual(['tested: a record and 2 more']);
    expect(await state.paths('runs/')).toHaveLength(3);
  });

  it('gives a fresh path to one of two that want it at once', async () => {
    const { trees } = fakeTrees();
    const [one, other] = [open(trees), open(trees)];
    const claim = (by: string) => ({
      changes: [{ path: 'claims/x.json', text: by }],
      fresh: ['claims/x.json'],
      audit,
    });
    const outcomes = await Promise.all([one.write(claim('one')), other.write(claim('other'))]);
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['taken', 'written']);
    await one.refresh();
    const winner = outcomes[0]?.kind === 'written' ? 'one' : 'other';
    expect(await one.read('claims/x.json')).toBe(winner);
  });

  it('refuses a fresh path twice within one burst', async () => {
    const { trees } = fakeTrees();
    const state = open(trees);
    const write = { changes: [{ path: 'claims/x.json', text: 'a' }], fresh: ['claims/x.json'], audit };
    const outcomes = await Promise.all([state.write(write), state.write(write)]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['written', 'taken']);
  });

  it('changes a record only where it still says what was read', async () => {
    const { trees } = fakeTrees();
    const [one, other] = [open(trees), open(trees)];
    const path = 'claims/x.json';
    await one.write({ changes: [{ path, text: 'a' }], audit });
    const swap = (text: string) => ({ changes: [{ path, text }], expected: [{ path, text: 'a' }], audit });
    const outcomes = await Promise.all([one.write(swap('b')), other.write(swap('c'))]);
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['taken', 'written']);
    await one.refresh();
    expect(await one.read(path)).toBe(outcomes[0]?.kind === 'written' ? 'b' : 'c');
  });

  it('takes what is on record already for written, and tells the audit log nothing', async () => {
    const { trees, history } = fakeTrees();
    const state = open(trees);
    const write = { changes: [{ path: 'approvals/1.json', text: 'approved' }], audit };
    const first = await state.write(write);
    expect(await state.write(write)).toEqual(first);
    const both = [
      state.write(write),
      state.write({ ...write, changes: [{ path: 'runs/1.json', text: '1' }] }),
    ];
    expect((await Promise.all(both)).map(({ kind }) => kind)).toEqual(['written', 'written']);
    expect(history()).toHaveLength(2);
    expect(((await state.read('audit/2026/03/01.jsonl')) ?? '').trimEnd().split('\n')).toHaveLength(2);
  });

  it('removes what is there, and asks for nothing where it is not', async () => {
    const { trees } = fakeTrees();
    const asked: (string | null)[] = [];
    const write: typeof trees.write = async (change) => {
      for (const entry of change.changes) if ('text' in entry && entry.text === null) asked.push(entry.path);
      return trees.write(change);
    };
    const state = open({ ...trees, write });
    await state.write({ changes: [{ path: 'requests/1/a.json', text: 'a' }], audit });
    const gone = ['requests/1/a.json', 'requests/1/b.json'].map((path) => ({ path, text: null }));
    await state.write({ changes: gone, audit });
    expect(await state.paths('requests/')).toEqual([]);
    expect(asked).toEqual(['requests/1/a.json']);
    await state.write({
      changes: [{ path: 'requests/1/a.json', text: 'b' }],
      fresh: ['requests/1/a.json'],
      audit,
    });
    expect(await state.read('requests/1/a.json')).toBe('b');
  });

  it('loses no record however many processes write', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3), { minLength: 1, maxLength: 12 }), async (writers) => {
        const { trees } = fakeTrees();
        const processes = [0, 1, 2, 3].map(() => open(trees));
        await Promise.all(
          writers.map((writer, n) =>
            processes[writer]?.write({ changes: [{ path: `runs/${n}.json`, text: `${n}` }], audit }),
          ),
        );
        expect(await open(trees).paths('runs/')).toHaveLength(writers.length);
      }),
      { numRuns: 15 },
    );
  });

  it('chains the audit log over writes, days and processes', async () => {
    const { trees } = fakeTrees();
    let now = NOW;
    let count = 0;
    const write = async () => {
      const state = open(trees, () => now);
      count += 1;
      await state.write({ changes: [{ path: 'a', text: String(count) }], audit });
      return state;
    };
    await write();
    await write();
    now = new Date('2026-03-02T00:00:00Z');
    const state = await write();
    const lines = [
      ...((await state.read('audit/2026/03/01.jsonl')) ?? '').trimEnd().split('\n'),
      ...((await state.read('audit/2026/03/02.jsonl')) ?? '').trimEnd().split('\n'),
    ];
    expect(lines).toHaveLength(3);
    const linked = lines.map((line) => (JSON.parse(line) as { previous: string | null }).previous);
    expect(linked).toEqual([null, digestOf(lines[0] ?? ''), digestOf(lines[1] ?? '')]);
  });

  it('tells the writer when GitHub fails, and works again afterwards', async () => {
    const { trees } = fakeTrees();
    let broken = false;
    const flaky = {
      ...trees,
      write: (what: Parameters<typeof trees.write>[0]) => {
        if (broken) throw new Error('502');
        return trees.write(what);
      },
    };
    const state = open(flaky);
    await state.write({ changes: [{ path: 'first', text: '1' }], audit });
    broken = true;
    const write = { changes: [{ path: 'a', text: '1' }], audit };
    await expect(state.write(write)).rejects.toThrow('502');
    // The second of two that say the same is no more written than the first.
    const both = await Promise.allSettled([state.write(write), state.write(write)]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    broken = false;
    expect((await state.write(write)).kind).toBe('written');
  });

  it('answers who removes what is not there before there is a branch', async () => {
    const state = open(fakeTrees().trees);
    expect((await state.write({ changes: [{ path: 'a', text: null }], audit })).kind).toBe('written');
  });
});
