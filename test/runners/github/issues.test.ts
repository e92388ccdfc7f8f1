import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { R, refusal, startWorld, type World } from './harness.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

async function newIssue(title: string, body = '') {
  const { data } = await world.as('product-owner').rest.issues.create({ ...R, title, body });
  return data;
}

describe('issues', () => {
  test('tell the app when they are opened, edited, closed and opened again', async () => {
    const { number } = await newIssue('Predict rentals', 'old');
    await world.event('issues', 'opened');
    const owner = world.as('product-owner');
    await owner.rest.issues.update({ ...R, issue_number: number, body: 'new' });
    expect(await world.event('issues', 'edited')).toMatchObject({
      changes: { body: { from: 'old' } },
      issue: { body: 'new' },
      sender: { login: 'product-owner' },
    });
    await owner.rest.issues.update({
      ...R,
      issue_number: number,
      state: 'closed',
      state_reason: 'completed',
    });
    expect(await world.event('issues', 'closed')).toMatchObject({
      issue: { state: 'closed', state_reason: 'completed' },
    });
    await owner.rest.issues.update({ ...R, issue_number: number, state: 'open' });
    await world.event('issues', 'reopened');
  });

  test('share their numbers with pull requests and are listed newest first, by page', async () => {
    const numbers: number[] = [];
    for (const at of [1, 2, 3, 4, 5]) numbers.push((await newIssue(`page ${at}`)).number);
    const bot = await world.bot();
    const one = await bot.rest.issues.listForRepo({ ...R, per_page: 2, creator: 'product-owner' });
    expect(one.data.map(({ number }) => number)).toEqual(numbers.slice(-2).reverse());
    expect(one.headers.link).toMatch(/rel="next".*rel="last"/);
    const all = await bot.paginate(bot.rest.issues.listForRepo, { ...R, per_page: 2, state: 'all' });
    expect(new Set(all.map(({ number }) => number)).size).toBe(all.length);
    expect(all.length).toBeGreaterThanOrEqual(6);
  });

  test('labels: made on the way, filtered by, removed', async () => {
    const { number } = await newIssue('labelled');
    const bot = await world.bot();
    await bot.rest.issues.addLabels({ ...R, issue_number: number, labels: ['ml: incident'] });
    expect(await world.event('issues', 'labeled')).toMatchObject({ label: { name: 'ml: incident' } });
    const { data } = await bot.rest.issues.listForRepo({ ...R, labels: 'ml: incident' });
    expect(data.map((one) => one.number)).toEqual([number]);
    await bot.rest.issues.removeLabel({ ...R, issue_number: number, name: 'ml: incident' });
    const { data: left } = await bot.rest.issues.listForRepo({ ...R, labels: 'ml: incident' });
    expect(left).toEqual([]);
  });

  test('a reader changes his own and no other’s', async () => {
    const bot = await world.bot();
    const { data } = await bot.rest.issues.create({ ...R, title: 'by the app' });
    expect(data.user).toMatchObject({ login: 'roundhouse[bot]', type: 'Bot' });
    expect(data.performed_via_github_app?.slug).toBe('roundhouse');
    const edit = world.as('product-owner').rest.issues.update({ ...R, issue_number: data.number, body: 'x' });
    expect((await refusal(edit)).status).toBe(403);
  });

  test('milestones gather issues', async () => {
    const bot = await world.bot();
    const { data } = await bot.rest.issues.createMilestone({ ...R, title: 'bikes v1' });
    const { number } = await newIssue('in a milestone');
    await bot.rest.issues.update({ ...R, issue_number: number, milestone: data.number });
    const again = await bot.rest.issues.getMilestone({ ...R, milestone_number: data.number });
    expect(again.data.open_issues).toBe(1);
    expect((await refusal(bot.rest.issues.createMilestone({ ...R, title: 'bikes v1' }))).status).toBe(422);
  });
});

