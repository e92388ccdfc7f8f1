import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Checkout, LATEST, R, refusal, startWorld, type World } from './harness.ts';

let world: World;
let work: Checkout;
beforeAll(async () => {
  world = await startWorld();
  work = await world.repository('data-scientist');
  await work.commit('first', { 'README.md': '# Bikes\n', 'shared.txt': 'a\nb\nc\n' });
  await work.push('main');
});
afterAll(() => world.close());

let branches = 0;
let branch: string;
beforeEach(() => {
  branches += 1;
  branch = `topic-${branches}`;
});

async function openPull(files: Record<string, string>, title = 'A change') {
  await work.fetch('main');
  await work.git('checkout', '--quiet', '-B', branch, 'FETCH_HEAD');
  const head = await work.commit('change', files);
  await work.push(`HEAD:refs/heads/${branch}`);
  const { data } = await world
    .as('data-scientist')
    .rest.pulls.create({ ...R, title, head: branch, base: 'main' });
  return { ...data, pull_number: data.number, head_sha: head };
}

async function onMain(files: Record<string, string>): Promise<string> {
  await work.fetch('main');
  await work.git('checkout', '--quiet', '-B', 'main-copy', 'FETCH_HEAD');
  const sha = await work.commit('on main', files);
  await work.push('HEAD:refs/heads/main');
  return sha;
}

const merge = (pull_number: number, more: object = {}) =>
  world.as('ml-lead').rest.pulls.merge({ ...R, pull_number, ...more });

