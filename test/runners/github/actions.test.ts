import { unzipSync, zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JobState } from '../../../runners/local/protocol.ts';
import {
  type Checkout,
  eventually,
  LATEST,
  octokitFor,
  R,
  refusal,
  startWorld,
  WORKFLOW,
  type World,
} from './harness.ts';

const OWN = `name: CI
on:
  push: { branches: [main], paths-ignore: ['docs/**'] }
  pull_request:
jobs:
  test: { runs-on: x, steps: [{ run: 'true' }] }
`;
const MONITOR = `name: Monitor
on:
  schedule: [{ cron: '0 3 * * *' }]
jobs:
  check: { runs-on: x, steps: [{ run: 'true' }] }
`;

let world: World;
let work: Checkout;
let main: string;
beforeAll(async () => {
  world = await startWorld();
  work = await world.repository('ml-lead');
  main = await work.commit('first', {
    'README.md': '# Bikes\n',
    '.github/workflows/train.yml': WORKFLOW,
    '.github/workflows/ci.yml': OWN,
    '.github/workflows/monitor.yml': MONITOR,
  });
  await work.push('main');
  await finishAll();
});
afterAll(() => world.close());

/** Let a runner take and end all that waits. */
async function finishAll(): Promise<number> {
  let count = 0;
  for (let run = await world.control.claim(); run; run = await world.control.claim()) {
    await world.control.update(run.id, { status: 'completed', conclusion: 'success' });
    count += 1;
  }
  return count;
}

function job(state: Partial<JobState>): JobState {
  return {
    ...{ key: 'train', name: 'train', labels: ['x'], status: 'queued', conclusion: null, started_at: null },
    ...{ completed_at: null, runner_name: null, steps: [], annotations: [], summary: '', ...state },
  };
}

async function dispatch(more: object = {}, version = LATEST) {
  return (await world.bot()).request(
    'POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches',
    {
      ...{ ...R, workflow_id: 'train.yml', ref: 'main', inputs: { request_id: 'r-1' } },
      ...{ headers: { 'x-github-api-version': version }, ...more },
    },
  );
}

async function dispatched(more: object = {}): Promise<number> {
  const { data } = await dispatch(more);
  return (data as unknown as { workflow_run_id: number }).workflow_run_id;
}

