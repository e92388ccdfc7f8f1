import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Octokit } from 'octokit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Checkout, eventually, R, refusal, startWorld, type World } from '../harness.ts';
import { adminOf, ruleset } from './admin.ts';

let world: World;
let work: Checkout;
let admin: Octokit;
let bot: Octokit;
let main: string;

beforeAll(async () => {
  world = await startWorld({ staleMs: 500 });
  work = await world.repository('ml-lead');
  main = await work.commit('first', { 'README.md': '# Bikes\n' });
  await work.push('main');
  [admin, bot] = [await adminOf(world), await world.bot()];
});
afterAll(() => world.close());

// Fact 17. GD:content/repositories/working-with-files/managing-large-files/about-large-files-on-github.md
test('a file of more than 100 MB is refused by the push, in GitHub’s words', async () => {
  await work.git('checkout', '--quiet', '-b', 'large');
  await writeFile(join(work.path, 'model weights.bin'), Buffer.alloc(100 * 1024 ** 2 + 1));
  await work.commit('large', {});
  await expect(work.push('large')).rejects.toThrow(
    /File model weights\.bin is 100\.00 MB; this exceeds GitHub's file size limit of 100\.00 MB\s[\s\S]*GH001/,
  );
  await work.git('checkout', '--quiet', 'main');
});

// GD:…/available-rules-for-rulesets.md, "Block force pushes".
test('a branch that may only move forward is moved back neither by git nor by the API', async () => {
  const forward = { name: 'forward', include: ['refs/heads/kept'], rules: [{ type: 'non_fast_forward' }] };
  const undo = await ruleset(admin, forward);
  await work.git('checkout', '--quiet', '-B', 'kept', main);
  const second = await work.commit('second', { 'a.txt': 'a' });
  await work.push('kept');
  await expect(work.push(`+${main}:refs/heads/kept`)).rejects.toThrow(/Cannot force-push to this branch/);
  const back = { ...R, ref: 'heads/kept', sha: main, force: true };
  expect(await refusal(bot.rest.git.updateRef(back))).toMatchObject({
    status: 422,
    message: expect.stringContaining('Cannot force-push to this branch'),
  });
  expect((await bot.rest.git.getRef({ ...R, ref: 'heads/kept' })).data.object.sha).toBe(second);
  await work.commit('third', { 'a.txt': 'b' });
  await work.push('kept');
  await undo();
  await work.push(`+${main}:refs/heads/kept`);
  await work.git('checkout', '--quiet', 'main');
});

test('rules that are not kept here are refused, not half kept', async () => {
  for (const type of [
    'commit_message_pattern',
    'required_linear_history',
    'required_deployments',
    'workflows',
  ])
    expect((await refusal(ruleset(admin, { name: type, rules: [{ type }] }))).status, type).toBe(422);
});

// Fact 10. GD:content/rest/guides/using-the-rest-api-to-interact-with-checks.md: 14 days, here half a second.
test('a check that stays incomplete becomes stale, and only GitHub may say so', async () => {
  const made = { ...R, name: 'waits', head_sha: main };
  const { data } = await bot.rest.checks.create({ ...made, status: 'in_progress' });
  const at = { ...R, check_run_id: data.id };
  const stale = await eventually(async () => {
    const { data: now } = await bot.rest.checks.get(at);
    return now.status === 'completed' ? now : undefined;
  }, 'the end of the check');
  expect(stale.conclusion).toBe('stale');
  const own = bot.rest.checks.update({ ...at, conclusion: 'stale' as 'neutral' });
  expect((await refusal(own)).status).toBe(422);
  await bot.rest.checks.update({ ...at, conclusion: 'success' });
});

