import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  approveLine,
  bikesFiles,
  commentSaying,
  eventually,
  gateOf,
  issuesOfApp,
  merge,
  openPull,
  R,
  say,
  startServing,
  tagged,
  tagNames,
  type World,
} from './app-world.ts';

describe('a rollout that is rolled back', { timeout: 240_000 }, () => {
  let world: World;
  beforeAll(async () => {
    world = await startServing();
  }, 240_000);
  afterAll(() => world.close());

  // Need 15.
  it('leaves the champion, opens one incident and one revert, and is tried again when asked', async () => {
    const { rest } = world.as('ml-lead');
    world.jobs.findings.canary = 'failed';
    const worse = bikesFiles({ seed: 9 });
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
    const issues = await issuesOfApp(world);
    expect(issues.map(({ title }) => title)).toEqual(['bikes v1.1.0 in production was rolled-back']);
    expect(issues[0]?.body).toContain('errors: 7 %');
    expect(await tagNames(world, 'bikes')).toEqual([
      'bikes#champion#2',
      'bikes#production#1',
      'bikes@v1.0.0',
      'bikes@v1.1.0',
    ]);
    const [deployment] = (await rest.repos.listDeployments({ ...R, environment: 'bikes/production' })).data;
    const states = await rest.repos.listDeploymentStatuses({ ...R, deployment_id: deployment?.id ?? 0 });
    expect(states.data[0]?.state).toBe('failure');

    const { data: changed } = await rest.pulls.listFiles({ ...R, pull_number: revert.number });
    expect(changed.every(({ filename }) => filename.startsWith('models/bikes/'))).toBe(true);
    expect(changed.map(({ filename }) => filename)).toContain('models/bikes/model.lock');
    expect((await gateOf(world, revert.number, 'success')).title).toBe('may be merged');

    world.jobs.findings.canary = 'passed';
    await say(world, 'ml-lead', issues[0]?.number ?? 0, '/deploy production');
    await tagged(world, 'bikes#champion#4');
  });

  it('is one command for people: the former version serves, the candidate is frozen, the locks follow', async () => {
    const { rest } = world.as('ml-lead');
    const issue = (await issuesOfApp(world)).find(({ title }) => title.includes('was rolled-back'));
    const number = issue?.number ?? 0;
    const said = (text: string) => commentSaying(world, number, text);
    await say(world, 'data-scientist', number, '/rollback');
    await said('it needs the role ml-lead');
    await say(world, 'ml-lead', number, '/rollback 3.0.0');
    await said('v3.0.0 is not registered');
    await say(world, 'ml-lead', number, '/rollback');
    await said('v1.1.0 is frozen');
    await tagged(world, 'bikes#champion#6');

    const pull = await eventually(
      'the revert of the locks',
      async () => {
        const { data } = await rest.pulls.list({ ...R });
        return data.find(({ head }) => head.ref.startsWith('roundhouse-revert-bikes-v1.1.0-'))?.number;
      },
      world,
    );
    const told = (await issuesOfApp(world)).filter(({ title }) => title.includes('rolled back by ml-lead'));
    expect(told.map(({ title }) => title)).toEqual(['bikes v1.1.0 in production was rolled back by ml-lead']);
    const digest = /`\/unfreeze ([0-9a-f]{16}) <reason>`/.exec(told[0]?.body ?? '')?.[1] ?? '';

    await say(world, 'ml-lead', number, '/deploy production');
    await said('is frozen since ml-lead rolled it back');
    await merge(world, 'ml-lead', pull);
    await say(world, 'data-scientist', number, `/unfreeze ${digest} it was fine`);
    await said('it needs the role product-owner (product-owner) or ml-lead (ml-lead)');
    await say(world, 'ml-lead', number, `/unfreeze ${digest} the sensor is mended`);
    await said('v1.1.0 may serve again');
    expect(await tagNames(world, 'bikes')).not.toContain('bikes#champion#8');
  });
});
