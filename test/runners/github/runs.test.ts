import { mkdirSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureSecrets } from '../../../runners/local/github/secrets.ts';
import { startGitHub } from '../../../runners/local/github/server.ts';
import type { JobState, TurnRequest } from '../../../runners/local/protocol.ts';
import {
  type Checkout,
  controlFor,
  eventually,
  octokitFor,
  R,
  refusal,
  startWorld,
  type World,
} from './harness.ts';

/** The life of runs on the server's side; the test plays their runner. */
const QUEUE = (extra: string) => `on: { workflow_dispatch: { inputs: { kind: { type: string } } } }
concurrency: { group: "Deploy-\${{ github.ref_name }}-\${{ inputs.kind }}"${extra} }
jobs: { a: { runs-on: x, steps: [{ run: 'true' }] } }
`;
const GRAPH = `on: workflow_dispatch
jobs:
  data: { runs-on: x, steps: [{ run: 'true' }] }
  train: { needs: data, runs-on: x, strategy: { matrix: { n: [1, 2] } }, steps: [{ run: 'true' }] }
  card: { needs: [train], runs-on: x, steps: [{ run: 'true' }] }
  lint: { runs-on: x, steps: [{ run: 'true' }] }
`;

let world: World;
let work: Checkout;
beforeAll(async () => {
  world = await startWorld();
  work = await world.repository('ml-lead');
  await work.commit('first', {
    '.github/workflows/single.yml': QUEUE(''),
    '.github/workflows/newest.yml': QUEUE(`, cancel-in-progress: "\${{ 1 == 1 }}"`),
    '.github/workflows/all.yml': QUEUE(', queue: max'),
    '.github/workflows/both.yml': QUEUE(', queue: max, cancel-in-progress: true'),
    '.github/workflows/graph.yml': GRAPH,
  });
  await work.push('main');
});
afterAll(() => world.close());

const actions = async () => (await world.bot()).rest.actions;

async function dispatch(workflow_id: string, kind: string | null = null): Promise<number> {
  const inputs = kind === null ? {} : { kind };
  const { data } = await (await world.bot()).request(
    'POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches',
    { ...R, workflow_id, ref: 'main', inputs, headers: { 'x-github-api-version': '2026-03-10' } },
  );
  return (data as unknown as { workflow_run_id: number }).workflow_run_id;
}

async function run(run_id: number): Promise<{ status: string; conclusion: string; run_attempt: number }> {
  const { data } = await (await actions()).getWorkflowRun({ ...R, run_id });
  return data as never;
}
const status = async (id: number) => (await run(id)).conclusion ?? (await run(id)).status;

function end(id: number, conclusion: 'success' | 'failure' | 'cancelled' = 'success', jobs: JobState[] = []) {
  return world.control.update(id, { status: 'completed', conclusion, jobs });
}

function job(key: string, conclusion: JobState['conclusion'] = null, more: Partial<JobState> = {}): JobState {
  const completed_at = conclusion && new Date().toISOString();
  return {
    ...{ key, name: key, labels: ['x'], status: conclusion ? 'completed' : 'queued', conclusion },
    ...{
      started_at: null,
      completed_at,
      runner_name: null,
      steps: [],
      annotations: [],
      summary: '',
      ...more,
    },
  };
}

const turn = (id: number, key: string, request: Partial<TurnRequest>) =>
  world.control.call('POST', `/runs/${id}/jobs/${key}/turn`, {
    ...{ name: key, concurrency: null, environment: null, wait_ms: 0, ...request },
  });

