import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Checkout, checkout, R, refusal, startWorld, WORKFLOW, type World } from './harness.ts';

let world: World;
let work: Checkout;
let first: string;
beforeAll(async () => {
  world = await startWorld();
  work = await world.repository('ml-lead');
  first = await work.commit('first', { 'README.md': '# Bikes\n', '.github/workflows/train.yml': WORKFLOW });
  await work.push('main');
});
afterAll(() => world.close());

async function botCommit(files: Record<string, string>, parent: string) {
  const bot = await world.bot();
  const tree = await bot.rest.git.createTree({
    ...R,
    base_tree: parent,
    tree: Object.entries(files).map(([path, content]) => ({ path, content, mode: '100644', type: 'blob' })),
  });
  const { data } = await bot.rest.git.createCommit({
    ...R,
    message: 'by the app',
    tree: tree.data.sha,
    parents: [parent],
  });
  return data;
}

describe('git over HTTP', () => {
  test('what was pushed can be cloned by another person', async () => {
    const other = await checkout(world.dir, world.github.url, world.secrets.tokens['data-scientist'] ?? '');
    await other.fetch('main');
    expect(await other.git('rev-parse', 'FETCH_HEAD')).toBe(first);
  });

  test('a large push works, and git’s empty probe before it is no event', async () => {
    const sha = await work.commit('large', { 'big.bin': 'x'.repeat(3_000_000) + Math.random() });
    await work.git('-c', 'http.postBuffer=65536', 'push', '--quiet', work.remote, 'main:refs/heads/large');
    const payload = await world.event(
      'push',
      undefined,
      (p: { ref: string }) => p.ref === 'refs/heads/large',
    );
    expect(payload).toMatchObject({ after: sha, created: true, forced: false });
    expect(
      world.hook.events.filter(({ name, body }) => name === 'push' && body.includes('heads/large')),
    ).toHaveLength(1);
    await work.git('reset', '--quiet', '--hard', first);
  });

  test('a reader, a wrong token and nobody are refused', async () => {
    const reader = await world.repository('product-owner');
    await reader.commit('r', { r: 'r' });
    await expect(reader.push('HEAD:refs/heads/reader')).rejects.toThrow(/403/);
    const stranger = await checkout(world.dir, world.github.url, 'ghp_wrong');
    await expect(stranger.fetch('main')).rejects.toThrow(/Authentication failed|401/);
  });

  test('refs/pull is not for pushers', async () => {
    await expect(work.push('main:refs/pull/9/head')).rejects.toThrow(/hidden ref/);
  });

  test('a push tells the actor, the commits and their files', async () => {
    const sha = await work.commit('add a model', { 'models/bikes/model.yml': 'a: 1\n' });
    await work.push('HEAD:refs/heads/model');
    const payload = await world.event(
      'push',
      undefined,
      (p: { ref: string }) => p.ref === 'refs/heads/model',
    );
    expect(payload).toMatchObject({
      sender: { login: 'ml-lead' },
      head_commit: { id: sha, added: ['models/bikes/model.yml'], modified: [], removed: [] },
      commits: [{ id: sha }],
    });
    await work.git('reset', '--quiet', '--hard', first);
  });

  test('more than three tags in one push are silent', async () => {
    for (const at of [1, 2, 3, 4]) await work.git('tag', `many-${at}`);
    await work.push('--tags');
    await work.git('tag', 'single');
    await work.push('single');
    await world.event('push', undefined, (p: { ref: string }) => p.ref === 'refs/tags/single');
    expect(world.hook.events.some(({ body }) => body.includes('many-1'))).toBe(false);
  });
});