// Fact 13. Changelog of 19 February 2026.
describe('workflow_dispatch', () => {
  // GitHub’s changelog of 19 February 2026 and of version 2026-03-10.
  test('answers with the run id: always in the new version, on request in the old', async () => {
    const latest = await dispatch();
    expect(latest.status).toBe(200);
    expect(latest.data).toMatchObject({
      workflow_run_id: expect.any(Number),
      run_url: expect.stringContaining('/actions/runs/'),
    });
    expect((await dispatch({}, '2022-11-28')).status).toBe(204);
    const asked = await dispatch({ return_run_details: true }, '2022-11-28');
    expect(asked.data).toMatchObject({ workflow_run_id: expect.any(Number) });
    await finishAll();
  });

  test('the run carries its request in the title, and its event, path and actor', async () => {
    const run_id = await dispatched({ inputs: { request_id: 'abc-123' } });
    const { data } = await (await world.bot()).rest.actions.getWorkflowRun({ ...R, run_id });
    expect(data).toMatchObject({
      ...{
        display_title: 'roundhouse abc-123',
        event: 'workflow_dispatch',
        path: '.github/workflows/train.yml',
      },
      ...{ head_branch: 'main', head_sha: main, status: 'queued', run_attempt: 1 },
      actor: { login: 'roundhouse[bot]' },
      head_repository: { full_name: 'acme/bikes' },
    });
    await world.event(
      'workflow_run',
      'requested',
      (p: { workflow_run: { id: number } }) => p.workflow_run.id === run_id,
    );
    await finishAll();
  });

  test.each([
    ['an unknown input', { inputs: { request_id: 'x', other: '1' } }, 422, 'Unexpected inputs'],
    ['a missing input', { inputs: {} }, 422, "Required input 'request_id' not provided"],
    ['a value outside of a choice', { inputs: { request_id: 'x', size: 'huge' } }, 422, 'not in the list'],
    ['a SHA as ref', { ref: 'a'.repeat(40) }, 422, 'No ref found'],
    [
      'more than 25 inputs',
      { inputs: Object.fromEntries(Array.from({ length: 26 }, (_, at) => [`i${at}`, '1'])) },
      422,
      '25',
    ],
    [
      'a workflow without the trigger',
      { workflow_id: 'ci.yml', inputs: {} },
      422,
      "'workflow_dispatch' trigger",
    ],
    ['an unknown file', { workflow_id: 'none.yml' }, 404, 'Not Found'],
  ])('refuses %s', async (_, more, status, message) => {
    expect(await refusal(dispatch(more))).toMatchObject({
      status,
      message: expect.stringContaining(message),
    });
  });

  // Need 2. GitHub docs, events-that-trigger-workflows.
  test('is 404 until the file is on the default branch', async () => {
    await work.git('checkout', '--quiet', '-b', 'new-workflow');
    await work.commit('new workflow', { '.github/workflows/new.yml': WORKFLOW });
    await work.push('HEAD:refs/heads/new-workflow');
    await work.git('checkout', '--quiet', 'main');
    expect((await refusal(dispatch({ workflow_id: 'new.yml', ref: 'new-workflow' }))).status).toBe(404);
  });

  // Fact 5. GitHub docs, events-that-trigger-workflows: a writer may dispatch by hand, also with his own branch's file; event and path do not tell.
  test('a writer’s own dispatch on his own branch runs his own file', async () => {
    await work.git('checkout', '--quiet', '-b', 'forge');
    await work.commit('edit the workflow', {
      '.github/workflows/train.yml': WORKFLOW.replace('true', 'echo forged'),
    });
    await work.push('HEAD:refs/heads/forge');
    await work.git('checkout', '--quiet', 'main');
    await world.as('data-scientist').rest.actions.createWorkflowDispatch({
      ...{ ...R, workflow_id: 'train.yml', ref: 'forge', inputs: { request_id: 'forged' } },
    });
    const claimed = await eventually(async () => {
      const run = await world.control.claim();
      return run?.event === 'workflow_dispatch' ? run : undefined;
    }, 'the forged run');
    expect(claimed).toMatchObject({ ref: 'refs/heads/forge', actor: 'data-scientist' });
    expect(claimed.workflow.text).toContain('echo forged');
    await world.control.update(claimed.id, { status: 'completed', conclusion: 'success' });
    await finishAll();
  });
});