// Fact 15. GitHub docs, actions/how-tos/write-workflows/choose-when-workflows-run/control-workflow-concurrency.
describe('concurrency of workflows', () => {
  test('one runs, one is pending, an older pending one is cancelled and says why', async () => {
    const [first, second, third] = [
      await dispatch('single.yml', 'a'),
      await dispatch('single.yml', 'a'),
      await dispatch('single.yml', 'A'),
    ];
    const other = await dispatch('single.yml', 'b');
    expect(await Promise.all([first, second, third, other].map(status))).toEqual([
      'queued',
      'cancelled',
      'pending',
      'queued',
    ]);
    const page = await (await fetch(`${world.github.url}/acme/bikes/actions/runs/${second}`)).text();
    expect(page).toContain('higher priority waiting request for Deploy-main-A exists');
    // What waits is given to no runner.
    const claimed = [await world.control.claim(), await world.control.claim(), await world.control.claim()];
    expect(claimed.map((one) => one?.id)).toEqual([first, other, undefined]);
    await end(first, 'failure');
    expect((await world.control.claim())?.id).toBe(third);
    await Promise.all([end(third), end(other)]);
  });

  test('cancel-in-progress cancels the running one, and the newcomer runs when that has ended', async () => {
    const first = await dispatch('newest.yml', 'a');
    await world.control.claim();
    const second = await dispatch('newest.yml', 'a');
    expect((await world.control.call('GET', `/runs/${first}/state`)).body).toMatchObject({ cancelled: true });
    expect(await status(second)).toBe('pending');
    await end(first, 'cancelled');
    expect((await world.control.claim())?.id).toBe(second);
    await end(second);
  });

  // GitHub changelog of 7 May 2026: up to 100 waiting, not with cancel-in-progress.
  test('queue: max keeps all in order, a hundred at most, and not with cancel-in-progress', async () => {
    const ids: number[] = [];
    for (let at = 0; at < 4; at++) ids.push(await dispatch('all.yml', 'a'));
    for (const id of ids) {
      expect((await world.control.claim())?.id).toBe(id);
      expect(await world.control.claim()).toBeUndefined();
      await end(id);
    }
    const refused = await dispatch('both.yml', 'a');
    expect(await status(refused)).toBe('startup_failure');
  });

  test('a restart of the server forgets no group', async () => {
    const first = await dispatch('single.yml', 'restart');
    const second = await dispatch('single.yml', 'restart');
    const path = join(world.dir, 'copy');
    mkdirSync(path);
    await cp(join(world.dir, 'github'), join(path, 'github'), { recursive: true });
    await cp(join(world.dir, 'secrets.json'), join(path, 'secrets.json'));
    const again = await startGitHub({ dir: path, port: 0, log: () => undefined });
    try {
      const control = controlFor(again.url, world.secrets);
      expect((await control.claim())?.id).toBe(first);
      expect(await control.claim()).toBeUndefined();
      await control.update(first, { status: 'completed', conclusion: 'success' });
      expect((await control.claim())?.id).toBe(second);
    } finally {
      await again.close();
    }
    await world.control.claim();
    await end(first);
    await world.control.claim();
    await end(second);
  });
});

describe('concurrency of jobs', () => {
  test('a job waits for that of another run; cancel-in-progress cancels that job alone', async () => {
    const group = { group: 'env-prod', cancel_in_progress: false, queue: 'single' as const };
    const [one, two] = [await dispatch('graph.yml'), await dispatch('graph.yml')];
    await world.control.claim();
    await world.control.claim();
    for (const id of [one, two]) await world.control.update(id, { jobs: [job('lint'), job('data')] });
    expect((await turn(one, 'lint', { concurrency: group })).body).toMatchObject({ state: 'go' });
    expect((await turn(two, 'lint', { concurrency: group })).body).toEqual({ state: 'wait' });
    const { data } = await (await actions()).listJobsForWorkflowRun({ ...R, run_id: two });
    expect(data.jobs[0]).toMatchObject({ name: 'lint', status: 'pending' });
    const newest = { ...group, cancel_in_progress: true };
    expect((await turn(two, 'data', { concurrency: newest })).body).toEqual({ state: 'wait' });
    expect((await turn(two, 'lint', { concurrency: group })).body).toEqual({ state: 'cancelled' });
    const state = async (id: number) => (await world.control.call('GET', `/runs/${id}/state`)).body;
    expect(await state(one)).toEqual({ cancelled: false, force: false, cancelled_jobs: ['lint'] });
    await end(one, 'failure', [job('lint', 'cancelled'), job('data', 'success')]);
    expect((await turn(two, 'data', { concurrency: newest })).body).toMatchObject({ state: 'go' });
    await end(two);
  });

  test('a job in the group of its own workflow is a deadlock, and said to be one', async () => {
    const id = await dispatch('single.yml', 'own');
    await world.control.claim();
    await world.control.update(id, { jobs: [job('a')] });
    const concurrency = { group: 'deploy-main-OWN', cancel_in_progress: false, queue: 'single' as const };
    expect((await turn(id, 'a', { concurrency })).body).toMatchObject({
      state: 'refused',
      message: expect.stringContaining('waits for its own workflow'),
    });
    await end(id, 'failure');
  });
});