// Fact 19. GD:content/code-security/concepts/supply-chain-security/immutable-releases.md; softprops/action-gh-release#653.
describe('with immutable releases', () => {
  const tag = 'bikes@v1.0.0';
  const publish = async (tag_name: string) => {
    const { data } = await bot.rest.repos.createRelease({ ...R, tag_name, draft: true });
    const upload = async (name: string): Promise<number> => {
      const sent = { method: 'POST', url: data.upload_url, name, data: 'bytes' } as const;
      const headers = { 'content-type': 'application/octet-stream' };
      return (await bot.request({ ...sent, headers })).data.id;
    };
    const asset_id = await upload('model.onnx');
    await bot.rest.repos.updateRelease({ ...R, release_id: data.id, draft: false });
    return { id: data.id, upload, asset_id };
  };

  test('assets and tag are frozen when the release is published, its notes are not', async () => {
    const former = await publish('bikes@v0.9.0');
    await world.control.call('PATCH', '/repos/acme/bikes', { immutable_releases: true });
    await bot.rest.git.createRef({ ...R, ref: `refs/tags/${tag}`, sha: main });
    const { id, upload, asset_id } = await publish(tag);
    expect((await bot.rest.repos.getRelease({ ...R, release_id: id })).data.immutable).toBe(true);
    expect(await refusal(upload('b'))).toMatchObject({
      status: 422,
      message: expect.stringContaining('Cannot upload assets to an immutable release.'),
    });
    const release = { ...R, release_id: id };
    // The words of these refusals are assumed (docs/real-github-check.md, A23).
    expect((await refusal(bot.rest.repos.deleteReleaseAsset({ ...R, asset_id }))).status).toBe(422);
    expect((await refusal(bot.rest.repos.updateRelease({ ...release, tag_name: 'b' }))).status).toBe(422);
    expect((await refusal(bot.rest.git.deleteRef({ ...R, ref: `tags/${tag}` }))).status).toBe(422);
    await work.git('tag', '--force', tag, await work.commit('other', { 'o.txt': 'o' }));
    await expect(work.push(`+refs/tags/${tag}`)).rejects.toThrow(/immutable release/);
    await bot.rest.repos.updateRelease({ ...release, body: 'better notes' });
    // One that was published before the setting stays as it was.
    await former.upload('late');
  });

  test('a tag is not used twice, not even after its release is deleted', async () => {
    const { data } = await bot.rest.repos.getReleaseByTag({ ...R, tag });
    await bot.rest.repos.deleteRelease({ ...R, release_id: data.id });
    await bot.rest.git.deleteRef({ ...R, ref: `tags/${tag}` });
    expect(await refusal(bot.rest.repos.createRelease({ ...R, tag_name: tag }))).toMatchObject({
      status: 422,
      message: expect.stringContaining('tag_name was used by an immutable release'),
    });
    const again = bot.rest.git.createRef({ ...R, ref: `refs/tags/${tag}`, sha: main });
    expect((await refusal(again)).status).toBe(422);
    await world.control.call('PATCH', '/repos/acme/bikes', { immutable_releases: false });
  });
});

// Need 1. GD:content/apps/maintaining-github-apps/modifying-a-github-app-registration.md, "Changing the permissions".
test('more permissions reach an installation when its owner accepts them, fewer at once', async () => {
  const { data: installation } = await world.app.octokit.request('GET /repos/{owner}/{repo}/installation', R);
  const app = world.secrets.app.slug;
  const asked = { ...installation.permissions } as Record<string, string>;
  const token = async () => {
    const { data } = await world.app.octokit.request(
      'POST /app/installations/{installation_id}/access_tokens',
      { installation_id: installation.id },
    );
    return data.permissions as Record<string, string>;
  };
  delete asked.deployments;
  await world.control.call('PATCH', `/apps/${app}`, { permissions: { ...asked, workflows: 'write' } });
  expect(await token()).not.toHaveProperty('deployments');
  expect(await token()).not.toHaveProperty('workflows');
  await world.control.call('POST', `/installations/${installation.id}/accept`, {});
  expect(await token()).toMatchObject({ workflows: 'write' });
  expect(await world.event('installation', 'new_permissions_accepted')).toMatchObject({
    installation: { permissions: { workflows: 'write' } },
  });
});