describe('a run', () => {
  test('is claimed once, worked on, logged and completed', async () => {
    const id = await dispatched();
    const [one, two] = await Promise.all([world.control.claim(), world.control.claim()]);
    expect([one?.id, two?.id].filter(Boolean)).toEqual([id]);
    const started_at = new Date().toISOString();
    await world.control.update(id, {
      status: 'in_progress',
      jobs: [job({ status: 'in_progress', started_at })],
    });
    await world.control.call('POST', `/runs/${id}/jobs/train/log`, 'line 1\n', 'text/plain');
    await world.control.call('POST', `/runs/${id}/jobs/train/log`, 'line 2\n', 'text/plain');
    const annotations = [{ level: 'warning' as const, message: 'careful' }];
    const ended = job({
      status: 'completed',
      conclusion: 'success',
      started_at,
      completed_at: started_at,
      annotations,
    });
    await world.control.update(id, { status: 'completed', conclusion: 'success', jobs: [ended] });

    const bot = await world.bot();
    const { data: run } = await bot.rest.actions.getWorkflowRun({ ...R, run_id: id });
    expect(run).toMatchObject({ status: 'completed', conclusion: 'success' });
    const { data: jobs } = await bot.rest.actions.listJobsForWorkflowRun({ ...R, run_id: id });
    expect(jobs.jobs).toMatchObject([{ name: 'train', conclusion: 'success', run_attempt: 1 }]);
    const logs = await bot.rest.actions.downloadJobLogsForWorkflowRun({
      ...R,
      job_id: jobs.jobs[0]?.id ?? 0,
    });
    expect(logs.data).toBe('line 1\nline 2\n');
    const zip = await bot.rest.actions.downloadWorkflowRunLogs({ ...R, run_id: id });
    expect(Object.keys(unzipSync(new Uint8Array(zip.data as ArrayBuffer)))).toEqual(['0_train.txt']);
    for (const action of ['queued', 'in_progress', 'completed']) await world.event('workflow_job', action);
    await world.event(
      'workflow_run',
      'completed',
      (p: { workflow_run: { id: number } }) => p.workflow_run.id === id,
    );
  });

  // Fact 6. GitHub docs, troubleshooting-required-status-checks.
  test('dispatched for a pull request has its checks on the base branch, not on the head', async () => {
    const id = await dispatched();
    await world.control.claim();
    const failed = job({
      status: 'completed',
      conclusion: 'failure',
      completed_at: new Date().toISOString(),
    });
    await world.control.update(id, { status: 'completed', conclusion: 'failure', jobs: [failed] });
    const bot = await world.bot();
    const onMain = await bot.rest.checks.listForRef({ ...R, ref: 'main', check_name: 'train' });
    expect(onMain.data.check_runs[0]).toMatchObject({
      conclusion: 'failure',
      app: { slug: 'github-actions' },
    });
    const elsewhere = await bot.rest.checks.listForRef({ ...R, ref: 'new-workflow', check_name: 'train' });
    expect(elsewhere.data.total_count).toBe(0);
  });

  // Fact 5. actions/upload-artifact, docs/MIGRATION.md.
  test('has artifacts whose names are taken once', async () => {
    const id = await dispatched();
    await world.control.claim();
    const bytes = zipSync({ 'statement.json': Buffer.from('{"v":1}') });
    const put = (body: Uint8Array) =>
      fetch(`${world.github.url}/_local/runs/${id}/artifacts/evidence-train-1`, {
        method: 'PUT',
        headers: { 'x-roundhouse-local': world.secrets.control, 'content-type': 'application/zip' },
        body: Buffer.from(body),
      });
    const both = await Promise.all([put(bytes), put(zipSync({ 'statement.json': Buffer.from('{"v":2}') }))]);
    expect(both.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect((await put(bytes)).status).toBe(409);
    const bot = await world.bot();
    const { data } = await bot.rest.actions.listWorkflowRunArtifacts({ ...R, run_id: id });
    expect(data.artifacts).toMatchObject([
      { name: 'evidence-train-1', digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) },
    ]);
    const artifact_id = data.artifacts[0]?.id ?? 0;
    const zip = await bot.rest.actions.downloadArtifact({ ...R, artifact_id, archive_format: 'zip' });
    expect(Object.keys(unzipSync(new Uint8Array(zip.data as ArrayBuffer)))).toEqual(['statement.json']);
    await world.control.update(id, { status: 'completed', conclusion: 'success' });
  });

  test('is not lost with a runner that left while waiting for it', async () => {
    const waiting = new AbortController();
    const claim = fetch(`${world.github.url}/_local/runner/claim`, {
      method: 'POST',
      headers: { 'x-roundhouse-local': world.secrets.control, 'content-type': 'application/json' },
      body: JSON.stringify({ runner: 'gone', labels: [], wait_ms: 20_000 }),
      signal: waiting.signal,
    }).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 100));
    waiting.abort();
    await claim;
    await new Promise((resolve) => setTimeout(resolve, 50));
    const id = await dispatched();
    expect((await world.control.claim())?.id).toBe(id);
    await world.control.update(id, { status: 'completed', conclusion: 'success' });
  });

  test('wakes a waiting runner', async () => {
    const claim = world.control.call('POST', '/runner/claim', { runner: 'w', labels: [], wait_ms: 20_000 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const id = await dispatched();
    expect((await claim).body).toMatchObject({ id });
    await world.control.update(id, { status: 'completed', conclusion: 'success' });
    expect((await world.control.call('GET', '/idle')).body).toMatchObject({ runs_open: 0 });
  });

  test('is cancelled at once while queued, by its runner when claimed', async () => {
    const bot = await world.bot();
    const queued = await dispatched();
    await bot.rest.actions.cancelWorkflowRun({ ...R, run_id: queued });
    expect((await bot.rest.actions.getWorkflowRun({ ...R, run_id: queued })).data.conclusion).toBe(
      'cancelled',
    );
    const running = await dispatched();
    await world.control.claim();
    await bot.rest.actions.cancelWorkflowRun({ ...R, run_id: running });
    expect((await world.control.call('GET', `/runs/${running}/state`)).body).toMatchObject({
      cancelled: true,
    });
    await world.control.update(running, { status: 'completed', conclusion: 'cancelled' });
    expect((await refusal(bot.rest.actions.cancelWorkflowRun({ ...R, run_id: running }))).status).toBe(409);
  });

  // Fact 13. `workflow_run.requested` is not sent on re-runs.
  test('again is the next attempt of the same run, and no new request', async () => {
    const id = await dispatched();
    await finishAll();
    const before = world.hook.events.length;
    await (await world.bot()).rest.actions.reRunWorkflow({ ...R, run_id: id });
    const claimed = await world.control.claim();
    expect(claimed).toMatchObject({ id, attempt: 2 });
    await world.control.update(id, { status: 'completed', conclusion: 'success' });
    await world.event(
      'workflow_run',
      'completed',
      (p: { workflow_run: { id: number; run_attempt: number } }) =>
        p.workflow_run.id === id && p.workflow_run.run_attempt === 2,
    );
    const since = world.hook.events.slice(before).filter(({ name }) => name === 'workflow_run');
    expect(since.some(({ action }) => action === 'requested')).toBe(false);
  });
});

