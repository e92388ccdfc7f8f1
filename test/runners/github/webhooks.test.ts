import { verify } from '@octokit/webhooks-methods';
import type { IssuesOpenedEvent, PushEvent } from '@octokit/webhooks-types';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { isFresh } from '../../../runners/local/github/webhooks.ts';
import { eventually, R, refusal, startWorld, type World } from './harness.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  // Else it comes in the midst of a test that counts what is sent.
  await world.event('installation', 'created');
});
afterAll(() => world.close());
beforeEach(() => {
  world.hook.events.length = 0;
  world.hook.status = 200;
});

const deliveries = async () =>
  (await world.app.octokit.request('GET /app/hook/deliveries', { per_page: 100 })).data;

test('a delivery is signed and says what it is', async () => {
  await world.as('product-owner').rest.issues.create({ ...R, title: 'Predict' });
  await world.event('issues', 'opened');
  const [sent] = world.hook.events;
  expect(
    await verify(
      world.secrets.app.webhook_secret,
      sent?.body ?? '',
      sent?.headers['x-hub-signature-256'] ?? '',
    ),
  ).toBe(true);
  expect(await verify('another secret', sent?.body ?? '', sent?.headers['x-hub-signature-256'] ?? '')).toBe(
    false,
  );
  expect(sent?.headers).toMatchObject({
    'x-github-event': 'issues',
    'x-github-delivery': expect.stringMatching(/^[0-9a-f-]{36}$/),
    'x-github-hook-installation-target-type': 'integration',
    'x-github-hook-installation-target-id': String(world.secrets.app.id),
  });
  const payload = JSON.parse(sent?.body ?? '') as IssuesOpenedEvent;
  expect(payload.action).toBe('opened');
  expect(payload.issue.user.login).toBe('product-owner');
  expect(payload.repository.full_name).toBe('acme/bikes');
  expect(payload.organization?.login).toBe('acme');
  expect(payload.installation?.id).toEqual(expect.any(Number));
});

test('a push is told as GitHub tells it', async () => {
  const work = await world.repository('data-scientist');
  const sha = await work.commit('first', { 'README.md': '# Bikes\n' });
  await work.push('main');
  const payload = (await world.event('push')) as unknown as PushEvent;
  expect(payload).toMatchObject({
    ref: 'refs/heads/main',
    before: '0'.repeat(40),
    after: sha,
    created: true,
    deleted: false,
  });
  expect(payload.commits).toMatchObject([
    { id: sha, message: 'first', added: ['README.md'], author: { email: 't@example.org' } },
  ]);
  expect(payload.pusher.name).toBe('data-scientist');
  expect(await world.event('create')).toMatchObject({
    ref: 'main',
    ref_type: 'branch',
    master_branch: 'main',
  });
});

// Fact 16. GitHub docs, handling-failed-webhook-deliveries; redelivery within 3 days, same GUID.
test('a failed delivery is not sent again by itself, but on request with the same GUID', async () => {
  world.hook.status = 500;
  await world.as('product-owner').rest.issues.create({ ...R, title: 'Lost' });
  const failed = await eventually(
    async () => (await deliveries()).find((one) => one.status_code === 500),
    'the failure',
  );
  expect(failed).toMatchObject({ event: 'issues', action: 'opened', redelivery: false });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(world.hook.events.filter(({ name }) => name === 'issues')).toHaveLength(1);

  world.hook.status = 200;
  await world.app.octokit.request('POST /app/hook/deliveries/{delivery_id}/attempts', {
    delivery_id: Number(failed.id),
  });
  await eventually(() => world.hook.events.length === 2 || undefined, 'the second attempt');
  const [one, two] = world.hook.events.map(({ headers, body }) => ({
    guid: headers['x-github-delivery'],
    body,
  }));
  expect(two).toEqual(one);
  const again = await eventually(
    async () => (await deliveries()).find((row) => row.redelivery),
    'the new row',
  );
  expect(again).toMatchObject({ guid: failed.guid, status: 'OK', status_code: 200 });
  const detail = await world.app.octokit.request('GET /app/hook/deliveries/{delivery_id}', {
    delivery_id: Number(again.id),
  });
  expect(detail.data.request.payload).toMatchObject({ action: 'opened' });
});

// Fact 16.
test('what is older than three days is neither listed nor sent again', async () => {
  const [row] = await deliveries();
  const at = (days: number) => Date.parse(row?.delivered_at ?? '') + days * 86_400_000;
  const delivery = { created_at: row?.delivered_at } as Parameters<typeof isFresh>[0];
  expect([isFresh(delivery, at(2.9)), isFresh(delivery, at(3.1))]).toEqual([true, false]);
  const missing = world.app.octokit.request('POST /app/hook/deliveries/{delivery_id}/attempts', {
    delivery_id: 1,
  });
  expect((await refusal(missing)).status).toBe(404);
});

test('deliveries are paged by cursor', async () => {
  for (const title of ['a', 'b', 'c']) await world.as('product-owner').rest.issues.create({ ...R, title });
  await eventually(() => world.hook.events.length >= 3 || undefined, 'three events');
  const first = await world.app.octokit.request('GET /app/hook/deliveries', { per_page: 2 });
  const cursor = /cursor=([^&>]+)/.exec(first.headers.link ?? '')?.[1] ?? '';
  const second = await world.app.octokit.request('GET /app/hook/deliveries', { per_page: 2, cursor });
  const ids = [...first.data, ...second.data].map(({ id }) => Number(id));
  expect(ids).toEqual([...ids].sort((a, b) => b - a));
  expect(new Set(ids).size).toBe(4);
});

test('a receiver that is away costs nothing but the delivery', async () => {
  await world.hook.close();
  await world.as('product-owner').rest.issues.create({ ...R, title: 'Nobody listens' });
  const lost = await eventually(
    async () => (await deliveries()).find(({ status_code }) => status_code === 0),
    'the lost delivery',
  );
  expect(lost.status).toBe('failed to connect to host');
});
