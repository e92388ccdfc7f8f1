import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  approveLine,
  BOT,
  bikesFiles,
  commentSaying,
  eventually,
  gateOf,
  merge,
  openPull,
  R,
  say,
  startDefined,
  type World,
} from './app-world.ts';

describe('a gate that people pass', { timeout: 240_000 }, () => {
  let world: World;
  beforeAll(async () => {
    world = await startDefined();
  }, 240_000);
  afterAll(() => world.close());

  it('counts for one candidate, is never called passed, and is approved by somebody else', async () => {
    const { rest } = world.as('ml-lead');
    world.jobs.findings.gates = 'failed';
    const pull = await openPull(world, 'data-scientist', { branch: 'strike', files: bikesFiles() });
    await gateOf(world, pull, 'failure');
    const said = (text: string) => commentSaying(world, pull, text);
    const state = await said('Digests');
    const digest = /candidate, which is approved .*?([0-9a-f]{16})/.exec(state.body)?.[1] ?? '';
    expect(digest).toMatch(/^[0-9a-f]{16}$/);
    const failed = 'mae on the newest rows';
    expect(state.body).toContain(`| ❌ | ${failed} |`);

    await say(world, 'data-scientist', pull, `/override ${failed} ${digest} it is fine`);
    await said('it needs the role product-owner');
    await say(world, 'product-owner', pull, `/override nothing ${digest} it is fine`);
    await said('there is no gate');
    await say(world, 'product-owner', pull, `/override ${failed} ${digest} the strike of last week`);
    await said('is passed by override until');

    const asked = await gateOf(world, pull, 'action_required');
    expect(asked.checks.find(({ name }) => name === 'roundhouse/model')?.output.title).toContain(
      `passed by override: ${failed}`,
    );
    const issues = (await rest.issues.listForRepo({ ...R, creator: BOT })).data.filter(({ title }) =>
      title.includes('was overridden'),
    );
    expect(issues).toHaveLength(1);
    expect(issues[0]?.body).toContain('the strike of last week');

    await say(world, 'ml-lead', pull, await approveLine(world, pull));
    await merge(world, 'ml-lead', pull);
    const release = await eventually(
      'the release',
      async () => (await rest.repos.listReleases({ ...R })).data.find(({ draft }) => !draft),
      world,
    );
    expect(release.body).toContain('was **passed by override** of `product-owner`');
  });
});