describe('a job’s token', () => {
  test('has the job’s permissions and dies with the run', async () => {
    const id = await dispatched();
    await world.control.claim();
    const token = await world.control.jobToken(id, { contents: 'read' });
    const jobs = octokitFor(world.github.url, token);
    expect((await jobs.rest.repos.getContent({ ...R, path: 'README.md' })).status).toBe(200);
    expect((await refusal(jobs.rest.issues.create({ ...R, title: 'no' }))).status).toBe(403);
    await world.control.update(id, { status: 'completed', conclusion: 'success' });
    expect((await refusal(jobs.rest.repos.get(R))).status).toBe(401);
  });

  // Fact 1. GitHub docs, managing-github-actions-settings-for-a-repository.
  test('opens pull requests only where the setting allows it', async () => {
    const id = await dispatched();
    await world.control.claim();
    const jobs = octokitFor(
      world.github.url,
      await world.control.jobToken(id, { contents: 'write', 'pull-requests': 'write' }),
    );
    const open = () => jobs.rest.pulls.create({ ...R, title: 'Retrain', head: 'forge', base: 'main' });
    expect(await refusal(open())).toMatchObject({
      status: 403,
      message: expect.stringContaining('not permitted to create'),
    });
    await world.control.call('PATCH', '/repos/acme/bikes', { actions_may_open_pulls: true });
    const { data } = await open();
    expect(data.user.login).toBe('github-actions[bot]');
    await world.control.call('PATCH', '/repos/acme/bikes', { actions_may_open_pulls: false });
    await world.control.update(id, { status: 'completed', conclusion: 'success' });
  });

  // Facts 1, 8, need 13. GitHub docs, github_token: events made with GITHUB_TOKEN start no workflows, except dispatches; apps still hear of them.
  test('starts no workflows by pushing, but by dispatching', async () => {
    const id = await dispatched();
    await world.control.claim();
    const token = await world.control.jobToken(id, { contents: 'write', actions: 'write' });
    const jobs = octokitFor(world.github.url, token);
    const content = Buffer.from('x').toString('base64');
    const { data } = await jobs.rest.repos.createOrUpdateFileContents({
      ...R,
      path: 'by-job.txt',
      message: 'm',
      content,
    });
    await world.event('push', undefined, (p: { after: string }) => p.after === data.commit.sha);
    const runs = await jobs.rest.actions.listWorkflowRunsForRepo({ ...R, head_sha: data.commit.sha ?? '' });
    expect(runs.data.total_count).toBe(0);
    await jobs.rest.actions.createWorkflowDispatch({
      ...R,
      workflow_id: 'train.yml',
      ref: 'main',
      inputs: { request_id: 'j' },
    });
    await world.control.update(id, { status: 'completed', conclusion: 'success' });
    expect(await finishAll()).toBe(1);
    await work.fetch('main');
    await work.git('reset', '--quiet', '--hard', 'FETCH_HEAD');
  });
});

