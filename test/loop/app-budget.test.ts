import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bikesFiles,
  commentSaying,
  eventually,
  gateOf,
  openPull,
  pushToMain,
  R,
  replyTo,
  say,
  startDefined,
  type World,
} from './app-world.ts';

const POLICY = '.github/roundhouse.yml';
let world: World;
beforeAll(async () => {
  world = await startDefined();
  await pushToMain(world, POLICY, (text) => `${text}\nbudgets: { each_model: { runs_per_day: 1 } }\n`);
}, 240_000);
afterAll(() => world.close());

const open = (branch: string, seed: number) =>
  openPull(world, 'data-scientist', { branch, files: bikesFiles({ seed }) });

describe('a budget of one training run a day', { timeout: 240_000 }, () => {
  it('lets one pull request through, makes the other wait, and lets it go on when the policy allows it', async () => {
    const first = await open('first', 1);
    await gateOf(world, first, 'action_required');
    const ran = world.jobs.runs.length;

    const second = await open('second', 2);
    const { body } = await commentSaying(world, second, 'Waits for the budget');
    expect(body).toContain('1 of 1 training runs of bikes today; free again at');
    const { rest } = world.as('ml-lead');
    const { data: pull } = await rest.pulls.get({ ...R, pull_number: second });
    const model = await eventually('the check of the model', async () => {
      const { data } = await rest.checks.listForRef({ ...R, ref: pull.head.sha });
      return data.check_runs.find(
        ({ name, output }) => name === 'roundhouse/model' && output.title?.includes('waits for the budget'),
      );
    });
    expect(model.status).toBe('in_progress');
    const reply = await replyTo(world, await say(world, 'data-scientist', second, '/train'), second);
    expect(reply).toContain('it waits for the budget: 1 of 1 training runs of bikes today');
    expect(world.jobs.runs).toHaveLength(ran);

    await pushToMain(world, POLICY, (text) => text.replace('runs_per_day: 1', 'runs_per_day: 2'));
    await gateOf(world, second, 'action_required');
    expect(world.jobs.runs.length).toBeGreaterThan(ran);
  });
});
