import { createHash } from 'node:crypto';
import type { Octokit } from 'octokit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Checkout, R, refusal, startWorld, type World } from './harness.ts';

let world: World;
let work: Checkout;
let main: string;
let bot: Octokit;
beforeAll(async () => {
  world = await startWorld();
  work = await world.repository('ml-lead');
  main = await work.commit('first', { 'README.md': '# Bikes\n' });
  await work.push('main');
  bot = await world.bot();
});
afterAll(() => world.close());

// Fact 19. GitHub docs, immutable-releases: draft, assets, publish.
describe('a release', () => {
  test('is a draft, gets its assets, is published, and keeps every byte', async () => {
    const tag = await bot.rest.git.createTag({
      ...R,
      tag: 'bikes@v1.0.0',
      message: 'm',
      object: main,
      type: 'commit',
    });
    await bot.rest.git.createRef({ ...R, ref: 'refs/tags/bikes@v1.0.0', sha: tag.data.sha });
    const { data: draft } = await bot.rest.repos.createRelease({
      ...R,
      tag_name: 'bikes@v1.0.0',
      name: 'bikes 1.0.0',
      body: '## Card',
      draft: true,
    });
    expect((await refusal(bot.rest.repos.getReleaseByTag({ ...R, tag: 'bikes@v1.0.0' }))).status).toBe(404);
    expect((await bot.rest.repos.listReleases(R)).data.map(({ id }) => id)).toEqual([draft.id]);
    expect((await world.as('product-owner').rest.repos.listReleases(R)).data).toEqual([]);

    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, at) => at % 251));
    const upload = (name: string) =>
      bot.request({
        ...{ method: 'POST', url: draft.upload_url, name, data: bytes },
        headers: { 'content-type': 'application/octet-stream' },
      });
    const { data: asset } = await upload('model.onnx');
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    expect(asset).toMatchObject({ name: 'model.onnx', size: bytes.length, digest: `sha256:${sha256}` });
    expect((await refusal(upload('model.onnx'))).status).toBe(422);

    await bot.rest.repos.updateRelease({ ...R, release_id: draft.id, draft: false, make_latest: 'false' });
    expect(await world.event('release', 'published')).toMatchObject({
      release: { tag_name: 'bikes@v1.0.0', draft: false },
    });
    const { data: found } = await bot.rest.repos.getReleaseByTag({ ...R, tag: 'bikes@v1.0.0' });
    expect(found.assets).toMatchObject([{ digest: `sha256:${sha256}` }]);
    const download = await bot.request('GET /repos/{owner}/{repo}/releases/assets/{asset_id}', {
      ...{ ...R, asset_id: asset.id, headers: { accept: 'application/octet-stream' } },
    });
    expect(Buffer.from(download.data as unknown as ArrayBuffer).equals(bytes)).toBe(true);
    const byPage = await fetch(
      asset.browser_download_url.replace(`untagged-${draft.id}`, encodeURIComponent('bikes@v1.0.0')),
    );
    expect(Buffer.from(await byPage.arrayBuffer()).equals(bytes)).toBe(true);
  });

  test('published without a tag makes a lightweight one, and there is one release per tag', async () => {
    await bot.rest.repos.createRelease({ ...R, tag_name: 'bare@v1.0.0' });
    const ref = await bot.rest.git.getRef({ ...R, ref: 'tags/bare@v1.0.0' });
    expect(ref.data.object).toMatchObject({ sha: main, type: 'commit' });
    expect((await refusal(bot.rest.repos.createRelease({ ...R, tag_name: 'bare@v1.0.0' }))).status).toBe(422);
    expect((await bot.rest.repos.getLatestRelease(R)).data.tag_name).toBe('bare@v1.0.0');
  });

  test('two drafts with one tag may stand side by side: finding is the client’s work', async () => {
    for (const body of ['a', 'b'])
      await bot.rest.repos.createRelease({ ...R, tag_name: 'twice@v1.0.0', body, draft: true });
    const { data } = await bot.rest.repos.listReleases(R);
    expect(data.filter(({ tag_name }) => tag_name === 'twice@v1.0.0')).toHaveLength(2);
  });
});

