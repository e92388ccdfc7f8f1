import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  defineBikes,
  eventually,
  firstModel,
  gateOf,
  merge,
  R,
  say,
  startWorld,
  tagged,
  type World,
} from './app-world.ts';
import { allowStandingApproval, procedureLine } from './variants.ts';

describe('a procedure that people approve', { timeout: 240_000 }, () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
    await allowStandingApproval(world);
    await world.startApp();
    await defineBikes(world);
    await firstModel(world);
    await tagged(world, 'bikes#champion#2');
    Object.assign(world.jobs.findings, { decay: 'failed', retrain: true });
  }, 240_000);
  afterAll(() => world.close());

  /** The pull request of the window that ends that day. */
  async function retraining(day: string): Promise<number> {
    await world.control('/clock', { now: `${day}T06:00:00Z` });
    return eventually(
      `the retraining of ${day}`,
      async () => {
        const { data } = await world.as('ml-lead').rest.pulls.list({ ...R, state: 'open' });
        return data.find(({ head }) => head.ref === `roundhouse-retrain-bikes-${day}`)?.number;
      },
      world,
    );
  }

  const approvalOf = (gate: Awaited<ReturnType<typeof gateOf>>) =>
    gate.checks.find(({ name }) => name === 'roundhouse/approval')?.output.title;

  it('counts for the next retraining as well, which nobody approves any more', async () => {
    const first = await retraining('2027-04-01');
    await gateOf(world, first, 'action_required');
    await say(world, 'ml-lead', first, await procedureLine(world, first));
    const gate = await gateOf(world, first, 'success');
    expect(approvalOf(gate)).toBe('standing approval of ml-lead (1 of 2 versions)');
    await merge(world, 'product-owner', first);
    await tagged(world, 'bikes#champion#4');

    const second = await retraining('2027-06-01');
    expect(approvalOf(await gateOf(world, second, 'success'))).toBe(
      'standing approval of ml-lead (2 of 2 versions)',
    );
  });
});
