import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { R, refusal, startWorld, type World } from './harness.ts';

let world: World;
let head: string;
beforeAll(async () => {
  world = await startWorld();
  const work = await world.repository('data-scientist');
  head = await work.commit('first', { 'README.md': '# Bikes\n' });
  await work.push('main');
});
afterAll(() => world.close());

async function check(name: string, more = {}) {
  const { data } = await (await world.bot()).rest.checks.create({ ...R, name, head_sha: head, ...more });
  return data;
}

// GitHub docs, rest/checks/runs and rest/checks/suites.
describe('checks', () => {
  test('of one app on one commit are a suite, completed with the last of them', async () => {
    const [one, two] = [await check('one'), await check('two')];
    expect(one.check_suite?.id).toBe(two.check_suite?.id);
    const { rest } = await world.bot();
    const done = { ...R, status: 'completed', conclusion: 'success' } as const;
    await rest.checks.update({ ...done, check_run_id: one.id });
    const suite = async () =>
      (await rest.checks.getSuite({ ...R, check_suite_id: one.check_suite?.id ?? 0 })).data;
    expect(await suite()).toMatchObject({ status: 'queued', conclusion: null });
    await rest.checks.update({ ...done, check_run_id: two.id });
    expect(await suite()).toMatchObject({
      status: 'completed',
      conclusion: 'success',
      latest_check_runs_count: 2,
    });
    expect(await world.event('check_suite', 'completed')).toMatchObject({ check_suite: { head_sha: head } });
    const { data } = await rest.checks.listSuitesForRef({ ...R, ref: 'main' });
    expect(data.check_suites.map(({ id }) => id)).toEqual([one.check_suite?.id]);
    await world.as('ml-lead').rest.checks.rerequestSuite({ ...R, check_suite_id: one.check_suite?.id ?? 0 });
    await world.event('check_suite', 'rerequested');
    await world.as('ml-lead').rest.checks.rerequestRun({ ...R, check_run_id: one.id });
    expect(await world.event('check_run', 'rerequested')).toMatchObject({ sender: { login: 'ml-lead' } });
  });

  test('are made by apps alone, and changed by the app that made them', async () => {
    const person = world.as('ml-lead').rest.checks.create({ ...R, name: 'mine', head_sha: head });
    expect(await refusal(person)).toMatchObject({
      status: 403,
      message: expect.stringContaining('GitHub App'),
    });
  });

  test('take 50 annotations a request, and more in the next', async () => {
    const one = { path: 'a', start_line: 1, end_line: 1, annotation_level: 'warning', message: 'm' } as const;
    const output = (count: number) => ({ title: 't', summary: 's', annotations: Array(count).fill(one) });
    expect((await refusal(check('many', { output: output(51) }))).status).toBe(422);
    const { id } = await check('many', { output: output(50) });
    const { rest } = await world.bot();
    const { data } = await rest.checks.update({ ...R, check_run_id: id, output: output(50) });
    expect(data.output.annotations_count).toBe(100);
    const long = { title: 't', summary: 'x'.repeat(65_536) };
    expect((await refusal(check('long', { output: long }))).status).toBe(422);
  });
});

// GitHub docs, rest/commits/statuses and webhook-events-and-payloads#status.
test('statuses: the newest of each context counts', async () => {
  const lead = world.as('ml-lead').rest.repos;
  const status = { ...R, sha: head, context: 'ci' } as const;
  expect((await lead.getCombinedStatusForRef({ ...R, ref: head })).data.state).toBe('pending');
  await lead.createCommitStatus({ ...status, state: 'failure' });
  expect((await lead.getCombinedStatusForRef({ ...R, ref: head })).data.state).toBe('failure');
  await lead.createCommitStatus({ ...status, state: 'success', description: 'fine' });
  const { data } = await lead.getCombinedStatusForRef({ ...R, ref: 'main' });
  expect(data).toMatchObject({ state: 'success', total_count: 1, sha: head });
  expect(
    (await refusal(lead.createCommitStatus({ ...status, state: 'success', description: 'x'.repeat(141) })))
      .status,
  ).toBe(422);
  expect(
    (await refusal(world.as('product-owner').rest.repos.createCommitStatus({ ...status, state: 'success' })))
      .status,
  ).toBe(403);
});

// Fact 28, need 20. GitHub docs, rate-limits-for-the-rest-api#about-secondary-rate-limits.
describe('secondary limits', () => {
  const comment = () => world.as('ml-lead').rest.issues.create({ ...R, title: 'limited' });
  const set = (limits: object) => world.control.call('PUT', '/secondary-limits', limits);

  test('refuse with 403 or 429 and say when to come back', async () => {
    for (const status of [403, 429]) {
      await set({ refuse_next: 1, status, retry_after: 7 });
      expect(await refusal(comment())).toMatchObject({
        ...{ status, message: expect.stringContaining('secondary rate limit') },
        headers: { 'retry-after': '7' },
      });
      await comment();
    }
  });

  test('count writes and points per minute where they are switched on', async () => {
    await set({ writes_per_minute: 2 });
    await comment();
    await comment();
    expect((await refusal(comment())).status).toBe(403);
    await world.as('ml-lead').rest.repos.get(R);
    await set({ points_per_minute: 6 });
    await comment();
    await world.as('ml-lead').rest.repos.get(R);
    expect((await refusal(world.as('ml-lead').rest.repos.get(R))).status).toBe(403);
    expect((await world.control.call('GET', '/secondary-limits')).body.refused).toBe(1);
    await world.control.call('DELETE', '/secondary-limits');
    await comment();
  });
});

test('a title is at most 256 characters long', async () => {
  expect(
    (await refusal(world.as('ml-lead').rest.issues.create({ ...R, title: 'x'.repeat(257) }))).status,
  ).toBe(422);
});
