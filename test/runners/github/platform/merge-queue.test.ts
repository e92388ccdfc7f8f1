import type { Octokit } from 'octokit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Checkout, R, refusal, startWorld, type World } from '../harness.ts';
import { adminOf, ruleset } from './admin.ts';

// GD:content/pull-requests/…/managing-a-merge-queue.md; CL 2022-08-18-merge-group-webhook-event.
let world: World;
let work: Checkout;
let bot: Octokit;
let lead: Octokit;

beforeAll(async () => {
  world = await startWorld();
  work = await world.repository('ml-lead');
  [bot, lead] = [await world.bot(), world.as('ml-lead')];
  await work.commit('first', {
    'README.md': '# Bikes\n',
    '.github/workflows/group.yml':
      "on: merge_group\njobs:\n  a:\n    runs-on: x\n    steps: [{ run: 'true' }]\n",
  });
  await work.push('main');
  const admin = await adminOf(world);
  await green(await work.git('rev-parse', 'main'));
  await ruleset(admin, {
    name: 'queue',
    rules: [
      { type: 'merge_queue', parameters: { check_response_timeout_minutes: 1 } },
      {
        type: 'required_status_checks',
        parameters: {
          required_status_checks: [{ context: 'roundhouse/gate', integration_id: world.secrets.app.id }],
        },
      },
    ],
  });
});
afterAll(() => world.close());
beforeEach(() => {
  world.hook.events.length = 0;
});

function green(head_sha: string, conclusion: 'success' | 'failure' = 'success') {
  return bot.rest.checks.create({ ...R, name: 'roundhouse/gate', head_sha, status: 'completed', conclusion });
}

let pulls = 0;

async function openPull(files: Record<string, string>) {
  pulls += 1;
  const head = `topic-${pulls}`;
  await work.fetch('main');
  await work.git('checkout', '--quiet', '-B', head, 'FETCH_HEAD');
  const sha = await work.commit(head, files);
  await work.push(head);
  const { data } = await lead.rest.pulls.create({ ...R, title: head, head, base: 'main' });
  return { ...data, sha };
}

const ENQUEUE = `mutation($id: ID!) {
  enqueuePullRequest(input: {pullRequestId: $id}) { mergeQueueEntry { position headCommit { oid } } } }`;
const DEQUEUE = 'mutation($id: ID!) { dequeuePullRequest(input: {id: $id}) { clientMutationId } }';

const enqueue = (pull: { node_id: string }) => lead.graphql(ENQUEUE, { id: pull.node_id });

type Group = { head_sha: string; head_ref: string; base_sha: string; base_ref: string };
type GroupEvent = { merge_group: Group; reason?: string };

const requested = async (number: number, not: string[] = []) =>
  (await world.event(
    'merge_group',
    'checks_requested',
    (p: GroupEvent) =>
      p.merge_group.head_ref.includes(`/pr-${number}-`) && !not.includes(p.merge_group.head_sha),
  )) as unknown as GroupEvent;
const destroyed = async (group: Group) =>
  (await world.event(
    'merge_group',
    'destroyed',
    (p: GroupEvent) => p.merge_group.head_sha === group.head_sha,
  )) as unknown as GroupEvent;
const dequeued = (number: number) =>
  world.event('pull_request', 'dequeued', (p: { number: number }) => p.number === number);