describe('a pull request', () => {
  test('says what it changes', async () => {
    const pull = await openPull({ 'models/x.yml': 'a: 1\nb: 2\n', 'README.md': '# Bikes!\n' });
    expect(pull).toMatchObject({
      commits: 1,
      changed_files: 2,
      additions: 3,
      deletions: 1,
      mergeable: true,
      draft: false,
    });
    const { data } = await world.as('ml-lead').rest.pulls.listFiles({ ...R, pull_number: pull.number });
    expect(data.map(({ filename, status }) => [filename, status])).toEqual([
      ['README.md', 'modified'],
      ['models/x.yml', 'added'],
    ]);
    expect(data[0]?.patch).toBe('@@ -1 +1 @@\n-# Bikes\n+# Bikes!');
    await world.event('pull_request', 'opened', (p: { number: number }) => p.number === pull.number);
  });

  test('has refs that git can fetch, the second being the merge of base and head', async () => {
    const pull = await openPull({ 'a.txt': 'a' });
    const { data } = await (await world.bot()).rest.git.getRef({ ...R, ref: `pull/${pull.number}/merge` });
    await work.fetch(`refs/pull/${pull.number}/merge`);
    const parents = (await work.git('show', '--no-patch', '--format=%P', 'FETCH_HEAD')).split(' ');
    expect(parents).toEqual([pull.base.sha, pull.head_sha]);
    expect(await work.git('rev-parse', 'FETCH_HEAD')).toBe(data.object.sha);
    await work.fetch(`refs/pull/${pull.number}/head`);
    expect(await work.git('rev-parse', 'FETCH_HEAD')).toBe(pull.head_sha);
  });

  test('follows its head: synchronize with before and after', async () => {
    const pull = await openPull({ 'b.txt': 'b' });
    const after = await work.commit('more', { 'b.txt': 'bb' });
    await work.push(`HEAD:refs/heads/${branch}`);
    const payload = await world.event(
      'pull_request',
      'synchronize',
      (p: { after: string }) => p.after === after,
    );
    expect(payload).toMatchObject({
      number: pull.number,
      before: pull.head_sha,
      pull_request: { head: { sha: after } },
    });
  });

  test('follows its base: the test merge is made anew, without an event', async () => {
    const pull = await openPull({ 'c.txt': 'c' });
    const base = await onMain({ 'd.txt': 'd' });
    const { data } = await world.as('ml-lead').rest.git.getRef({ ...R, ref: `pull/${pull.number}/merge` });
    const commit = await world.as('ml-lead').rest.git.getCommit({ ...R, commit_sha: data.object.sha });
    expect(commit.data.parents.map(({ sha }) => sha)).toEqual([base, pull.head_sha]);
    const events = world.hook.events.filter(
      ({ name, action }) => name === 'pull_request' && action === 'synchronize',
    );
    expect(events.some(({ body }) => body.includes(`"number":${pull.number},`))).toBe(false);
  });

  test('is asked for once per head and base, and needs a difference', async () => {
    await openPull({ 'e.txt': 'e' });
    const again = world.as('ml-lead').rest.pulls.create({ ...R, title: 'x', head: branch, base: 'main' });
    expect(await refusal(again)).toMatchObject({
      status: 422,
      message: expect.stringContaining('already exists'),
    });
    const empty = world.as('ml-lead').rest.pulls.create({ ...R, title: 'x', head: 'main', base: 'main' });
    expect(await refusal(empty)).toMatchObject({
      status: 422,
      message: expect.stringContaining('No commits between'),
    });
    const unknown = world
      .as('ml-lead')
      .rest.pulls.create({ ...R, title: 'x', head: 'nowhere', base: 'main' });
    expect((await refusal(unknown)).status).toBe(422);
  });

  test('is closed when its branch is deleted, opened again when it is back', async () => {
    const pull = await openPull({ 'f.txt': 'f' });
    await work.push(`:refs/heads/${branch}`);
    await world.event('pull_request', 'closed', (p: { number: number }) => p.number === pull.number);
    const { data } = await world.as('ml-lead').rest.pulls.get({ ...R, pull_number: pull.number });
    expect(data).toMatchObject({ state: 'closed', merged: false });
    const again = world.as('ml-lead').rest.pulls.update({ ...R, pull_number: pull.number, state: 'open' });
    expect((await refusal(again)).status).toBe(422);
    await work.push(`HEAD:refs/heads/${branch}`);
    await world.as('ml-lead').rest.pulls.update({ ...R, pull_number: pull.number, state: 'open' });
    await world.event('pull_request', 'reopened', (p: { number: number }) => p.number === pull.number);
  });

  test('can be found by head', async () => {
    const pull = await openPull({ 'g.txt': 'g' });
    const { data } = await world
      .as('ml-lead')
      .rest.pulls.list({ ...R, head: `acme:${branch}`, state: 'all' });
    expect(data.map(({ number }) => number)).toEqual([pull.number]);
  });
});

