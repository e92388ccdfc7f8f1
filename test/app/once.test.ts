import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stateBranch } from '#lib/github/state-branch.ts';
import type { ClaimRecord } from '#lib/lifecycle/records.ts';
import { type ClaimPlan, decideClaim } from '../../app/claim-decision.ts';
import { isDone, once } from '../../app/once.ts';
import { createQueue } from '../../app/queue.ts';
import { fakeTrees } from '../github/fake-trees.ts';

type Trees = ReturnType<typeof fakeTrees>['trees'];
let clock = new Date('2026-03-01T10:00:00Z');
const project = (trees: Trees, ownerId: string) => {
  const now = () => clock;
  return { state: stateBranch({ trees, batchSeconds: () => 0, now }), ownerId, now };
};

/** A GitHub on which things are made and found by name. */
function world() {
  const made: string[] = [];
  return {
    made,
    find: async () => (made.includes('issue') ? 'issue' : null),
    make: async () => {
      made.push('issue');
      return 'issue';
    },
  };
}

describe('once', () => {
  it('makes it once, however often it is asked', async () => {
    const { trees } = fakeTrees();
    const app = project(trees, 'app');
    const { made, find, make } = world();
    for (let n = 0; n < 3; n += 1) expect(await once(app, { key: 'k', find, make })).toBe('issue');
    expect(made).toEqual(['issue']);
    expect(await isDone(app, 'k')).toBe(true);
    expect(await isDone(app, 'other')).toBe(false);
  });

  it('finds what a killed process made before it could say so', async () => {
    const { trees } = fakeTrees();
    const { made, find, make } = world();
    const dies = async () => {
      await make();
      throw new Error('killed');
    };
    await expect(once(project(trees, 'app'), { key: 'k', find, make: dies })).rejects.toThrow('killed');
    expect(await once(project(trees, 'app'), { key: 'k', find, make })).toBe('issue');
    expect(made).toEqual(['issue']);
  });

  it('leaves it to another process as long as that holds the lease', async () => {
    const { trees } = fakeTrees();
    const { made, find, make } = world();
    const dies = async () => {
      throw new Error('killed');
    };
    await expect(once(project(trees, 'one'), { key: 'k', find, make: dies })).rejects.toThrow();
    expect(await once(project(trees, 'other'), { key: 'k', find, make })).toBeNull();
    expect(made).toEqual([]);
    clock = new Date(clock.getTime() + 120_000);
    expect(await once(project(trees, 'other'), { key: 'k', find, make })).toBe('issue');
  });

  it('lets one of two processes that start together', async () => {
    const { trees } = fakeTrees();
    const { made, find, make } = world();
    const both = ['one', 'other'].map((owner) => once(project(trees, owner), { key: 'k', find, make }));
    expect((await Promise.all(both)).filter((outcome) => outcome !== null)).toEqual(['issue']);
    expect(made).toEqual(['issue']);
  });

  it('lets one of several take over a claim that ran out', async () => {
    const { trees } = fakeTrees();
    const { made, find, make } = world();
    const dies = async () => {
      throw new Error('killed');
    };
    await expect(once(project(trees, 'gone'), { key: 'k', find, make: dies })).rejects.toThrow();
    clock = new Date(clock.getTime() + 120_000);
    const three = ['one', 'two', 'three'].map((owner) =>
      once(project(trees, owner), { key: 'k', find, make }),
    );
    expect((await Promise.all(three)).filter((outcome) => outcome !== null)).toEqual(['issue']);
    expect(made).toEqual(['issue']);
  });

  it('keeps a process that lost its claim from making and from saying what came of it', async () => {
    const { trees } = fakeTrees();
    const { made, find, make } = world();
    const slow = project(trees, 'slow');
    const stalled = async () => {
      clock = new Date(clock.getTime() + 120_000);
      expect(await once(project(trees, 'other'), { key: 'k', find, make })).toBe('issue');
      return null;
    };
    const late = async () => {
      made.push('a second issue');
      return 'a second issue';
    };
    expect(await once(slow, { key: 'k', find: stalled, make: late })).toBeNull();
    expect(made).toEqual(['issue']);
    const tooLate = async () => {
      clock = new Date(clock.getTime() + 120_000);
      await once(project(trees, 'other'), { key: 'l', find: async () => 'found', make });
      return 'a second issue';
    };
    expect(await once(slow, { key: 'l', find: async () => null, make: tooLate })).toBe('found');
  });

  it('does not write the claim anew while it fails in one process', async () => {
    const { trees, history } = fakeTrees();
    const app = project(trees, 'app');
    const { find } = world();
    const fails = async () => {
      throw new Error('GitHub refuses');
    };
    for (let n = 0; n < 5; n += 1) {
      await expect(once(app, { key: 'k', find, make: fails })).rejects.toThrow('GitHub refuses');
    }
    expect(history()).toHaveLength(1);
  });

  it('makes it once, whoever dies when, and whoever comes next', async () => {
    const step = fc.record({
      owner: fc.constantFrom('a', 'b', 'c'),
      restarts: fc.boolean(),
      dies: fc.constantFrom('before', 'after', null),
      waits: fc.constantFrom(0, 30_000, 90_000),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        const { trees } = fakeTrees();
        const { made, find, make } = world();
        const places = new Map<string, ReturnType<typeof project>>();
        for (const { owner, restarts, dies, waits } of steps) {
          clock = new Date(clock.getTime() + waits);
          const known = restarts ? undefined : places.get(owner);
          const place = known ?? project(trees, owner);
          places.set(owner, place);
          await place.state.refresh();
          const attempt = once(place, {
            key: 'k',
            find,
            make: async () => {
              if (dies === 'before') throw new Error('killed');
              const outcome = await make();
              if (dies === 'after') throw new Error('killed');
              return outcome;
            },
          });
          await attempt.catch(() => {});
        }
        clock = new Date(clock.getTime() + 90_000);
        expect(await once(project(trees, 'last'), { key: 'k', find, make })).toBe('issue');
        expect(made).toEqual(['issue']);
      }),
      { numRuns: 60 },
    );
  });
});

