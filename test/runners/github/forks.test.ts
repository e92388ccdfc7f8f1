import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureSecrets } from '../../../runners/local/github/secrets.ts';
import { addOutsiders, type Checkout, checkout, R, refusal, startWorld, type World } from './harness.ts';

/** GitHub docs, rest/repos/forks and pull-requests/collaborating-with-pull-requests/working-with-forks. */
let world: World;
let work: Checkout;
let as: Awaited<ReturnType<typeof addOutsiders>>;
const FORK = { owner: 'outsider', repo: 'bikes' } as const;

beforeAll(async () => {
  world = await startWorld();
  as = await addOutsiders(world, 'outsider', 'newcomer');
  work = await world.repository('data-scientist');
  await work.commit('first', { 'README.md': '# Bikes\n' });
  await work.push('main');
});
afterAll(() => world.close());

async function forkCheckout(): Promise<Checkout> {
  const { tokens } = await ensureSecrets(world.dir);
  const copy = await checkout(world.dir, world.github.url, tokens.outsider ?? '');
  const remote = copy.remote.replace('/acme/', '/outsider/');
  return { ...copy, remote, push: (...refs) => copy.git('push', '--quiet', remote, ...refs) };
}

test('a private repository hides from others, and is forked only where its setting says so', async () => {
  const outsider = as('outsider');
  expect((await refusal(outsider.rest.repos.get(R))).status).toBe(404);
  expect((await refusal(outsider.rest.repos.createFork(R))).status).toBe(404);
  expect(await refusal(world.as('product-owner').rest.repos.createFork(R))).toMatchObject({
    status: 403,
    message: expect.stringContaining('forking is disabled'),
  });
});

test('a fork has a copy of the branches, an owner and a parent; the second fork is the first', async () => {
  await world.control.call('PATCH', '/repos/acme/bikes', { private: false });
  const outsider = as('outsider');
  const { data, status } = await outsider.rest.repos.createFork(R);
  expect(status).toBe(202);
  expect(data).toMatchObject({
    full_name: 'outsider/bikes',
    fork: true,
    parent: { full_name: 'acme/bikes' },
  });
  const again = await outsider.rest.repos.createFork(R);
  expect(again.data.id).toBe(data.id);
  const main = await outsider.rest.git.getRef({ ...FORK, ref: 'heads/main' });
  expect(main.data.object.sha).toBe(await work.git('rev-parse', 'HEAD'));
  const { data: forks } = await outsider.rest.repos.listForks(R);
  expect(forks.map(({ full_name }) => full_name)).toEqual(['outsider/bikes']);
  expect(await refusal((await world.bot()).rest.repos.createFork(R))).toMatchObject({ status: 403 });
});

// Fact 12. Assumed: A8, A9 (docs/real-github-check.md).
test('a pull request from a fork: the head is the fork’s, its push is seen, checks name no pull request', async () => {
  const fork = await forkCheckout();
  await fork.git('fetch', '--quiet', fork.remote, 'main');
  await fork.git('checkout', '--quiet', '-B', 'topic', 'FETCH_HEAD');
  const head = await fork.commit('from outside', { 'outside.txt': '1' });
  await fork.push('HEAD:refs/heads/topic');
  const outsider = as('outsider');
  const direct = outsider.rest.git.createRef({ ...R, ref: 'refs/heads/mine', sha: head });
  expect((await refusal(direct)).status).toBe(403);
  const { data: pull } = await outsider.rest.pulls.create({
    ...{ ...R, title: 'From outside', head: 'outsider:topic', base: 'main' },
  });
  expect(pull).toMatchObject({
    head: { label: 'outsider:topic', sha: head, repo: { full_name: 'outsider/bikes', fork: true } },
    base: { repo: { full_name: 'acme/bikes' } },
    mergeable: true,
    author_association: 'NONE',
  });
  const bot = await world.bot();
  // The commits of the fork network can be fetched through the base.
  await bot.rest.git.getCommit({ ...R, commit_sha: head });
  const check = await bot.rest.checks.create({ ...R, name: 'roundhouse/gate', head_sha: head });
  expect(check.data.pull_requests).toEqual([]);
  expect(await world.event('check_run', 'created')).toMatchObject({ check_run: { pull_requests: [] } });
  // The app is not installed on the fork and cannot push there.
  const push = bot.rest.git.createRef({ ...FORK, ref: 'refs/heads/theirs', sha: head });
  expect(await refusal(push)).toMatchObject({ status: 403 });

  const after = await fork.commit('more', { 'outside.txt': '2' });
  await fork.push('HEAD:refs/heads/topic');
  expect(await world.event('pull_request', 'synchronize')).toMatchObject({
    before: head,
    after,
    sender: { login: 'outsider' },
    repository: { full_name: 'acme/bikes' },
    pull_request: { head: { repo: { full_name: 'outsider/bikes' } } },
  });
  const twin = outsider.rest.pulls.create({ ...R, title: 'Twin', head: 'outsider:topic', base: 'main' });
  expect(await refusal(twin)).toMatchObject({
    status: 422,
    message: expect.stringContaining('A pull request already exists for outsider:topic'),
  });
  expect((await refusal(outsider.rest.pulls.merge({ ...R, pull_number: pull.number }))).status).toBe(403);
  const { data: listed } = await outsider.rest.pulls.list({ ...R, head: 'outsider:topic' });
  expect(listed.map(({ number }) => number)).toEqual([pull.number]);
  const merged = await world.as('ml-lead').rest.pulls.merge({ ...R, pull_number: pull.number });
  await work.fetch('main');
  expect(await work.git('log', '-1', '--format=%H %s', 'FETCH_HEAD')).toBe(
    `${merged.data.sha} Merge pull request #${pull.number} from outsider/topic`,
  );
  expect(await work.git('show', 'FETCH_HEAD:outside.txt')).toBe('2');
});

