import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  approveLine,
  BOT,
  bikesFiles,
  defineBikes,
  eventually,
  firstModel,
  gateOf,
  merge,
  openPull,
  R,
  say,
  startWorld,
  type World,
} from './app-world.ts';

describe('a rollout that is rolled back', { timeout: 240_000 }, () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
    await world.startApp();
    await defineBikes(world);
    await firstModel(world);
    await eventually('v1.0.0 in production', async () => (await tags()).includes('bikes#champion#2'), world);
  }, 240_000);
  afterAll(() => world.close());

  async function tags(): Promise<string[]> {
    const { data } = await world.as('ml-lead').rest.git.listMatchingRefs({ ...R, ref: 'tags/bikes' });
    return data.map(({ ref }) => ref.slice('refs/tags/'.length));
  }

  // Need 15.
  it('leaves the champion, opens one incident and one revert, and is tried again when asked', async () => {
    const { rest } = world.as('ml-lead');
    world.jobs.findings.canary = 'failed';
    const files = bikesFiles();
    const path = 'models/bikes/model.yml';
    const worse = { ...files, [path]: (files[path] ?? '').replace('seed: 1', 'seed: 9') };
    const pull = await openPull(world, 'data-scientist', { branch: 'worse', files: worse });
    await gateOf(world, pull, 'action_required');
    await say(world, 'ml-lead', pull, await approveLine(world, pull));
    await merge(world, 'ml-lead', pull);

    const revert = await eventually(
      'the revert',
      async () =>
        (await rest.pulls.list({ ...R })).data.find(
          ({ head }) => head.ref === 'roundhouse-revert-bikes-v1.1.0',
        ),
      world,
    );
    const issues = (await rest.issues.listForRepo({ ...R, creator: BOT })).data.filter(
      (issue) => !issue.pull_request,
    );
    expect(issues.map(({ title }) => title)).toEqual(['bikes v1.1.0 in production was rolled-back']);
    expect(issues[0]?.body).toContain('errors: 7 %');
    expect(await tags()).toEqual(['bikes#champion#2', 'bikes#production#1', 'bikes@v1.0.0', 'bikes@v1.1.0']);
    const [deployment] = (await rest.repos.listDeployments({ ...R, environment: 'bikes/production' })).data;
    const states = await rest.repos.listDeploymentStatuses({ ...R, deployment_id: deployment?.id ?? 0 });
    expect(states.data[0]?.state).toBe('failure');

    const { data: changed } = await rest.pulls.listFiles({ ...R, pull_number: revert.number });
    expect(changed.every(({ filename }) => filename.startsWith('models/bikes/'))).toBe(true);
    expect(changed.map(({ filename }) => filename)).toContain('models/bikes/model.lock');
    expect((await gateOf(world, revert.number, 'success')).title).toBe('may be merged');

    world.jobs.findings.canary = 'passed';
    await say(world, 'ml-lead', issues[0]?.number ?? 0, '/deploy production');
    await eventually('v1.1.0 in production', async () => (await tags()).includes('bikes#champion#4'), world);
  });
});
