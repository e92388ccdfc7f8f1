import { describe, expect, it } from 'vitest';
import { stateBranch } from '#lib/github/state-branch.ts';
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
