import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  approveLine,
  commentSaying,
  defineBikes,
  eventually,
  gateOf,
  merge,
  openPull,
  say,
  startWorld,
  tagged,
  tagNames,
  type World,
} from './app-world.ts';
import { addStaging, stagedFiles } from './variants.ts';

describe('an environment that is promoted to', { timeout: 240_000 }, () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
    await addStaging(world);
    await world.startApp();
    await defineBikes(world);
  }, 240_000);
  afterAll(() => world.close());

  it('waits for people, and gets exactly what serves before it', async () => {
    const tags = () => tagNames(world, 'bikes');
    const files = stagedFiles();
    const pull = await openPull(world, 'data-scientist', { branch: 'first-model', files });
    await gateOf(world, pull, 'action_required');
    await say(world, 'ml-lead', pull, await approveLine(world, pull));
    await merge(world, 'ml-lead', pull);
    await tagged(world, 'bikes#staging#1');
    const said = (text: string) => commentSaying(world, pull, text);
    await say(world, 'data-scientist', pull, '/promote production');
    await said('it needs the role ml-lead');
    await say(world, 'ml-lead', pull, '/promote staging');
    await said('a merge deploys to it');
    expect(await tags()).toEqual(['bikes#staging#1', 'bikes@v1.0.0']);

    await say(world, 'ml-lead', pull, '/promote production');
    await said('is rolled out in production');
    await eventually(
      'v1.0.0 in production',
      async () => (await tags()).filter((tag) => /#(production|champion)#/.test(tag)).length === 2,
      world,
    );
  });
});
