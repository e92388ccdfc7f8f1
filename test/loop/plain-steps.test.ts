import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomOf } from '#lib/ml/stats/random.ts';
import { liveRows } from '../../runners/local/demo/rows.ts';
import { startTraffic, type Traffic } from '../../runners/local/demo/traffic.ts';
import { type PlainWorld, R, startPlainWorld } from './plain-world.ts';

/**
 * The loop without the app, by the three workflow files of docs/plain-steps.md: one story, each test a chapter.
 * Nobody but the jobs' own tokens and one person writes to GitHub.
 */
const ACTIONS = 'github-actions[bot]';
const DAY_MS = 86_400_000;
const QUARTER = { from: Date.UTC(2012, 3, 1), until: Date.UTC(2012, 6, 1) };
const LIMIT_MS = 120_000;

let world: PlainWorld;
let traffic: Traffic | undefined;
let first = 0;

beforeAll(async () => {
  world = await startPlainWorld();
  await world.setClock('2012-01-02T00:00:00Z');
  await world.push('main', 'Policy, workflows and a problem');
});

afterAll(async () => {
  await traffic?.stop();
  await world?.close();
});

async function openPull(head: string, title: string): Promise<number> {
  return (await world.octokit.rest.pulls.create({ ...R, head, base: 'main', title })).data.number;
}

async function merge(pull_number: number): Promise<string> {
  return (await world.octokit.rest.pulls.merge({ ...R, pull_number, merge_method: 'merge' })).data.sha;
}

/** What a person does in a checkout before the locks are committed. */
async function runStages(): Promise<void> {
  for (const stage of ['data', 'train', 'evaluate', 'card'])
    await world.roundhouse(stage, '--base', 'origin/main');
}

async function retrainingPulls() {
  const { data } = await world.octokit.rest.pulls.list({ ...R, state: 'all' });
  return data.filter(({ head }) => head.ref.startsWith('roundhouse-retrain-bikes-'));
}

test('a pull request is judged; where a gate fails the job is red, and its card is a comment all the same', {
  timeout: LIMIT_MS,
}, async () => {
  await world.git('checkout', '--quiet', '-b', 'first');
  const problem = world.read('models/bikes/problem.yml');
  const outOfReach = { 'models/bikes/problem.yml': problem.replace('threshold: 70', 'threshold: 20') };
  world.write({ ...(await world.bikes()), ...outOfReach });
  const sha = await world.push('first', 'Data and candidates');
  first = await openPull('first', 'First model');
  world.write({ 'models/bikes/problem.yml': problem });
  const [judged] = await Promise.all([world.ended('judge.yml', { event: 'pull_request', sha }), runStages()]);
  expect(judged.log).toContain('verdict: failed');
  expect(judged.conclusion, judged.log).toBe('failure');
  const comments = await world.comments(first);
  expect(comments).toMatchObject([{ author: ACTIONS }]);
  expect(comments[0]?.body).toContain('<!-- roundhouse-section:bikes -->');
  expect(comments[0]?.body).toContain('a gate failed');
  expect(comments[0]?.body).toContain('There is no `model.lock` yet');
});

test('with a gate in reach, the lock that a person commits names what the job judges; the comment is edited', {
  timeout: LIMIT_MS,
}, async () => {
  const before = await world.comments(first);
  const sha = await world.push('first', 'Locks and cards');
  const [judged, plan] = await Promise.all([
    world.ended('judge.yml', { event: 'pull_request', sha }),
    world.roundhouse('plan', '--base', 'origin/main'),
  ]);
  expect(plan, 'with the base named, the lock of the branch is no champion').not.toMatch(/^run /m);
  expect(judged.conclusion, judged.log).toBe('success');
  const after = await world.comments(first);
  expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
  expect(after[0]?.body).toContain('`model.lock` names this candidate');
  expect(after[0]?.body).toContain(world.lock().candidate.replace('sha256:', '').slice(0, 12));
  expect(after[0]?.body.match(/<!-- roundhouse-section:bikes -->/g)).toHaveLength(1);
});