describe('merging', () => {
  test('makes a merge commit, closes, tells and moves the base', async () => {
    const pull = await openPull({ 'm.txt': 'm' }, 'Merge me');
    const { data } = await merge(pull.number, { sha: pull.head_sha });
    await work.fetch('main');
    expect(await work.git('rev-parse', 'FETCH_HEAD')).toBe(data.sha);
    expect(await work.git('log', '-1', '--format=%s', 'FETCH_HEAD')).toBe(
      `Merge pull request #${pull.number} from acme/${branch}`,
    );
    const closed = await world.event(
      'pull_request',
      'closed',
      (p: { number: number }) => p.number === pull.number,
    );
    expect(closed).toMatchObject({
      pull_request: { merged: true, merge_commit_sha: data.sha, merged_by: { login: 'ml-lead' } },
    });
    await world.event('push', undefined, (p: { after: string }) => p.after === data.sha);
    const found = await world
      .as('ml-lead')
      .rest.repos.listPullRequestsAssociatedWithCommit({ ...R, commit_sha: data.sha });
    expect(found.data.map(({ number }) => number)).toEqual([pull.number]);
  });

  test('of a head that moved is 409', async () => {
    const pull = await openPull({ 'n.txt': 'n' });
    await work.commit('more', { 'n.txt': 'nn' });
    await work.push(`HEAD:refs/heads/${branch}`);
    expect(await refusal(merge(pull.number, { sha: pull.head_sha }))).toMatchObject({
      status: 409,
      message: expect.stringContaining('Head branch was modified'),
    });
  });

  test('of a conflict is 405, and there is no merge ref', async () => {
    const pull = await openPull({ 'shared.txt': 'a\nours\nc\n' });
    await onMain({ 'shared.txt': `a\ntheirs ${branch}\nc\n` });
    const { data } = await world.as('ml-lead').rest.pulls.get({ ...R, pull_number: pull.number });
    expect(data).toMatchObject({ mergeable: false, mergeable_state: 'dirty' });
    expect((await refusal(merge(pull.number))).status).toBe(405);
    const ref = world.as('ml-lead').rest.git.getRef({ ...R, ref: `pull/${pull.number}/merge` });
    expect((await refusal(ref)).status).toBe(404);
    const update = world.as('ml-lead').rest.pulls.updateBranch({ ...R, pull_number: pull.number });
    expect((await refusal(update)).status).toBe(422);
  });

  test('a squash is one commit on the base by the author', async () => {
    const pull = await openPull({ 'q.txt': 'q' }, 'Squash me');
    await work.commit('second', { 'q.txt': 'qq' });
    await work.push(`HEAD:refs/heads/${branch}`);
    const { data } = await merge(pull.number, { merge_method: 'squash' });
    await work.fetch('main');
    expect(await work.git('log', '-1', '--format=%s|%an|%p', 'FETCH_HEAD')).toMatch(
      new RegExp(`^Squash me \\(#${pull.number}\\)\\|data-scientist\\|[0-9a-f]+$`),
    );
    expect(await work.git('rev-parse', 'FETCH_HEAD')).toBe(data.sha);
  });

  test('a rebase puts every commit on the base', async () => {
    const pull = await openPull({ 'r.txt': 'r' });
    await work.commit('second of the rebase', { 'r.txt': 'rr' });
    await work.push(`HEAD:refs/heads/${branch}`);
    const base = await onMain({ 'beside.txt': branch });
    await merge(pull.number, { merge_method: 'rebase' });
    await work.fetch('main');
    expect(await work.git('log', '--format=%s', `${base}..FETCH_HEAD`)).toBe('second of the rebase\nchange');
    expect(await work.git('show', 'FETCH_HEAD:beside.txt')).toBe(branch);
    expect(await work.git('show', 'FETCH_HEAD:r.txt')).toBe('rr');
  });

  test('by git alone counts too', async () => {
    const pull = await openPull({ 's.txt': 's' });
    await work.push('HEAD:refs/heads/main');
    const { data } = await world.as('ml-lead').rest.pulls.get({ ...R, pull_number: pull.number });
    expect(data).toMatchObject({ merged: true, state: 'closed' });
  });

  test('two at once: both are merged or refused, none is lost', async () => {
    const one = await openPull({ 'two-1.txt': '1' });
    branch = `${branch}-b`;
    const two = await openPull({ 'two-2.txt': '2' });
    await Promise.all([merge(one.number), merge(two.number)]);
    await work.fetch('main');
    expect(await work.git('show', 'FETCH_HEAD:two-1.txt')).toBe('1');
    expect(await work.git('show', 'FETCH_HEAD:two-2.txt')).toBe('2');
  });

  // GitHub docs, available-rules-for-rulesets: a check bound to an app counts only from that app.
  test('waits for the checks that a ruleset requires of the app', async () => {
    const app = world.secrets.app.id;
    const parameters = { required_status_checks: [{ context: 'roundhouse/gate', integration_id: app }] };
    const rules = [{ type: 'required_status_checks', parameters }];
    await world.control.call('PUT', '/rulesets/acme/bikes', [
      { name: 'gate', target: 'branch', include: ['~DEFAULT_BRANCH'], rules },
    ]);
    const pull = await openPull({ 't.txt': 't' });
    expect(pull.mergeable_state).toBe('blocked');
    expect(await refusal(merge(pull.number))).toMatchObject({
      status: 405,
      message: expect.stringContaining('Required status check "roundhouse/gate" is expected'),
    });
    const bot = await world.bot();
    const check = { ...R, name: 'roundhouse/gate', head_sha: pull.head_sha, status: 'completed' } as const;
    await bot.rest.checks.create({ ...check, conclusion: 'failure' });
    expect((await refusal(merge(pull.number))).status).toBe(405);
    await bot.rest.checks.create({ ...check, conclusion: 'success' });
    await merge(pull.number);
    await world.control.call('PUT', '/rulesets/acme/bikes', []);
  });
});