describe('the user’s own workflows', () => {
  test('run on a push that their filters let through', async () => {
    const docs = await work.commit('docs', { 'docs/a.md': 'a' });
    await work.push('main');
    const code = await work.commit('code', { 'src/a.py': 'a' });
    await work.push('main');
    const skipped = await work.commit('quiet [skip ci]', { 'src/b.py': 'b' });
    await work.push('main');
    const { data } = await (await world.bot()).rest.actions.listWorkflowRunsForRepo({ ...R, event: 'push' });
    const shas = data.workflow_runs.map(({ head_sha }) => head_sha);
    expect(shas).toContain(code);
    expect(shas).not.toContain(docs);
    expect(shas).not.toContain(skipped);
    await finishAll();
  });

  test('run on a pull request at the merge of base and head', async () => {
    await work.git('checkout', '--quiet', '-b', 'pr');
    const head = await work.commit('a change', { 'src/c.py': 'c' });
    await work.push('HEAD:refs/heads/pr');
    const { data: pull } = await world
      .as('ml-lead')
      .rest.pulls.create({ ...R, title: 'T', head: 'pr', base: 'main' });
    const claimed = await world.control.claim();
    const { data: ref } = await world
      .as('ml-lead')
      .rest.git.getRef({ ...R, ref: `pull/${pull.number}/merge` });
    expect(claimed).toMatchObject({
      ...{ event: 'pull_request', ref: `refs/pull/${pull.number}/merge`, ref_name: `${pull.number}/merge` },
      ...{ sha: ref.object.sha, head_ref: 'pr', base_ref: 'main' },
      event_payload: { action: 'opened', number: pull.number, pull_request: { head: { sha: head } } },
    });
    await finishAll();
    await world.control.update(claimed?.id ?? 0, { status: 'completed', conclusion: 'success' });
    await work.git('checkout', '--quiet', 'main');
  });

  // Fact 30. GitHub docs, events-that-trigger-workflows#schedule.
  test('run by schedule when the clock passes, once for what was passed over', async () => {
    expect((await world.control.call('POST', '/clock', { now: '2030-01-01T02:59:00Z' })).body).toEqual({
      fired: 1,
    });
    expect((await world.control.call('POST', '/clock', { now: '2030-01-01T03:00:00Z' })).body).toEqual({
      fired: 1,
    });
    expect((await world.control.call('POST', '/clock', { now: '2030-01-01T04:00:00Z' })).body).toEqual({
      fired: 0,
    });
    expect((await world.control.call('POST', '/clock', { now: '2030-03-01T00:00:00Z' })).body).toEqual({
      fired: 1,
    });
    const claimed = await world.control.claim();
    expect(claimed).toMatchObject({
      event: 'schedule',
      ref: 'refs/heads/main',
      event_payload: { schedule: '0 3 * * *' },
    });
    await finishAll();
    const last = await world.control.call('GET', '/clock');
    expect(last.body).toEqual({ now: '2030-03-01T00:00:00.000Z' });
  });
});