// GitHub docs, rest/actions/workflow-runs and actions/how-tos/manage-workflow-runs/re-run-workflows-and-jobs.
describe('attempts', () => {
  const failed = [
    job('data', 'success', { outputs: { rows: '7' } }),
    job('train-0', 'success', { outputs: { best: 'x' } }),
    job('train-1', 'failure'),
    job('card', 'skipped'),
    job('lint', 'success'),
  ];

  test('rerun-failed-jobs runs what failed and what needs it; the rest stands with its outputs', async () => {
    const id = await dispatch('graph.yml');
    await world.control.claim();
    await end(id, 'failure', failed);
    await (await actions()).reRunWorkflowFailedJobs({ ...R, run_id: id });
    const claimed = await world.control.claim();
    expect(claimed).toMatchObject({ id, attempt: 2, triggering_actor: 'roundhouse[bot]', debug: false });
    expect(claimed?.kept).toEqual({
      data: { result: 'success', outputs: { rows: '7' } },
      'train-0': { result: 'success', outputs: { best: 'x' } },
      lint: { result: 'success', outputs: {} },
    });
    await end(id, 'success', [job('train-1', 'success'), job('card', 'success')]);

    const rest = await actions();
    const { data: latest } = await rest.listJobsForWorkflowRun({ ...R, run_id: id });
    expect(latest.jobs.map(({ name, conclusion }) => [name, conclusion])).toEqual([
      ...[
        ['data', 'success'],
        ['train-0', 'success'],
        ['lint', 'success'],
      ],
      ...[
        ['train-1', 'success'],
        ['card', 'success'],
      ],
    ]);
    const first = await rest.getWorkflowRunAttempt({ ...R, run_id: id, attempt_number: 1 });
    expect(first.data).toMatchObject({ id, run_attempt: 1, conclusion: 'failure', status: 'completed' });
    const second = await rest.getWorkflowRunAttempt({ ...R, run_id: id, attempt_number: 2 });
    expect(second.data).toMatchObject({
      run_attempt: 2,
      conclusion: 'success',
      head_sha: first.data.head_sha,
    });
    expect(second.data.previous_attempt_url).toContain('/attempts/1');
    expect((await refusal(rest.getWorkflowRunAttempt({ ...R, run_id: id, attempt_number: 3 }))).status).toBe(
      404,
    );
    expect((await refusal(rest.reRunWorkflowFailedJobs({ ...R, run_id: id }))).status).toBe(403);
  });

  test('one job runs again with what needs it, on request with its debug lines', async () => {
    const id = await dispatch('graph.yml');
    await world.control.claim();
    await end(id, 'failure', failed);
    const rest = await actions();
    const { data } = await rest.listJobsForWorkflowRun({ ...R, run_id: id });
    const lint = data.jobs.find(({ name }) => name === 'lint');
    await rest.reRunJobForWorkflowRun({ ...R, job_id: lint?.id ?? 0, enable_debug_logging: true });
    const claimed = await world.control.claim();
    expect(claimed).toMatchObject({ attempt: 2, debug: true });
    expect(Object.keys(claimed?.kept ?? {})).toEqual(['data', 'train-0', 'train-1', 'card']);
    expect(await refusal(rest.reRunWorkflow({ ...R, run_id: id }))).toMatchObject({ status: 403 });
    await end(id, 'failure', [job('lint', 'success')]);
  });

  test('a re-run waits for its group like any other run', async () => {
    const first = await dispatch('single.yml', 'again');
    await world.control.claim();
    await end(first);
    const second = await dispatch('single.yml', 'again');
    await (await actions()).reRunWorkflow({ ...R, run_id: first });
    expect(await status(first)).toBe('pending');
    await world.control.claim();
    await end(second);
    expect((await world.control.claim())?.id).toBe(first);
    await end(first);
  });
});