test('the merge deploys what the lock names and records it, and the router answers', {
  timeout: LIMIT_MS,
}, async () => {
  const sha = await merge(first);
  const deployed = await world.ended('deploy.yml', { event: 'push', sha });
  expect(deployed.conclusion, deployed.log).toBe('success');
  expect(await world.deployments()).toEqual([
    { sha, description: 'bikes 0.1.0', by: ACTIONS, state: 'success' },
  ]);
  const rows = liveRows('real', randomOf(1)).filter(({ at }) => at >= QUARTER.from);
  traffic = await startTraffic({ url: await world.router(), model: 'bikes', rows, labelLagMs: DAY_MS });
  await traffic.runUntil(QUARTER.until + DAY_MS);
  expect(traffic.stats()).toMatchObject({ failed: 0, byVersion: { '0.1.0': expect.any(Number) } });
  expect(traffic.stats().labelled).toBeGreaterThan(2000);
});

test('where workflows may not open pull requests, the step names the setting and leaves no branch', {
  timeout: LIMIT_MS,
}, async () => {
  await world.setClock('2012-07-02T06:00:00Z');
  const watched = await world.ended('watch.yml', { event: 'schedule' });
  expect(watched.conclusion).toBe('failure');
  expect(watched.log).toContain('Allow GitHub Actions to create and approve pull requests');
  expect(await retrainingPulls()).toEqual([]);
  const { data } = await world.octokit.rest.repos.listBranches(R);
  expect(data.map(({ name }) => name).toSorted()).toEqual(['first', 'main']);
});

test('decay opens one retraining pull request that changes data.yml, however often the schedule fires', {
  timeout: LIMIT_MS,
}, async () => {
  await world.settings({ actions_may_open_pulls: true });
  for (const [nth, now] of ['2012-07-03T06:00:00Z', '2012-07-04T06:00:00Z'].entries()) {
    await world.setClock(now);
    const watched = await world.ended('watch.yml', { event: 'schedule', nth: nth + 1 });
    expect(watched.conclusion, watched.log).toBe('success');
    expect(await retrainingPulls()).toMatchObject([
      { state: 'open', user: { login: ACTIONS }, head: { ref: 'roundhouse-retrain-bikes-2012-07-03' } },
    ]);
  }
  const [pull] = await retrainingPulls();
  const { data } = await world.octokit.rest.pulls.listFiles({ ...R, pull_number: pull?.number ?? 0 });
  expect(data.map(({ filename }) => filename)).toEqual(['models/bikes/data.yml']);
  expect(data[0]?.patch).toMatch(/\+window: .*2012-07-02/);
});

test('a person trains it and commits the locks: it is judged beside the champion and replaces it by a canary', {
  timeout: LIMIT_MS,
}, async () => {
  const [pull] = await retrainingPulls();
  const branch = pull?.head.ref ?? '';
  await world.git('fetch', '--quiet', 'origin');
  await world.git('checkout', '--quiet', branch);
  await runStages();
  const head = await world.push(branch, 'Locks and cards of the retraining');
  const judged = await world.ended('judge.yml', { event: 'pull_request', sha: head });
  expect(judged.conclusion, judged.log).toBe('success');
  const [card] = await world.comments(pull?.number ?? 0);
  expect(card?.body).toContain('champion');
  expect(card?.body).toContain('`model.lock` names this candidate');

  traffic?.pace(30);
  const sha = await merge(pull?.number ?? 0);
  const deployed = await world.ended('deploy.yml', { event: 'push', sha });
  expect(deployed.conclusion, deployed.log).toBe('success');
  expect(deployed.log).toContain('progressing, step 1');
  expect(await world.deployments()).toMatchObject([
    { description: 'bikes 0.1.0', state: 'inactive' },
    { sha, description: 'bikes 0.2.0', by: ACTIONS, state: 'success' },
  ]);
  const response = await fetch(`${await world.router()}/v2/models/bikes`);
  expect(await response.json()).toMatchObject({ versions: ['0.2.0'] });
});