// Need 6. GitHub docs, rest/pulls/pulls.
test('update-branch merges the base into the head', async () => {
  const pull = await openPull({ 'u.txt': 'u' });
  const base = await onMain({ 'v.txt': 'v' });
  await world
    .as('data-scientist')
    .rest.pulls.updateBranch({ ...R, pull_number: pull.number, expected_head_sha: pull.head_sha });
  const { data } = await world.as('ml-lead').rest.pulls.get({ ...R, pull_number: pull.number });
  const commit = await world.as('ml-lead').rest.git.getCommit({ ...R, commit_sha: data.head.sha });
  expect(commit.data.parents.map(({ sha }) => sha)).toEqual([pull.head_sha, base]);
});

describe('reviews', () => {
  test('hold the commit they were given for, and can be dismissed', async () => {
    const pull = await openPull({ 'w.txt': 'w' });
    const lead = world.as('ml-lead');
    const bot = await world.bot();
    await bot.rest.pulls.requestReviewers({ ...R, pull_number: pull.number, reviewers: ['ml-lead'] });
    await world.event('pull_request', 'review_requested');
    const { data } = await lead.rest.pulls.createReview({ ...R, pull_number: pull.number, event: 'APPROVE' });
    expect(data).toMatchObject({ state: 'APPROVED', commit_id: pull.head_sha });
    expect(await world.event('pull_request_review', 'submitted')).toMatchObject({
      review: { state: 'approved' },
    });
    await lead.rest.pulls.dismissReview({
      ...R,
      pull_number: pull.number,
      review_id: data.id,
      message: 'stale',
    });
    await world.event('pull_request_review', 'dismissed');
  });

  // Fact 26. GitHub docs, approving-a-pull-request-with-required-reviews.
  test('nobody approves his own pull request', async () => {
    const pull = await openPull({ 'y.txt': 'y' });
    const own = world
      .as('data-scientist')
      .rest.pulls.createReview({ ...R, pull_number: pull.number, event: 'APPROVE' });
    expect(await refusal(own)).toMatchObject({
      status: 422,
      message: expect.stringContaining('own pull request'),
    });
  });
});

// Fact 14, need 19. GitHub docs, breaking-changes: the changelog of breaking changes of version 2026-03-10.
test('version 2026-03-10 has no merge_commit_sha and no single assignee', async () => {
  const pull = await openPull({ 'z.txt': 'z' });
  const get = (version: string) =>
    world.as('ml-lead').request('GET /repos/{owner}/{repo}/pulls/{pull_number}', {
      ...{ ...R, pull_number: pull.number, headers: { 'x-github-api-version': version } },
    });
  const [old, latest] = [await get('2022-11-28'), await get(LATEST)];
  expect(old.data).toHaveProperty('merge_commit_sha');
  expect(old.data).toHaveProperty('assignee');
  expect(latest.data).not.toHaveProperty('merge_commit_sha');
  expect(latest.data).not.toHaveProperty('assignee');
  expect(latest.data).toHaveProperty('assignees');
  expect((await refusal(get('2019-01-01'))).status).toBe(400);
});