// Fact 31, need 4. GitHub docs, deployments-and-environments.
describe('environments', () => {
  const put = (name: string, settings: object) =>
    world.control.call('PUT', `/environments/acme/bikes/${name}`, settings);
  const lead = () => world.as('ml-lead').rest;

  async function ready(): Promise<number> {
    const id = await dispatch('graph.yml');
    await world.control.claim();
    await world.control.update(id, { jobs: [job('data')] });
    return id;
  }
  const enter = (id: number, name: string, deployment = true) =>
    turn(id, 'data', { environment: { name, deployment } });

  // GitHub docs, actions/reference/workflows-and-actions/deployments-and-environments; rest/actions/workflow-runs.
  test('required reviewers: the job waits, one of them suffices, then it gets the secrets', async () => {
    const settings = { reviewers: ['ml-lead', 'data-scientist'], secrets: { KEY: 'k' }, vars: { URL: 'u' } };
    expect((await put('production', settings)).status).toBe(204);
    const id = await ready();
    expect((await enter(id, 'production')).body).toEqual({ state: 'wait' });
    expect(await status(id)).toBe('waiting');
    await world.event(
      'workflow_job',
      'waiting',
      (p: { workflow_job: { run_id: number } }) => p.workflow_job.run_id === id,
    );
    const page = await (await fetch(`${world.github.url}/acme/bikes/actions/runs/${id}`)).text();
    expect(page).toContain('Waiting for review');
    expect(page).not.toContain('Approve and deploy');
    const { data: pending } = await lead().actions.getPendingDeploymentsForRun({ ...R, run_id: id });
    expect(pending).toMatchObject([
      { environment: { name: 'production' }, current_user_can_approve: true, reviewers: [{}, {}] },
    ]);
    const answer = {
      ...{ ...R, run_id: id, environment_ids: [pending[0]?.environment.id ?? 0] },
      ...{ state: 'approved' as const, comment: 'go' },
    };
    const outsider = world.as('product-owner').rest.actions.reviewPendingDeploymentsForRun(answer);
    expect((await refusal(outsider)).status).toBe(403);
    const { data: made } = await lead().actions.reviewPendingDeploymentsForRun(answer);
    expect(made).toMatchObject([{ environment: 'production', creator: { login: 'github-actions[bot]' } }]);
    expect((await enter(id, 'production')).body).toEqual({
      ...{ state: 'go', secrets: { KEY: 'k' }, vars: { URL: 'u' } },
    });
    await end(id, 'success', [job('data', 'success', { environment_url: 'https://example.org/x' })]);
    const { data: statuses } = await lead().repos.listDeploymentStatuses({
      ...{ ...R, deployment_id: made[0]?.id ?? 0 },
    });
    expect(statuses.map(({ state }) => state)).toEqual(['success', 'waiting']);
    expect(statuses[0]?.environment_url).toBe('https://example.org/x');
    const { data: reviews } = await lead().actions.getReviewsForRun({ ...R, run_id: id });
    expect(reviews).toMatchObject([{ state: 'approved', comment: 'go', user: { login: 'ml-lead' } }]);
  });

  test('a rejection fails the job; the person who started the run may be kept from answering', async () => {
    await put('staging', { reviewers: ['ml-lead'], prevent_self_review: true });
    const id = await ready();
    await enter(id, 'staging');
    const { data: pending } = await lead().actions.getPendingDeploymentsForRun({ ...R, run_id: id });
    const environment_ids = [pending[0]?.environment.id ?? 0];
    const answer = { ...R, run_id: id, environment_ids, state: 'rejected' as const, comment: 'no' };
    await lead().actions.reviewPendingDeploymentsForRun(answer);
    expect((await enter(id, 'staging')).body).toMatchObject({
      state: 'refused',
      message: expect.stringContaining('rejected'),
    });
    await end(id, 'failure', [job('data', 'failure')]);
    await lead().actions.reRunWorkflow({ ...R, run_id: id });
    await world.control.claim();
    await world.control.update(id, { jobs: [job('data')] });
    await enter(id, 'staging');
    expect((await refusal(lead().actions.reviewPendingDeploymentsForRun(answer))).status).toBe(403);
    await end(id, 'cancelled');
  });

  // Fact 7. GitHub changelog of 19 March 2026: deployment: false.
  test('branch rules refuse; deployment: false makes no deployment; a wait timer holds', async () => {
    await put('release', { branches: ['release/*'] });
    const id = await ready();
    expect((await enter(id, 'release')).body).toMatchObject({
      state: 'refused',
      message: 'Branch "main" is not allowed to deploy to release due to environment protection rules.',
    });
    await end(id, 'failure');
    await put('slow', { wait_timer: 1 });
    const other = await ready();
    expect((await enter(other, 'slow', false)).body).toEqual({ state: 'wait' });
    const { data } = await lead().repos.listDeployments({ ...R, environment: 'slow' });
    expect(data).toEqual([]);
    await put('slow', { wait_timer: 0 });
    expect((await enter(other, 'slow', false)).body).toMatchObject({ state: 'go' });
    await end(other);
  });

  // Same page: in private repositories reviewers and wait timers need Enterprise.
  test('a plan without such rules refuses them, in private repositories only', async () => {
    const people = [{ login: 'owner', role: 'admin' }];
    await world.control.call('POST', '/seed', { owner: R.owner, repository: R.repo, people });
    const { tokens } = await ensureSecrets(world.dir);
    const admin = octokitFor(world.github.url, tokens.owner ?? '');
    const reviewers = [
      { type: 'User' as const, id: (await lead().users.getByUsername({ username: 'ml-lead' })).data.id },
    ];
    const make = () =>
      admin.rest.repos.createOrUpdateEnvironment({ ...R, environment_name: 'gate', reviewers });
    await world.control.call('PATCH', '/repos/acme/bikes', { plan: 'free' });
    expect(await refusal(make())).toMatchObject({
      status: 422,
      message: expect.stringContaining('billing plan supports the required reviewers protection rule'),
    });
    await world.control.call('PATCH', '/repos/acme/bikes', { private: false });
    expect((await make()).data.protection_rules).toMatchObject([{ type: 'required_reviewers' }]);
    await world.control.call('PATCH', '/repos/acme/bikes', { private: true, plan: 'enterprise' });
    expect(
      (await refusal(lead().repos.createOrUpdateEnvironment({ ...R, environment_name: 'x' }))).status,
    ).toBe(403);
  });
});

