import type { JobState, RunUpdate } from '../protocol.ts';
import { ACTIONS_APP_ID, ACTIONS_BOT } from './auth.ts';
import { type Hub, localNow, timestamp } from './hub.ts';
import type { Annotation, CheckRun, Job, Repository, Run, Workflow } from './model.ts';
import { htmlUrl } from './shapes/account.ts';
import { checkEventShape } from './shapes/check.ts';
import { type Commit, readCommit } from './shapes/commit.ts';
import { jobShape, runShape, workflowShape } from './shapes/run.ts';
import { emit } from './webhooks.ts';
import { renderRunName, type WorkflowFile } from './workflow-file.ts';

export type NewRun = Pick<
  Run,
  'event' | 'event_payload' | 'actor' | 'ref' | 'sha' | 'base_ref' | 'head_ref' | 'head_branch' | 'head_sha'
> & {
  repo: Repository;
  file: WorkflowFile;
  title: string;
  inputs?: Record<string, string>;
  pull_numbers?: number[];
};

export async function createRun(hub: Hub, options: NewRun): Promise<Run> {
  const { repo, file, title, inputs = {}, pull_numbers = [], ...given } = options;
  const commit = await readCommit(hub.git(repo), given.head_sha);
  const workflow = knownWorkflow(hub, repo, file);
  const run_number = hub.db.filter('runs', (one) => one.workflow_id === workflow.id).length + 1;
  const refName = given.ref.replace(/^refs\/(heads|tags|pull)\//, '');
  const github = {
    ...{ actor: given.actor, event: given.event_payload, event_name: given.event, ref: given.ref },
    ...{ ref_name: refName, sha: given.sha, run_number, head_ref: given.head_ref, base_ref: given.base_ref },
    ...{ repository: `${repo.owner}/${repo.name}`, workflow: file.name },
  };
  const named = file.runName && renderRunName(file.runName, { github, inputs, vars: repo.vars });
  const now = timestamp();
  const run: Run = {
    id: hub.db.nextId(),
    repository_id: repo.id,
    workflow_id: workflow.id,
    path: file.path,
    workflow_text: file.text,
    name: file.name,
    display_title: named?.trim() || title,
    run_number,
    attempt: 1,
    ...given,
    triggering_actor: given.actor,
    pull_numbers,
    inputs,
    now: localNow(hub),
    suite_id: hub.db.nextId(),
    status: 'queued',
    conclusion: null,
    message: null,
    claimed_by: null,
    cancel_requested: false,
    token_keys: [],
    created_at: now,
    run_started_at: now,
    updated_at: now,
  };
  hub.db.put('runs', run.id, run);
  emitRun({ hub, repo, run, commit, action: 'requested' });
  hub.wakeRunners();
  return run;
}

export function knownWorkflow(
  hub: Hub,
  repo: Repository,
  file: Pick<WorkflowFile, 'path' | 'name'>,
): Workflow {
  const found = hub.db.find('workflows', (one) => one.repository_id === repo.id && one.path === file.path);
  const now = timestamp();
  if (found) {
    if (found.name === file.name && found.state !== 'deleted') return found;
    const state = found.state === 'deleted' ? 'active' : found.state;
    return hub.db.put('workflows', found.id, { ...found, state, name: file.name, updated_at: now });
  }
  const id = hub.db.nextId();
  const { path, name } = file;
  return hub.db.put('workflows', id, {
    ...{ id, repository_id: repo.id, path, name, state: 'active', created_at: now, updated_at: now },
  });
}

type RunEvent = { hub: Hub; repo: Repository; run: Run; commit: Commit | undefined };

function emitRun(options: RunEvent & { action: string }): void {
  const { hub, repo, run, action } = options;
  const workflow = hub.db.get('workflows', run.workflow_id);
  emit(hub, {
    repo,
    event: 'workflow_run',
    action,
    sender: run.triggering_actor,
    payload: { workflow_run: runShape(options), workflow: workflow && workflowShape(hub, repo, workflow) },
  });
}

function emitJob(options: { hub: Hub; repo: Repository; run: Run; job: Job; action: string }): void {
  const { hub, repo, run, job, action } = options;
  const payload = { workflow_job: jobShape({ hub, repo, run, job }) };
  emit(hub, { repo, event: 'workflow_job', action, sender: run.triggering_actor, payload });
}

export function repositoryOf(hub: Hub, run: { repository_id: number }): Repository {
  const repo = hub.db.get('repositories', run.repository_id);
  if (!repo) throw new Error(`A row names repository ${run.repository_id}, which is not there`);
  return repo;
}

export function jobsOf(hub: Hub, run: Run, attempt = run.attempt): Job[] {
  return hub.db.filter('jobs', (job) => job.run_id === run.id && job.attempt === attempt);
}

/** What a runner says of its run. An update after the end changes nothing. */
export async function updateRun(hub: Hub, run: Run, update: RunUpdate): Promise<void> {
  if (run.status === 'completed') return;
  const repo = repositoryOf(hub, run);
  const commit = await readCommit(hub.git(repo), run.head_sha);
  const before = run.status;
  run.updated_at = timestamp();
  run.message = update.message ?? run.message;
  for (const state of update.jobs ?? []) updateJob({ hub, repo, run, state });
  if (before === 'queued' && (update.status === 'in_progress' || update.status === 'completed')) {
    run.status = 'in_progress';
    emitRun({ hub, repo, run, commit, action: 'in_progress' });
  }
  if (update.status === 'completed') {
    finishRun({ hub, repo, run, commit }, update.conclusion ?? 'success');
  }
  hub.db.put('runs', run.id, run);
}

function finishRun(event: RunEvent, conclusion: string): void {
  const { hub, repo, run } = event;
  for (const job of jobsOf(hub, run).filter(({ status }) => status !== 'completed')) {
    const ended = conclusion === 'cancelled' ? 'cancelled' : 'failure';
    const state = {
      ...job,
      status: 'completed' as const,
      conclusion: ended as Job['conclusion'],
      completed_at: timestamp(),
    };
    updateJob({ hub, repo, run, state });
  }
  run.status = 'completed';
  run.conclusion = conclusion;
  run.updated_at = timestamp();
  // A job's token dies with its run.
  for (const key of run.token_keys) hub.db.remove('tokens', key);
  run.token_keys = [];
  hub.db.put('runs', run.id, run);
  emitRun({ ...event, action: 'completed' });
}

function updateJob(options: { hub: Hub; repo: Repository; run: Run; state: JobState }): void {
  const { hub, repo, run, state } = options;
  const known = jobsOf(hub, run).find(({ key }) => key === state.key);
  const job: Job = { ...(known ?? newJob({ hub, repo, run, state })), ...state };
  if (known && JSON.stringify(known) === JSON.stringify(job)) return;
  hub.db.put('jobs', job.id, job);
  mirrorCheck({ hub, repo, run, job });
  if (!known) emitJob({ hub, repo, run, job, action: 'queued' });
  if (job.status === 'in_progress' && known?.status !== 'in_progress') {
    emitJob({ hub, repo, run, job, action: 'in_progress' });
  }
  if (job.status === 'completed' && known?.status !== 'completed') {
    emitJob({ hub, repo, run, job, action: 'completed' });
  }
}

function newJob(options: { hub: Hub; repo: Repository; run: Run; state: JobState }): Job {
  const { hub, repo, run, state } = options;
  return {
    ...state,
    id: hub.db.nextId(),
    run_id: run.id,
    attempt: run.attempt,
    repository_id: repo.id,
    check_id: hub.db.nextId(),
    created_at: timestamp(),
  };
}

/** Every job is a check run of the app GitHub Actions on the run's own commit. */
function mirrorCheck(options: { hub: Hub; repo: Repository; run: Run; job: Job }): void {
  const { hub, repo, run, job } = options;
  const before = hub.db.get('checks', job.check_id);
  const check: CheckRun = {
    id: job.check_id,
    repository_id: repo.id,
    suite_id: run.suite_id,
    app_id: ACTIONS_APP_ID,
    name: job.name,
    head_sha: run.head_sha,
    external_id: String(job.id),
    details_url: htmlUrl(hub, repo, `/actions/runs/${run.id}/job/${job.id}`),
    status: job.status,
    conclusion: job.conclusion,
    started_at: job.started_at ?? job.created_at,
    completed_at: job.completed_at,
    output: { title: null, summary: null, text: null },
    annotations: job.annotations.map(checkAnnotation),
    actions: [],
  };
  hub.db.put('checks', check.id, check);
  const action = !before
    ? 'created'
    : check.status === 'completed' && before.status !== 'completed' && 'completed';
  if (!action) return;
  const sender = run.triggering_actor || ACTIONS_BOT;
  emit(hub, {
    repo,
    event: 'check_run',
    action,
    sender,
    payload: { check_run: checkEventShape(hub, repo, check) },
  });
}

function checkAnnotation(one: JobState['annotations'][number]): Annotation {
  const line = one.line ?? 1;
  return {
    path: one.path ?? '.github',
    start_line: line,
    end_line: line,
    annotation_level: one.level,
    message: one.message,
    title: one.title,
  };
}

/** A queued run ends at once; a running one when its runner has heard of it. */
export async function cancelRun(hub: Hub, run: Run): Promise<void> {
  if (run.claimed_by !== null) {
    run.cancel_requested = true;
    hub.db.put('runs', run.id, run);
    return;
  }
  const repo = repositoryOf(hub, run);
  finishRun({ hub, repo, run, commit: await readCommit(hub.git(repo), run.head_sha) }, 'cancelled');
}

/** The same run again, as its next attempt: `requested` is not sent on re-runs. */
export function rerun(hub: Hub, run: Run, actor: string): void {
  const now = timestamp();
  hub.db.put(
    'runs',
    run.id,
    Object.assign(run, {
      attempt: run.attempt + 1,
      triggering_actor: actor,
      status: 'queued',
      conclusion: null,
      message: null,
      claimed_by: null,
      cancel_requested: false,
      run_started_at: now,
      updated_at: now,
    }),
  );
  hub.wakeRunners();
}

/** A runner that died says nothing: its runs end as failures, as on GitHub. `since` counts for runs of a former life. */
export async function endLostRuns(hub: Hub, limit: { since: number; silentMs: number }): Promise<void> {
  for (const run of hub.db.filter('runs', (one) => one.status !== 'completed' && one.claimed_by !== null)) {
    if (Date.now() - (hub.lastSeen.get(run.id) ?? limit.since) < limit.silentMs) continue;
    const message = `The runner ${run.claimed_by} lost communication with the server.`;
    await updateRun(hub, run, { status: 'completed', conclusion: 'failure', message });
  }
  await hub.db.committed();
}