// Fact 3. GitHub docs, rest/git/refs: 422.
describe('refs by the API are compare-and-swap', () => {
  test('creating what exists is 422', async () => {
    const bot = await world.bot();
    await bot.rest.git.createRef({ ...R, ref: 'refs/heads/claim', sha: first });
    const again = await refusal(bot.rest.git.createRef({ ...R, ref: 'refs/heads/claim', sha: first }));
    expect(again).toMatchObject({
      status: 422,
      message: expect.stringContaining('Reference already exists'),
    });
  });

  test('of many that create one ref at once, one wins', async () => {
    const bot = await world.bot();
    const tries = Array.from({ length: 8 }, () =>
      bot.rest.git.createRef({ ...R, ref: 'refs/tags/bikes#production#1', sha: first }).then(
        () => 'won',
        (error: { status: number }) => error.status,
      ),
    );
    const outcomes = await Promise.all(tries);
    expect(outcomes.filter((one) => one === 'won')).toHaveLength(1);
    expect(outcomes.filter((one) => one === 422)).toHaveLength(7);
  });

  test('of two updates from one parent, one wins', async () => {
    const bot = await world.bot();
    await bot.rest.git.createRef({ ...R, ref: 'refs/heads/state', sha: first });
    const [a, b] = [await botCommit({ a: 'a' }, first), await botCommit({ b: 'b' }, first)];
    const update = (sha: string) => bot.rest.git.updateRef({ ...R, ref: 'heads/state', sha, force: false });
    const settled = await Promise.allSettled([update(a.sha), update(b.sha)]);
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const lost = settled.find((one) => one.status === 'rejected');
    expect(lost?.reason).toMatchObject({
      status: 422,
      message: expect.stringContaining('not a fast forward'),
    });
  });

  // Fact 19. GitHub docs, rest/git/refs: matching references.
  test('names with # and @ are found by prefix', async () => {
    const bot = await world.bot();
    await bot.rest.git.createRef({ ...R, ref: 'refs/tags/bikes@v1.0.0', sha: first });
    const { data } = await bot.rest.git.listMatchingRefs({ ...R, ref: 'tags/bikes@' });
    expect(data.map(({ ref }) => ref)).toEqual(['refs/tags/bikes@v1.0.0']);
    const one = await bot.rest.git.getRef({ ...R, ref: 'tags/bikes#production#1' });
    expect(one.data.object.sha).toBe(first);
  });

  test('an annotated tag keeps its message', async () => {
    const bot = await world.bot();
    const message = 'model: bikes\nversion: 1.1.0\n';
    const { data: tag } = await bot.rest.git.createTag({
      ...R,
      tag: 'bikes@v1.1.0',
      message,
      object: first,
      type: 'commit',
    });
    await bot.rest.git.createRef({ ...R, ref: 'refs/tags/bikes@v1.1.0', sha: tag.sha });
    const found = await bot.rest.git.getTag({ ...R, tag_sha: tag.sha });
    expect(found.data).toMatchObject({
      tag: 'bikes@v1.1.0',
      message,
      object: { sha: first, type: 'commit' },
    });
    await work.fetch('tag', 'bikes@v1.1.0');
    expect(await work.git('tag', '-l', '--format=%(contents)', 'bikes@v1.1.0')).toContain('version: 1.1.0');
  });
});

describe('commits made by the API', () => {
  // Fact 20. GitHub docs, about-commit-signature-verification, "Signature verification for bots".
  test('are verified when an app names no author', async () => {
    const commit = await botCommit({ 'models/bikes/data.lock': 'x' }, first);
    expect(commit).toMatchObject({
      verification: { verified: true, reason: 'valid' },
      author: {
        name: 'roundhouse[bot]',
        email: expect.stringContaining('+roundhouse[bot]@users.noreply.github.com'),
      },
    });
    const bot = await world.bot();
    const own = await bot.rest.git.createCommit({
      ...{ ...R, message: 'm', tree: commit.tree.sha, parents: [first] },
      author: { name: 'X', email: 'x@example.org' },
    });
    expect(own.data.verification.verified).toBe(false);
  });

  test('contents: the old blob must be known', async () => {
    const person = world.as('data-scientist');
    const put = (content: string, sha?: string) =>
      person.rest.repos.createOrUpdateFileContents({
        ...{ ...R, path: 'notes/a b#.md', branch: 'claim', message: 'm' },
        content: Buffer.from(content).toString('base64'),
        ...(sha ? { sha } : {}),
      });
    const made = await put('one');
    expect((await refusal(put('two'))).status).toBe(422);
    expect((await refusal(put('two', first))).status).toBe(409);
    await put('two', made.data.content?.sha);
    const { data } = await person.rest.repos.getContent({ ...R, path: 'notes/a b#.md', ref: 'claim' });
    expect(Buffer.from((data as { content: string }).content, 'base64').toString()).toBe('two');
  });

  test('trees refuse paths that leave the repository', async () => {
    const bot = await world.bot();
    for (const path of ['../x', 'a/.git/config', '/etc/passwd', 'a//b']) {
      const made = bot.rest.git.createTree({
        ...R,
        tree: [{ path, mode: '100644', type: 'blob', content: 'x' }],
      });
      expect((await refusal(made)).status, path).toBe(422);
    }
  });
});

