import { afterAll, beforeAll, expect, test } from 'vitest';
import { R, refusal, startWorld, type World } from './harness.ts';

/** GitHub docs, rest/pulls/reviews and rest/pulls/comments. */
let world: World;
let P: typeof R & { pull_number: number };
let head: string;
beforeAll(async () => {
  world = await startWorld();
  const work = await world.repository('data-scientist');
  await work.commit('first', { 'a.txt': '1\n2\n3\n4\n5\n6\n7\n8\n9\n' });
  await work.push('main');
  await work.git('checkout', '--quiet', '-B', 'topic');
  head = await work.commit('change', { 'a.txt': '1\n2\n3\nfour\n5\n6\n7\n8\n9\n' });
  await work.push('HEAD:refs/heads/topic');
  const { data } = await world
    .as('data-scientist')
    .rest.pulls.create({ ...R, title: 'T', head: 'topic', base: 'main' });
  P = { ...R, pull_number: data.number };
});
afterAll(() => world.close());

test('a review waits for its author until it is submitted; one at a time', async () => {
  const [lead, author] = [world.as('ml-lead').rest.pulls, world.as('data-scientist').rest.pulls];
  const comments = [{ path: 'a.txt', line: 4, body: 'why in words?' }];
  const { data: review } = await lead.createReview({ ...P, comments });
  expect(review.state).toBe('PENDING');
  expect((await refusal(lead.createReview({ ...P }))).message).toContain('only have one pending review');
  expect((await author.listReviews(P)).data).toEqual([]);
  expect((await author.listReviewComments(P)).data).toEqual([]);
  expect((await refusal(author.getReview({ ...P, review_id: review.id }))).status).toBe(404);
  const submit = { ...P, review_id: review.id, event: 'REQUEST_CHANGES', body: 'one question' } as const;
  const { data } = await lead.submitReview(submit);
  expect(data).toMatchObject({ state: 'CHANGES_REQUESTED', commit_id: head, body: 'one question' });
  expect(await world.event('pull_request_review', 'submitted')).toMatchObject({
    review: { state: 'changes_requested' },
  });
  const { data: shown } = await author.listReviewComments(P);
  expect(shown).toMatchObject([{ line: 4, side: 'RIGHT', pull_request_review_id: review.id }]);
  expect(shown[0]?.diff_hunk).toMatch(/^@@ .*\n[\s\S]*\+four$/);
  expect((await refusal(lead.submitReview(submit))).status).toBe(422);
  expect((await refusal(lead.deletePendingReview({ ...P, review_id: review.id }))).status).toBe(422);
  await lead.updateReview({ ...P, review_id: review.id, body: 'two questions' });
  expect(await world.event('pull_request_review', 'edited')).toMatchObject({
    changes: { body: { from: 'one question' } },
  });
  expect((await refusal(author.updateReview({ ...P, review_id: review.id, body: 'mine' }))).status).toBe(403);
});

test('a pending review is thrown away with its comments', async () => {
  const lead = world.as('ml-lead').rest.pulls;
  const { data } = await lead.createReview({ ...P, comments: [{ path: 'a.txt', line: 4, body: 'x' }] });
  await lead.deletePendingReview({ ...P, review_id: data.id });
  expect((await refusal(lead.getReview({ ...P, review_id: data.id }))).status).toBe(404);
});

test('comments stand on lines of the diff and are answered, edited, deleted', async () => {
  const lead = world.as('ml-lead').rest.pulls;
  const on = { ...P, commit_id: head, path: 'a.txt', body: 'here' };
  const { data } = await lead.createReviewComment({ ...on, line: 4, side: 'LEFT' });
  expect(data.diff_hunk).toMatch(/-4$/);
  await expect(lead.createReviewComment({ ...on, line: 9 })).rejects.toThrow(/must be part of the diff/);
  expect((await refusal(lead.createReviewComment({ ...on, path: 'none', line: 1 }))).status).toBe(422);
  const { data: answer } = await world
    .as('data-scientist')
    .rest.pulls.createReplyForReviewComment({ ...P, comment_id: data.id, body: 'because' });
  expect(answer.in_reply_to_id).toBe(data.id);
  await lead.updateReviewComment({ ...R, comment_id: data.id, body: 'there' });
  await lead.deleteReviewComment({ ...R, comment_id: answer.id });
  const reader = world.as('product-owner').rest.pulls;
  expect((await refusal(reader.deleteReviewComment({ ...R, comment_id: data.id }))).status).toBe(403);
});

test('who is asked for a review is no longer asked once it is there; not the author, not a stranger', async () => {
  const lead = world.as('ml-lead').rest.pulls;
  await lead.requestReviewers({ ...P, reviewers: ['product-owner'] });
  expect((await refusal(lead.requestReviewers({ ...P, reviewers: ['data-scientist'] }))).status).toBe(422);
  expect((await refusal(lead.requestReviewers({ ...P, reviewers: ['nobody'] }))).status).toBe(422);
  await world.as('product-owner').rest.pulls.createReview({ ...P, event: 'COMMENT', body: 'seen' });
  expect((await lead.listRequestedReviewers(P)).data.users).toEqual([]);
  const empty = world.as('ml-lead').rest.pulls.createReview({ ...P, event: 'COMMENT' });
  expect((await refusal(empty)).message).toContain('blank');
});
