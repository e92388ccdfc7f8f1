import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Checkout, R, refusal, startWorld, type World } from './harness.ts';

/** GitHub docs, pull-requests/collaborating-with-pull-requests: what becomes of a pull request when its ends move. */
let world: World;
let work: Checkout;
let main: string;
let branch: string;
let branches = 0;
beforeAll(async () => {
  world = await startWorld();
  work = await world.repository('data-scientist');
  main = await work.commit('first', { 'README.md': '# Bikes\n' });
  await work.push('main', 'main:refs/heads/next');
});
afterAll(() => world.close());
beforeEach(() => {
  branches += 1;
  branch = `life-${branches}`;
});

async function open(base = 'main', draft = false) {
  await work.git('checkout', '--quiet', '-B', branch, main);
  const head = await work.commit(`change ${branch}`, { [`${branch}.txt`]: '1' });
  await work.push(`HEAD:refs/heads/${branch}`);
  const { data } = await world
    .as('data-scientist')
    .rest.pulls.create({ ...R, title: `Pull ${branch}`, head: branch, base, draft });
  return { number: data.number, head, node: data.node_id };
}

const scientist = () => world.as('data-scientist').rest;
const lead = () => world.as('ml-lead').rest;
const setState = (pull_number: number, state: 'open' | 'closed') =>
  scientist().pulls.update({ ...R, pull_number, state });

/** The event of one pull request. */
const told = (action: string, number: number) =>
  world.event('pull_request', action, (payload: { number: number }) => payload.number === number);

describe('a draft', () => {
  test('is not merged until it is ready; both ways are events', async () => {
    const pull = await open('main', true);
    const { data } = await scientist().pulls.get({ ...R, pull_number: pull.number });
    expect(data).toMatchObject({ draft: true, mergeable_state: 'draft' });
    expect(await refusal(lead().pulls.merge({ ...R, pull_number: pull.number }))).toMatchObject({
      status: 405,
      message: expect.stringContaining('still a draft'),
    });
    // GitHub docs, graphql/reference/mutations#markpullrequestreadyforreview: REST has no way to do it.
    const ready = `mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) { pullRequest { isDraft } } }`;
    expect(await world.as('data-scientist').graphql(ready, { id: pull.node })).toEqual({
      markPullRequestReadyForReview: { pullRequest: { isDraft: false } },
    });
    expect(await told('ready_for_review', pull.number)).toMatchObject({ pull_request: { draft: false } });
    const draft = `mutation($id: ID!) { convertPullRequestToDraft(input: {pullRequestId: $id}) { pullRequest { isDraft } } }`;
    await world.as('data-scientist').graphql(draft, { id: pull.node });
    await told('converted_to_draft', pull.number);
    const reader = world.as('product-owner').graphql(draft, { id: pull.node });
    await expect(reader).rejects.toThrow(/does not have the correct permissions/);
    await expect(world.as('ml-lead').graphql(draft, { id: 'nothing' })).rejects.toThrow(/Could not resolve/);
  });
});

// Fact 24. GitHub docs, graphql: minimizeComment.
test('a comment is minimised by GraphQL', async () => {
  const bot = await world.bot();
  const { data: issue } = await bot.rest.issues.create({ ...R, title: 'fold' });
  const { data: comment } = await bot.rest.issues.createComment({
    ...R,
    issue_number: issue.number,
    body: 'old',
  });
  const fold = `mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) { minimizedComment { isMinimized minimizedReason } } }`;
  expect(await bot.graphql(fold, { id: comment.node_id })).toEqual({
    minimizeComment: { minimizedComment: { isMinimized: true, minimizedReason: 'outdated' } },
  });
  await expect(world.as('product-owner').graphql(fold, { id: comment.node_id })).rejects.toThrow(
    /permissions/,
  );
});