test('control needs its token', async () => {
  const response = await fetch(`${world.github.url}/_local/clock`);
  expect(response.status).toBe(401);
});

test('a run whose runner fell silent fails, and says why; a runner that speaks is left alone', async () => {
  const other = await startWorld({ runnerSilentMs: 400 });
  try {
    const files = await other.repository('ml-lead');
    await files.commit('first', { '.github/workflows/ci.yml': OWN });
    await files.push('main');
    const run = await other.control.claim();
    const run_id = run?.id ?? 0;
    for (let at = 0; at < 6; at++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      await other.control.call('GET', `/runs/${run_id}/state`);
    }
    const status = async () => (await other.as('ml-lead').rest.actions.getWorkflowRun({ ...R, run_id })).data;
    expect((await status()).status).toBe('queued');
    const ended = await eventually(async () => {
      const now = await status();
      return now.status === 'completed' ? now : undefined;
    }, 'the end of the run');
    expect(ended.conclusion).toBe('failure');
    const page = await (await fetch(`${other.github.url}/acme/bikes/actions/runs/${run_id}`)).text();
    expect(page).toContain('lost communication');
  } finally {
    await other.close();
  }
});

test('a runner is told which runs it holds, and what it says of an attempt that has ended changes nothing', async () => {
  const other = await startWorld({ runnerSilentMs: 300 });
  try {
    const files = await other.repository('ml-lead');
    await files.commit('first', { '.github/workflows/ci.yml': OWN });
    await files.push('main');
    const run_id = (await other.control.claim())?.id ?? 0;
    const held = async (name: string) =>
      (await other.control.call('GET', `/runner/runs?runner=${name}`)).body;
    expect(await held('r1')).toMatchObject([{ id: run_id, attempt: 1 }]);
    expect(await held('r2')).toEqual([]);
    const rest = other.as('ml-lead').rest.actions;
    const run = async () => (await rest.getWorkflowRun({ ...R, run_id })).data;
    const ended = () =>
      eventually(async () => ((await run()).status === 'completed' ? run() : undefined), 'its end');
    expect((await ended()).conclusion).toBe('failure');
    expect(await held('r1')).toEqual([]);

    await rest.reRunWorkflow({ ...R, run_id });
    expect(await other.control.claim()).toMatchObject({ id: run_id, attempt: 2 });
    const stateOf = async (attempt: number) =>
      (await other.control.call('GET', `/runs/${run_id}/state?attempt=${attempt}`)).body;
    expect(await stateOf(1)).toMatchObject({ cancelled: true });
    expect(await stateOf(2)).toMatchObject({ cancelled: false });
    await other.control.update(run_id, { attempt: 1, status: 'completed', conclusion: 'success' });
    expect((await run()).status).toBe('queued');

    await rest.cancelWorkflowRun({ ...R, run_id });
    expect((await ended()).conclusion, 'lost after a person had cancelled it').toBe('cancelled');
  } finally {
    await other.close();
  }
});

// Fact 28. GitHub docs, rate-limits-for-the-rest-api.
test('a token has a budget per hour, and the answer says what is left', async () => {
  const other = await startWorld({ rateLimit: 3 });
  try {
    const lead = other.as('ml-lead');
    const first = await lead.rest.repos.get(R);
    expect(first.headers).toMatchObject({ 'x-ratelimit-limit': '3', 'x-ratelimit-remaining': '2' });
    await lead.rest.repos.get(R);
    await lead.rest.repos.get(R);
    const { data } = await lead.rest.rateLimit.get();
    expect(data.resources.core).toMatchObject({ limit: 3, remaining: 0, used: 3 });
    const over = await refusal(lead.rest.repos.get(R));
    expect(over).toMatchObject({ status: 403, message: expect.stringContaining('rate limit exceeded') });
    expect(over.headers['x-ratelimit-remaining']).toBe('0');
    await other.as('data-scientist').rest.repos.get(R);
  } finally {
    await other.close();
  }
});