// Fact 10, need 5.
describe('a merge queue', () => {
  test('is the only way into its branch', async () => {
    const pull = await openPull({ 'a.txt': 'a' });
    await green(pull.sha);
    expect(await refusal(lead.rest.pulls.merge({ ...R, pull_number: pull.number }))).toMatchObject({
      status: 405,
      message: expect.stringContaining('Changes must be made through the merge queue'),
    });
    await expect(work.push(`topic-${pulls}:main`)).rejects.toThrow(/merge queue/);
  });

  test('lets nothing in whose required checks have not passed', async () => {
    const pull = await openPull({ 'b.txt': 'b' });
    await expect(enqueue(pull)).rejects.toThrow(/Required status check "roundhouse\/gate" is expected/);
  });

  test('asks for checks on the group, and merges what passes', async () => {
    const pull = await openPull({ 'c.txt': 'c' });
    await green(pull.sha);
    await enqueue(pull);
    const { merge_group: group } = await requested(pull.number);
    const main = (await bot.rest.git.getRef({ ...R, ref: 'heads/main' })).data.object.sha;
    expect(group).toMatchObject({ base_sha: main, base_ref: 'refs/heads/main' });
    expect(group.head_ref).toBe(`refs/heads/gh-readonly-queue/main/pr-${pull.number}-${main}`);
    const { data: commit } = await bot.rest.git.getCommit({ ...R, commit_sha: group.head_sha });
    expect(commit.parents.map(({ sha }) => sha)).toEqual([main, pull.sha]);
    // The check of the pull request's own head says nothing of the group.
    expect((await lead.rest.pulls.get({ ...R, pull_number: pull.number })).data.merged).toBe(false);
    const run = await world.control.claim();
    expect(run).toMatchObject({ event: 'merge_group', sha: group.head_sha, ref: group.head_ref });
    await green(group.head_sha);
    expect(await destroyed(group)).toMatchObject({ reason: 'merged' });
    const { data } = await lead.rest.pulls.get({ ...R, pull_number: pull.number });
    expect(data).toMatchObject({ merged: true, merged_by: { login: 'github-merge-queue[bot]' } });
    expect((await bot.rest.git.getRef({ ...R, ref: 'heads/main' })).data.object.sha).toBe(group.head_sha);
    const branch = group.head_ref.replace('refs/', '');
    expect((await refusal(bot.rest.git.getRef({ ...R, ref: branch }))).status).toBe(404);
  });

  test('puts a pull request out whose group fails, and builds the next one anew', async () => {
    const [one, two] = [await openPull({ 'd.txt': 'd' }), await openPull({ 'e.txt': 'e' })];
    for (const pull of [one, two]) {
      await green(pull.sha);
      await enqueue(pull);
    }
    const first = (await requested(one.number)).merge_group;
    const second = (await requested(two.number)).merge_group;
    // The second group holds the first one's changes too.
    expect(second.base_sha).toBe(first.head_sha);
    await green(second.head_sha);
    await green(first.head_sha, 'failure');
    expect(await dequeued(one.number)).toMatchObject({ reason: 'CI_FAILURE' });
    expect(await destroyed(second)).toMatchObject({ reason: 'invalidated' });
    const again = (await requested(two.number, [second.head_sha])).merge_group;
    expect(again.base_sha).toBe(first.base_sha);
    await green(again.head_sha);
    expect(await destroyed(again)).toMatchObject({ reason: 'merged' });
    expect((await lead.rest.pulls.get({ ...R, pull_number: one.number })).data.state).toBe('open');
  });

  test('puts out what was pushed to, and what conflicts with those before it', async () => {
    const [one, two] = [await openPull({ 'same.txt': 'one' }), await openPull({ 'same.txt': 'two' })];
    for (const pull of [one, two]) await green(pull.sha);
    await enqueue(one);
    await enqueue(two);
    expect(await dequeued(two.number)).toMatchObject({ reason: 'MERGE_CONFLICT' });
    await work.git('checkout', '--quiet', `topic-${pulls - 1}`);
    await work.commit('more', { 'more.txt': 'm' });
    await work.push(`topic-${pulls - 1}`);
    expect(await dequeued(one.number)).toMatchObject({ number: one.number });
  });

  test('lets a person take a pull request out', async () => {
    const pull = await openPull({ 'f.txt': 'f' });
    await green(pull.sha);
    await enqueue(pull);
    const { merge_group: group } = await requested(pull.number);
    await lead.graphql(DEQUEUE, { id: pull.node_id });
    expect(await dequeued(pull.number)).toMatchObject({ reason: 'MANUAL', sender: { login: 'ml-lead' } });
    expect(await destroyed(group)).toMatchObject({ reason: 'dequeued' });
    await expect(lead.graphql(DEQUEUE, { id: pull.node_id })).rejects.toThrow(/not in the queue/);
  });
});
