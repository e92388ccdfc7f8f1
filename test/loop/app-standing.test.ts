import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  BOT,
  commentsOf,
  defineBikes,
  eventually,
  firstModel,
  gateOf,
  merge,
  pushToMain,
  R,
  say,
  startWorld,
  tagged,
  type World,
} from './app-world.ts';

const TERMS = 'standing_approvals: [{ model: bikes, max_versions: 2, expires: P90D }]\n';

describe('a procedure that people approve', { timeout: 240_000 }, () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
    await pushToMain(world, '.github/roundhouse.yml', (text) => `${text}\n${TERMS}`);
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
    // The comment is written after the checks.
    const line = await eventually(
      'the line that approves the procedure',
      async () => {
        const mine = (await commentsOf(world, first)).filter(({ author }) => author === BOT);
        return mine
          .map(({ body }) => /procedure[\s\S]*?(\/approve [0-9a-f]{16})/.exec(body)?.[1])
          .find(Boolean);
      },
      world,
    );
    await say(world, 'ml-lead', first, line);
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