describe('decideClaim', () => {
  const now = new Date('2026-03-01T10:00:00Z');
  const claim = (change: Partial<ClaimRecord> = {}): ClaimRecord => ({
    kind: 'roundhouse-claim',
    key: 'k',
    owner: 'me',
    token: 3,
    at: '2026-03-01T09:59:30Z',
    lease_until: '2026-03-01T10:00:30Z',
    outcome: null,
    ...change,
  });
  const past = { lease_until: '2026-03-01T09:59:59Z' };
  const other = { owner: 'other' };
  const cases: [string, ClaimRecord | null, ClaimRecord | null, ClaimPlan['kind'], number | null][] = [
    ['nothing on record', null, null, 'take', 1],
    ['done, by whoever', claim({ ...other, outcome: '7' }), null, 'done', null],
    ['another holds it', claim(other), null, 'wait', null],
    ['another let it run out', claim({ ...other, ...past }), null, 'take', 4],
    ['this process holds it', claim(), claim(), 'hold', null],
    ['this process let it run out', claim(past), claim(past), 'take', 4],
    ['a killed process of ours held it', claim(), null, 'take', 4],
    ['a process of ours took it over from this one', claim({ token: 4 }), claim(), 'take', 5],
    ['another took it over from this one', claim({ ...other, token: 4 }), claim(), 'wait', null],
  ];
  it.each(cases)('%s', (_what, known, mine, kind, token) => {
    const plan = decideClaim({ known, mine, key: 'k', owner: 'me', now });
    expect([plan.kind, plan.kind === 'take' ? plan.claim.token : null]).toEqual([kind, token]);
  });
});

describe('createQueue', () => {
  it('runs one task at a time and folds what waits under one key', async () => {
    const queue = createQueue();
    const log: string[] = [];
    const task = (name: string) => async () => {
      log.push(`${name} begins`);
      await new Promise((resolve) => setTimeout(resolve, 2));
      log.push(`${name} ends`);
    };
    await Promise.all([
      queue.run('a', task('a')),
      queue.run('b', task('b')),
      queue.run('b', task('never')),
      queue.run('c', task('c')),
    ]);
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
    expect(queue.length()).toBe(0);
  });

  it('runs again what comes while it runs, since it may have read too early', async () => {
    const queue = createQueue();
    let runs = 0;
    const first = queue.run('a', async () => {
      runs += 1;
      const again = async () => {
        runs += 1;
      };
      if (runs === 1) void queue.run('a', again);
    });
    await first;
    await queue.drained();
    expect(runs).toBe(2);
  });

  it('goes on after a task that failed', async () => {
    const queue = createQueue();
    const failing = queue.run('a', async () => {
      throw new Error('broken');
    });
    const next = queue.run('b', async () => {});
    await expect(failing).rejects.toThrow('broken');
    await expect(next).resolves.toBeUndefined();
  });
});