describe('comments', () => {
  // Fact 25. GitHub docs, webhook-events-and-payloads (changes.body.from): a ticked box is an edit by the person, with the former text.
  test('a box ticked by a person is an edit that carries what was there', async () => {
    const { number } = await newIssue('boxes');
    const bot = await world.bot();
    const { data } = await bot.rest.issues.createComment({
      ...R,
      issue_number: number,
      body: '- [ ] train\n',
    });
    await world.as('ml-lead').rest.issues.updateComment({ ...R, comment_id: data.id, body: '- [x] train\n' });
    const payload = await world.event('issue_comment', 'edited');
    expect(payload).toMatchObject({
      sender: { login: 'ml-lead', type: 'User' },
      changes: { body: { from: '- [ ] train\n' } },
      comment: { body: '- [x] train\n', user: { login: 'roundhouse[bot]' } },
    });
    const { data: now } = await bot.rest.issues.getComment({ ...R, comment_id: data.id });
    expect(now.body).toBe('- [x] train\n');
    const reader = world
      .as('product-owner')
      .rest.issues.updateComment({ ...R, comment_id: data.id, body: 'mine' });
    expect((await refusal(reader)).status).toBe(403);
  });

  test('are at most 65,536 characters long', async () => {
    const { number } = await newIssue('long');
    const bot = await world.bot();
    await bot.rest.issues.createComment({ ...R, issue_number: number, body: '€'.repeat(65_536) });
    const long = bot.rest.issues.createComment({ ...R, issue_number: number, body: 'x'.repeat(65_537) });
    expect(await refusal(long)).toMatchObject({
      status: 422,
      message: expect.stringContaining('body is too long'),
    });
  });

  test('are listed in order, by page and since a time', async () => {
    const { number } = await newIssue('many comments');
    const bot = await world.bot();
    for (let at = 0; at < 35; at++)
      await bot.rest.issues.createComment({ ...R, issue_number: number, body: `c${at}` });
    const all = await bot.paginate(bot.rest.issues.listComments, { ...R, issue_number: number });
    expect(all.map(({ body }) => body)).toEqual(Array.from({ length: 35 }, (_, at) => `c${at}`));
    const future = new Date(Date.now() + 60_000).toISOString();
    const { data } = await bot.rest.issues.listComments({ ...R, issue_number: number, since: future });
    expect(data).toEqual([]);
  });

  test('one reaction per person and kind', async () => {
    const { number } = await newIssue('reactions');
    const bot = await world.bot();
    const { data } = await bot.rest.issues.createComment({ ...R, issue_number: number, body: 'x' });
    const react = () =>
      bot.rest.reactions.createForIssueComment({ ...R, comment_id: data.id, content: 'eyes' });
    expect((await react()).status).toBe(201);
    expect((await react()).status).toBe(200);
    const { data: now } = await bot.rest.issues.getComment({ ...R, comment_id: data.id });
    expect(now.reactions).toMatchObject({ total_count: 1, eyes: 1 });
  });

  test('deleted is gone, and told', async () => {
    const { number } = await newIssue('delete');
    const bot = await world.bot();
    const { data } = await bot.rest.issues.createComment({ ...R, issue_number: number, body: 'x' });
    await bot.rest.issues.deleteComment({ ...R, comment_id: data.id });
    await world.event('issue_comment', 'deleted');
    expect((await refusal(bot.rest.issues.getComment({ ...R, comment_id: data.id }))).status).toBe(404);
  });
});

test('what has not changed is 304 and costs no body', async () => {
  const { number } = await newIssue('etag');
  const url = `${world.github.url}/api/v3/repos/acme/bikes/issues/${number}`;
  const headers = { authorization: `Bearer ${world.secrets.tokens['ml-lead']}` };
  const first = await fetch(url, { headers });
  const etag = first.headers.get('etag') ?? '';
  const second = await fetch(url, { headers: { ...headers, 'if-none-match': etag } });
  expect(second.status).toBe(304);
  expect(second.headers.get('x-ratelimit-used')).toBe(first.headers.get('x-ratelimit-used'));
  expect(await second.text()).toBe('');
  await world.as('product-owner').rest.issues.update({ ...R, issue_number: number, title: 'etag 2' });
  expect((await fetch(url, { headers: { ...headers, 'if-none-match': etag } })).status).toBe(200);
});

test('a refused change changes nothing', async () => {
  const { number } = await newIssue('as it was');
  const change = world
    .as('ml-lead')
    .rest.issues.update({ ...R, issue_number: number, title: 'changed', milestone: 999 });
  expect((await refusal(change)).status).toBe(422);
  expect((await world.as('ml-lead').rest.issues.get({ ...R, issue_number: number })).data.title).toBe(
    'as it was',
  );
});

test('faults in a body are named', async () => {
  const bad = world.as('ml-lead').request('POST /repos/{owner}/{repo}/issues', { ...R, title: '' });
  expect(await refusal(bad)).toMatchObject({ status: 422, message: expect.stringContaining('title') });
  const response = await fetch(`${world.github.url}/api/v3/repos/acme/bikes/issues`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${world.secrets.tokens['ml-lead']}`,
      'content-type': 'application/json',
    },
    body: '{"title":',
  });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    message: 'Problems parsing JSON',
    documentation_url: expect.any(String),
  });
});