// Fact 23. GitHub docs, actions/concepts/about-actions-policies.
test('execution protections let a run fail with the documented message', async () => {
  const protections = [{ workflows: ['.github/workflows/graph.yml'], actors: ['ml-lead'] }];
  await world.control.call('PATCH', '/repos/acme/bikes', { protections });
  const refused = await dispatch('graph.yml');
  expect(await status(refused)).toBe('failure');
  const page = await (await fetch(`${world.github.url}/acme/bikes/actions/runs/${refused}`)).text();
  expect(page).toContain('is not allowed to trigger Actions workflows. Workflow file:');
  const other = await dispatch('single.yml', 'free');
  expect(await status(other)).toBe('queued');
  await end(other);
  await world.control.call('PATCH', '/repos/acme/bikes', { protections: [{ events: ['push'] }] });
  const dispatched = await dispatch('single.yml', 'x');
  expect(await status(dispatched)).toBe('failure');
  await world.control.call('PATCH', '/repos/acme/bikes', { protections: [] });
});

test('force-cancel tells the runner to let nothing more run', async () => {
  const id = await dispatch('graph.yml');
  await world.control.claim();
  await (await actions()).forceCancelWorkflowRun({ ...R, run_id: id });
  const { body } = await world.control.call('GET', `/runs/${id}/state`);
  expect(body).toMatchObject({ cancelled: true, force: true });
  await end(id, 'cancelled');
});

