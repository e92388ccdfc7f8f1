import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '#lib/formats/config.ts';
import { renderTagMessage } from '#lib/formats/registry-tags.ts';
import {
  approveLine,
  BOT,
  bikesFiles,
  contentOf,
  eventually,
  gateOf,
  openPull,
  R,
  say,
  startServing,
  type World,
} from './app-world.ts';

describe('names that a writer takes', { timeout: 240_000 }, () => {
  let world: World;
  beforeAll(async () => {
    world = await startServing();
  }, 240_000);
  afterAll(() => world.close());

  const writer = () => world.as('data-scientist').rest;

  async function rollouts(): Promise<(string | null)[]> {
    const { data } = await world.as('ml-lead').rest.repos.listDeployments(R);
    return data.map(({ description }) => description);
  }

  /** What nobody let through: approved, then held, and merged all the same. */
  async function mergeHeld(): Promise<{ pull: number; merged: string }> {
    const changed = bikesFiles({ seed: 2 });
    const pull = await openPull(world, 'data-scientist', { branch: 'second', files: changed });
    await gateOf(world, pull, 'action_required');
    await say(world, 'ml-lead', pull, await approveLine(world, pull));
    const { head } = await gateOf(world, pull, 'success');
    await say(world, 'product-owner', pull, '/hold');
    await gateOf(world, pull, 'failure');
    const merge = await world.as('ml-lead').rest.pulls.merge({ ...R, pull_number: pull, sha: head });
    return { pull, merged: merge.data.sha };
  }

  /** The very tag that the app would make. */
  async function tagByHand(version: string, commit: string): Promise<void> {
    const file = 'models/bikes/model.lock';
    const text = await contentOf(world, file, { ref: commit });
    const { candidate, bundle } = parseConfig('model-lock', { file, text });
    const message = renderTagMessage(
      { kind: 'register', model: 'bikes', version, n: null },
      { kind: 'roundhouse-tag', model: 'bikes', version, environment: null, candidate, bundle, commit },
    );
    const tag = { tag: `bikes@v${version}`, message, object: commit, type: 'commit' } as const;
    const made = await writer().git.createTag({ ...R, ...tag });
    await writer().git.createRef({ ...R, ref: `refs/tags/${tag.tag}`, sha: made.data.sha });
  }

  it('are neither versions nor releases, and what is right goes past them', async () => {
    const { pull, merged } = await mergeHeld();
    await tagByHand('1.1.0', merged);
    await writer().git.createRef({ ...R, ref: 'refs/tags/bikes@v1.2.0', sha: merged });
    const name = 'bikes@v1.3.0';
    await writer().repos.createRelease({ ...R, tag_name: name, body: 'mine', draft: true });
    const content = Buffer.from('nonsense').toString('base64');
    const broken = { path: 'models/aardvarks/problem.yml', message: 'a model that nobody can read', content };
    await writer().repos.createOrUpdateFileContents({ ...R, ...broken });
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    expect(await rollouts()).toEqual(['bikes v1.0.0']);

    await say(world, 'product-owner', pull, '/unhold');
    await eventually('the rollout', async () => (await rollouts()).includes('bikes v1.3.0'), world);
    expect((await rollouts()).toSorted()).toEqual(['bikes v1.0.0', 'bikes v1.3.0']);
    const { data } = await writer().repos.listReleases(R);
    const releases = data.filter(({ tag_name }) => tag_name === name);
    const told = releases.map(({ author, draft, assets }) => [author.login, draft, assets.length]);
    expect(told.toSorted()).toEqual([
      ['data-scientist', true, 0],
      [BOT, false, 4],
    ]);
  });
});