// GD:…/managing-github-actions-settings-for-a-repository.md, "approval for workflows from … forks"; GD:…/events-that-trigger-workflows.md#pull_request.
test('its workflows wait for a writer where the author is new, read only and get no secrets', async () => {
  await work.fetch('main');
  await work.git('checkout', '--quiet', '-B', 'workflow', 'FETCH_HEAD');
  await work.commit('workflow', {
    '.github/workflows/ci.yml': 'on: pull_request\njobs: {a: {runs-on: x, steps: [{run: a}]}}\n',
  });
  await work.push('HEAD:main');
  await world.control.call('PATCH', '/repos/acme/bikes', { secrets: { KEY: 'value' } });
  const again = await forkCheckout();
  const propose = async (login: string, fork: Checkout, branch: string) => {
    await fork.git('fetch', '--quiet', work.remote, 'main');
    await fork.git('checkout', '--quiet', '-B', branch, 'FETCH_HEAD');
    const head_sha = await fork.commit(branch, { [`${branch}.txt`]: login });
    await fork.push(`HEAD:refs/heads/${branch}`);
    await as(login).rest.pulls.create({ ...R, title: branch, head: `${login}:${branch}`, base: 'main' });
    const { data } = await world.as('ml-lead').rest.actions.listWorkflowRunsForRepo({ ...R, head_sha });
    return data.workflow_runs[0];
  };
  // His first pull request was merged above: he waits no more.
  const known = await propose('outsider', again, 'second');
  expect(known).toMatchObject({ status: 'queued', head_repository: { full_name: 'outsider/bikes' } });
  const claimed = await world.control.claim();
  expect(claimed).toMatchObject({ id: known?.id, secrets: {}, default_permissions: { contents: 'read' } });
  const job = world.withToken(await world.control.jobToken(claimed?.id ?? 0, { contents: 'write' }));
  const write = job.rest.git.createRef({ ...R, ref: 'refs/heads/theirs', sha: claimed?.sha ?? '' });
  expect((await refusal(write)).status).toBe(403);
  const { data: newcomer } = await as('newcomer').rest.repos.createFork(R);
  const { tokens } = await ensureSecrets(world.dir);
  const copy = await checkout(world.dir, world.github.url, tokens.newcomer ?? '');
  const remote = copy.remote.replace('/acme/', `/${newcomer.owner.login}/`);
  const held = await propose(
    'newcomer',
    { ...copy, push: (...refs) => copy.git('push', remote, ...refs) },
    'n',
  );
  expect(held).toMatchObject({ status: 'completed', conclusion: 'action_required', pull_requests: [] });
  await world.as('ml-lead').rest.actions.approveWorkflowRun({ ...R, run_id: held?.id ?? 0 });
  expect(await world.control.claim()).toMatchObject({ id: held?.id, secrets: {} });
});

test('a deleted fork leaves its pull request open, without a repository of the head', async () => {
  const fork = await forkCheckout();
  await fork.git('fetch', '--quiet', fork.remote, 'main');
  await fork.git('checkout', '--quiet', '-B', 'last', 'FETCH_HEAD');
  await fork.commit('last', { 'last.txt': '1' });
  await fork.push('HEAD:refs/heads/last');
  const outsider = as('outsider');
  const { data: pull } = await outsider.rest.pulls.create({
    ...{ ...R, title: 'Last', head: 'outsider:last', base: 'main' },
  });
  expect((await refusal(world.as('ml-lead').rest.repos.delete(FORK))).status).toBe(403);
  await outsider.rest.repos.delete(FORK);
  expect((await refusal(outsider.rest.repos.get(FORK))).status).toBe(404);
  const { data: now } = await outsider.rest.pulls.get({ ...R, pull_number: pull.number });
  expect(now).toMatchObject({ state: 'open', head: { label: 'outsider:last', repo: null } });
  await outsider.rest.pulls.update({ ...R, pull_number: pull.number, state: 'closed' });
  const reopen = outsider.rest.pulls.update({ ...R, pull_number: pull.number, state: 'open' });
  expect(await refusal(reopen)).toMatchObject({
    status: 422,
    message: expect.stringContaining('has been deleted'),
  });
});