// Fact 2. Seen in mkb79/Audible#882, mathieudutour/github-tag-action#138, cli/cli#9514.
describe('a ref at a commit with other workflow files needs the permission `workflows`', () => {
  let old: string;
  beforeAll(async () => {
    old = first;
    await work.commit('bump a pin', { '.github/workflows/train.yml': WORKFLOW.replace('Train', 'Train 2') });
    for (const branch of ['large', 'model', 'claim', 'state']) await work.push(`:refs/heads/${branch}`);
    await work.push('main');
  });

  test('REST: 403 with the header that says so', async () => {
    const bot = await world.bot();
    const refused = await refusal(
      bot.rest.git.createRef({ ...R, ref: 'refs/tags/bikes#production#9', sha: old }),
    );
    expect(refused.status).toBe(403);
    expect(refused.headers['x-accepted-github-permissions']).toBe(
      'contents=write; contents=write,workflows=write',
    );
  });

  test('git: the push of an app is refused in git’s words', async () => {
    const bot = await world.bot();
    const { token } = (await bot.auth({ type: 'installation' })) as { token: string };
    const mine = await checkout(world.dir, world.github.url, token);
    await mine.fetch('main', `+${old}`);
    await mine.git('tag', 'late', old);
    await expect(mine.push('late')).rejects.toThrow(
      /refusing to allow a GitHub App to create or update workflow/,
    );
  });

  test('a tree without workflow files is accepted, so is the head, so is a person', async () => {
    const bot = await world.bot();
    const tree = await bot.rest.git.createTree({
      ...{ ...R, tree: [{ path: 'audit.jsonl', mode: '100644', type: 'blob', content: '{}\n' }] },
    });
    const { data } = await bot.rest.git.createCommit({ ...R, message: 'state', tree: tree.data.sha });
    await bot.rest.git.createRef({ ...R, ref: 'refs/heads/roundhouse', sha: data.sha });
    await bot.rest.git.createRef({ ...R, ref: 'refs/tags/bikes#production#10', sha: data.sha });
    const head = await work.git('rev-parse', 'main');
    await bot.rest.git.createRef({ ...R, ref: 'refs/tags/bikes@v2.0.0', sha: head });
    await world.as('ml-lead').rest.git.createRef({ ...R, ref: 'refs/tags/by-a-person', sha: old });
  });
});

// GitHub docs, available-rules-for-rulesets: only the app is a bypass actor here; GITHUB_TOKEN never can be.
test('rulesets: tags and the state branch are the app’s alone', async () => {
  const rules = ['creation', 'update', 'deletion'].map((type) => ({ type }));
  await world.control.call('PUT', '/rulesets/acme/bikes', [
    {
      name: 'registry',
      target: 'tag',
      include: ['refs/tags/*@v*', 'refs/tags/*#*'],
      rules,
      bypass_apps: [world.secrets.app.id],
    },
  ]);
  const head = await work.git('rev-parse', 'main');
  const person = world.as('ml-lead').rest.git.createRef({ ...R, ref: 'refs/tags/bikes@v9.9.9', sha: head });
  expect(await refusal(person)).toMatchObject({
    status: 422,
    message: expect.stringContaining('rule violations'),
  });
  await work.git('tag', 'bikes@v9.9.9', head);
  await expect(work.push('bikes@v9.9.9')).rejects.toThrow(/rule violations/);
  const packed = await fetch(`${world.github.url}/acme/bikes.git/git-receive-pack`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`x:${world.secrets.tokens['ml-lead']}`).toString('base64')}`,
      ...{ 'content-type': 'application/x-git-receive-pack-request', 'content-encoding': 'gzip' },
    },
    body: 'x',
  });
  expect(packed.status).toBe(415);
  await (await world.bot()).rest.git.createRef({ ...R, ref: 'refs/tags/bikes@v9.9.9', sha: head });
  await world.control.call('PUT', '/rulesets/acme/bikes', []);
});