// Need 8. GitHub docs, rest/pulls/pulls and webhooks, `pull_request`.
describe('closed and opened again', () => {
  test('its base stays what it was, also while it is opened again', async () => {
    const pull = await open();
    await setState(pull.number, 'closed');
    const both = scientist().pulls.update({ ...R, pull_number: pull.number, base: 'next', state: 'open' });
    expect(await refusal(both)).toMatchObject({
      status: 422,
      message: expect.stringContaining('base branch of a closed pull request'),
    });
  });

  test('it catches up with a head that went on', async () => {
    const pull = await open();
    await setState(pull.number, 'closed');
    const head = await work.commit('went on', { [`${branch}.txt`]: '2' });
    await work.push(`HEAD:refs/heads/${branch}`);
    const { data } = await setState(pull.number, 'open');
    expect(data).toMatchObject({ state: 'open', head: { sha: head } });
    await told('reopened', pull.number);
  });

  test('not after a force-push, and not while another is open', async () => {
    const pull = await open();
    await setState(pull.number, 'closed');
    const second = await scientist().pulls.create({ ...R, title: 'second', head: branch, base: 'main' });
    expect(await refusal(setState(pull.number, 'open'))).toMatchObject({
      status: 422,
      message: expect.stringContaining('already an open pull request'),
    });
    await setState(second.data.number, 'closed');
    await work.git('checkout', '--quiet', '-B', branch, main);
    await work.commit('rewritten', { [`${branch}.txt`]: '3' });
    await work.push(`+HEAD:refs/heads/${branch}`);
    expect(await refusal(setState(pull.number, 'open'))).toMatchObject({
      status: 422,
      message: expect.stringContaining('force-pushed or recreated'),
    });
  });

  test('a deleted head closes it; with the branch restored it opens again', async () => {
    const pull = await open();
    await scientist().git.deleteRef({ ...R, ref: `heads/${branch}` });
    await told('closed', pull.number);
    expect(await refusal(setState(pull.number, 'open'))).toMatchObject({
      status: 422,
      message: expect.stringContaining('has been deleted'),
    });
    await scientist().git.createRef({ ...R, ref: `refs/heads/${branch}`, sha: pull.head });
    const { data } = await setState(pull.number, 'open');
    expect(data).toMatchObject({ state: 'open', merged: false });
  });

  test('what is merged stays closed', async () => {
    const pull = await open('next');
    await lead().pulls.merge({ ...R, pull_number: pull.number });
    expect((await refusal(setState(pull.number, 'open'))).status).toBe(422);
    expect((await refusal(lead().pulls.merge({ ...R, pull_number: pull.number }))).status).toBe(405);
  });
});

test('a force-push is a synchronize with the commit that is gone as before', async () => {
  const pull = await open();
  await work.git('checkout', '--quiet', '-B', branch, main);
  const after = await work.commit('other', { 'other.txt': branch });
  await work.push(`+HEAD:refs/heads/${branch}`);
  expect(await told('synchronize', pull.number)).toMatchObject({ before: pull.head, after });
});

test('another base: edited, with the former one; not to a base where its twin is', async () => {
  const pull = await open();
  const { data } = await scientist().pulls.update({ ...R, pull_number: pull.number, base: 'next' });
  expect(data.base.ref).toBe('next');
  expect(await told('edited', pull.number)).toMatchObject({
    changes: { base: { ref: { from: 'main' }, sha: { from: main } } },
  });
  await scientist().pulls.create({ ...R, title: 'twin', head: branch, base: 'main' });
  expect(
    (await refusal(scientist().pulls.update({ ...R, pull_number: pull.number, base: 'main' }))).status,
  ).toBe(422);
});

test('a branch is deleted once merged, where the setting says so', async () => {
  await world.control.call('PATCH', '/repos/acme/bikes', { delete_branch_on_merge: true });
  const pull = await open();
  const stale = lead().pulls.merge({ ...R, pull_number: pull.number, sha: main });
  expect(await refusal(stale)).toMatchObject({
    status: 409,
    message: expect.stringContaining('Head branch was modified'),
  });
  await lead().pulls.merge({ ...R, pull_number: pull.number, sha: pull.head });
  expect((await refusal(lead().git.getRef({ ...R, ref: `heads/${branch}` }))).status).toBe(404);
  const { data } = await lead().pulls.get({ ...R, pull_number: pull.number });
  expect(data).toMatchObject({ merged: true, head: { ref: branch, sha: pull.head } });
  await world.control.call('PATCH', '/repos/acme/bikes', { delete_branch_on_merge: false });
});

test('a reader proposes nothing from a branch that he cannot write to', async () => {
  const pull = await open();
  const by = world.as('product-owner').rest.pulls;
  const own = by.create({ ...R, title: 'mine', head: branch, base: 'next' });
  expect((await refusal(own)).status).toBe(403);
  expect((await refusal(by.updateBranch({ ...R, pull_number: pull.number }))).status).toBe(403);
});