// Fact 7. docs.github.com/rest/deployments/deployments.
describe('deployments', () => {
  const deploy = (more: object = {}) =>
    bot.request('POST /repos/{owner}/{repo}/deployments', {
      ...R,
      ref: main,
      environment: 'bikes/staging',
      ...more,
    });
  const status = (deployment_id: number, state: 'success' | 'in_progress', more: object = {}) =>
    bot.rest.repos.createDeploymentStatus({ ...R, deployment_id, state, ...more });
  const states = async (deployment_id: number) =>
    (await bot.rest.repos.listDeploymentStatuses({ ...R, deployment_id })).data.map(({ state }) => state);
  const idOf = (answer: { data: unknown }) => (answer.data as { id: number }).id;

  test('by default every context must have passed', async () => {
    const check = await bot.rest.checks.create({
      ...R,
      name: 'train',
      head_sha: main,
      status: 'completed',
      conclusion: 'failure',
    });
    expect(await refusal(deploy())).toMatchObject({
      status: 409,
      message: expect.stringContaining('checks failed'),
    });
    expect((await deploy({ required_contexts: [] })).status).toBe(201);
    await bot.rest.checks.update({ ...R, check_run_id: check.data.id, conclusion: 'success' });
    expect((await deploy()).status).toBe(201);
  });

  test('by default a branch is first merged with the default branch', async () => {
    await work.git('checkout', '--quiet', '-b', 'behind');
    await work.commit('beside', { 'beside.txt': 'b' });
    await work.push('behind');
    await work.git('checkout', '--quiet', 'main');
    await work.commit('ahead', { 'ahead.txt': 'a' });
    await work.push('main');
    const before = (await bot.rest.git.getRef({ ...R, ref: 'heads/behind' })).data.object.sha;
    expect((await deploy({ ref: 'behind', required_contexts: [] })).status).toBe(202);
    expect((await bot.rest.git.getRef({ ...R, ref: 'heads/behind' })).data.object.sha).not.toBe(before);
    expect((await deploy({ ref: 'main', auto_merge: false, required_contexts: [] })).status).toBe(201);
  });

  test('a success makes earlier ones of the same environment name inactive, unless told', async () => {
    const options = { required_contexts: [], auto_merge: false, environment: 'staging' };
    const one = idOf(await deploy({ ...options, payload: { model: 'a' } }));
    await status(one, 'success');
    const two = idOf(await deploy({ ...options, payload: { model: 'b' } }));
    await status(two, 'success', { auto_inactive: false });
    expect(await states(one)).toEqual(['success']);
    const three = idOf(await deploy(options));
    await status(three, 'success');
    expect(await states(one)).toEqual(['inactive', 'success']);
    expect(await states(two)).toEqual(['inactive', 'success']);
    await world.event('deployment_status', 'created');
  });

  test('production is left alone', async () => {
    const options = { required_contexts: [], auto_merge: false, environment: 'production' };
    const one = idOf(await deploy(options));
    await status(one, 'success');
    await status(idOf(await deploy(options)), 'success');
    expect(await states(one)).toEqual(['success']);
  });

  test('an environment with a slash is found by name', async () => {
    const { data } = await bot.rest.repos.listDeployments({ ...R, environment: 'bikes/staging' });
    expect(data.length).toBeGreaterThan(0);
    expect(data.every(({ environment }) => environment === 'bikes/staging')).toBe(true);
  });
});

describe('checks', () => {
  test('a check is made, updated and told; its text is limited', async () => {
    const head_sha = main;
    const { data } = await bot.rest.checks.create({
      ...R,
      name: 'roundhouse/gate',
      head_sha,
      status: 'in_progress',
      external_id: 'req-1',
    });
    expect(data).toMatchObject({
      status: 'in_progress',
      conclusion: null,
      external_id: 'req-1',
      app: { slug: 'roundhouse' },
    });
    const output = {
      title: 'Passed',
      summary: 'all gates',
      annotations: [
        { path: 'a', start_line: 1, end_line: 1, annotation_level: 'notice' as const, message: 'm' },
      ],
    };
    await bot.rest.checks.update({ ...R, check_run_id: data.id, conclusion: 'action_required', output });
    expect(
      await world.event(
        'check_run',
        'completed',
        (p: { check_run: { id: number } }) => p.check_run.id === data.id,
      ),
    ).toMatchObject({
      check_run: { conclusion: 'action_required', output: { title: 'Passed', annotations_count: 1 } },
    });
    const long = bot.rest.checks.update({
      ...R,
      check_run_id: data.id,
      output: { title: 't', summary: 'x'.repeat(65_536) },
    });
    expect((await refusal(long)).status).toBe(422);
    const unknown = bot.rest.checks.create({ ...R, name: 'x', head_sha: 'f'.repeat(40) });
    expect((await refusal(unknown)).status).toBe(422);
  });

  test('the newest check of a name counts', async () => {
    for (const conclusion of ['failure', 'success'] as const) {
      await bot.rest.checks.create({ ...R, name: 'twice', head_sha: main, status: 'completed', conclusion });
    }
    const { data } = await bot.rest.checks.listForRef({ ...R, ref: main, check_name: 'twice' });
    expect(data.check_runs).toMatchObject([{ conclusion: 'success' }]);
    const all = await bot.rest.checks.listForRef({ ...R, ref: main, check_name: 'twice', filter: 'all' });
    expect(all.data.total_count).toBe(2);
  });

  test('statuses are combined', async () => {
    const set = (context: string, state: 'success' | 'failure' | 'pending') =>
      bot.rest.repos.createCommitStatus({ ...R, sha: main, context, state });
    const combined = async () =>
      (await bot.rest.repos.getCombinedStatusForRef({ ...R, ref: main })).data.state;
    expect(await combined()).toBe('pending');
    await set('a', 'success');
    expect(await combined()).toBe('success');
    await set('b', 'failure');
    expect(await combined()).toBe('failure');
    await set('b', 'success');
    expect(await combined()).toBe('success');
  });
});