// Need 10. GitHub docs, actions/reference/limits: job queue time on self-hosted runners, 24 hours.
test('a run that no runner takes is cancelled when its time in the queue is over', async () => {
  const other = await startWorld({ queuedMs: 50 });
  try {
    const files = await other.repository('ml-lead');
    await files.commit('first', {
      '.github/workflows/ci.yml': 'on: push\njobs: {a: {runs-on: x, steps: [{run: a}]}}\n',
    });
    await files.push('main');
    const ended = await eventually(async () => {
      const { data } = await other.as('ml-lead').rest.actions.listWorkflowRunsForRepo(R);
      return data.workflow_runs.find((one) => one.status === 'completed');
    }, 'the end of the run');
    expect(ended.conclusion).toBe('cancelled');
  } finally {
    await other.close();
  }
});

describe('what starts a run', () => {
  const ON = (trigger: string) => `on: ${trigger}\njobs: {a: {runs-on: x, steps: [{run: a}]}}\n`;
  let other: World;
  let files: Checkout;
  beforeAll(async () => {
    other = await startWorld();
    files = await other.repository('ml-lead');
    await files.commit('first', {
      '.github/workflows/pull.yml': ON('pull_request'),
      '.github/workflows/call.yml': ON('{repository_dispatch: {types: [retrain]}}'),
      '.github/workflows/hand.yml': ON('workflow_dispatch'),
      '.github/workflows/never.yml': ON('[release, watch]'),
    });
    await files.push('main');
  });
  afterAll(() => other.close());

  async function tokenOfJob(permissions: Record<string, string>) {
    await other
      .as('ml-lead')
      .rest.actions.createWorkflowDispatch({ ...R, workflow_id: 'hand.yml', ref: 'main' });
    const claimed = await other.control.claim();
    const id = claimed?.id ?? 0;
    return { id, rest: octokitFor(other.github.url, await other.control.jobToken(id, permissions)).rest };
  }
  const runs = async (event: string) =>
    (await other.as('ml-lead').rest.actions.listWorkflowRunsForRepo({ ...R, event })).data.workflow_runs;

  // GitHub docs, rest/repos/repos: create a repository dispatch event; github_token: it starts workflows even by GITHUB_TOKEN.
  test('repository_dispatch of a wanted type, also by a job', async () => {
    const job = await tokenOfJob({ contents: 'write' });
    const client_payload = { rows: 7 };
    const { status } = await job.rest.repos.createDispatchEvent({
      ...R,
      event_type: 'retrain',
      client_payload,
    });
    expect(status).toBe(204);
    await job.rest.repos.createDispatchEvent({ ...R, event_type: 'other' });
    const claimed = await other.control.claim();
    expect(claimed).toMatchObject({
      ...{ event: 'repository_dispatch', ref: 'refs/heads/main', actor: 'github-actions[bot]' },
      event_payload: { action: 'retrain', branch: 'main', client_payload },
    });
    expect(await runs('repository_dispatch')).toHaveLength(1);
    const many = Object.fromEntries(Array.from({ length: 11 }, (_, at) => [`p${at}`, 1]));
    const refused = job.rest.repos.createDispatchEvent({ ...R, event_type: 'x', client_payload: many });
    expect((await refusal(refused)).status).toBe(422);
    for (const id of [job.id, claimed?.id ?? 0])
      await other.control.update(id, { status: 'completed', conclusion: 'success' });
  });

  // Fact 1. GitHub docs, actions/concepts/security/github_token (since June 2026); rest/actions/workflow-runs: approve.
  test('a pull request by GITHUB_TOKEN: its run waits until a writer approves it', async () => {
    await other.control.call('PATCH', '/repos/acme/bikes', { actions_may_open_pulls: true });
    await files.git('checkout', '--quiet', '-b', 'retrain');
    await files.commit('retrained', { 'model.txt': '2' });
    await files.push('retrain');
    const job = await tokenOfJob({ contents: 'write', 'pull-requests': 'write', actions: 'write' });
    await job.rest.pulls.create({ ...R, title: 'Retrain', head: 'retrain', base: 'main' });
    const [held] = await runs('pull_request');
    expect(held).toMatchObject({ status: 'completed', conclusion: 'action_required' });
    expect(await other.control.claim()).toBeUndefined();
    const run_id = held?.id ?? 0;
    const approve = (login: string) => other.as(login).rest.actions.approveWorkflowRun({ ...R, run_id });
    expect((await refusal(job.rest.actions.approveWorkflowRun({ ...R, run_id }))).status).toBe(403);
    expect((await refusal(approve('product-owner'))).status).toBe(403);
    await approve('data-scientist');
    expect(await other.control.claim()).toMatchObject({ id: run_id, attempt: 1, event: 'pull_request' });
    expect((await refusal(approve('data-scientist'))).status).toBe(403);
    for (const id of [job.id, run_id])
      await other.control.update(id, { status: 'completed', conclusion: 'success' });
    await files.git('checkout', '--quiet', 'main');
  });

  // Facts 8, 20. GitHub docs, actions/how-tos/manage-workflow-runs/skip-workflow-runs.
  test('no commit that asks to be skipped; and what never comes is said in the log', async () => {
    await files.git('checkout', '--quiet', '-b', 'quiet');
    await files.commit('docs\n\nskip-checks: true', { 'a.md': 'a' });
    await files.push('quiet');
    const before = (await runs('pull_request')).length;
    await other.as('ml-lead').rest.pulls.create({ ...R, title: 'Docs', head: 'quiet', base: 'main' });
    expect(await runs('pull_request')).toHaveLength(before);
    expect(other.log.join('\n')).toContain(
      'never.yml: the local GitHub starts no workflow on release, watch',
    );
  });
});

// Fact 32. actions/upload-artifact, README: retention-days, at most what the repository allows.
test('an artifact is kept for as long as its upload asks', async () => {
  const id = await dispatch('graph.yml');
  await world.control.claim();
  const url = `${world.github.url}/_local/runs/${id}/artifacts/short?retention_days=1`;
  const headers = { 'x-roundhouse-local': world.secrets.control, 'content-type': 'application/zip' };
  expect((await fetch(url, { method: 'PUT', headers, body: 'zip' })).status).toBe(201);
  const { data } = await (await actions()).listWorkflowRunArtifacts({ ...R, run_id: id });
  const days = (Date.parse(data.artifacts[0]?.expires_at ?? '') - Date.now()) / 86_400_000;
  expect(days).toBeGreaterThan(0.9);
  expect(days).toBeLessThan(1.1);
  await end(id);
});
