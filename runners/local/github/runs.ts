import type { JobState, RunUpdate } from '../protocol.ts';
import { enterGroup, leaveGroups } from './concurrency.ts';
import { type Hub, localNow, timestamp } from './hub.ts';
import { mirrorCheck } from './job-checks.ts';
import { followDeployment } from './job-deployments.ts';
import { refusedByProtection } from './protections.ts';
import type { Repository } from './rows/repository.ts';
import type { Job, Run, Workflow } from './rows/run.ts';
import { type Commit, readCommit } from './shapes/commit.ts';
import { jobShape, runShape, workflowShape } from './shapes/run.ts';
import { emit } from './webhooks.ts';
import { parseWorkflow, readConcurrency, renderRunName, type WorkflowFile } from './workflow-file.ts';

export type NewRun = Pick<
  Run,
  | 'from_fork'
  | 'event'
  | 'event_payload'
  | 'actor'
  | 'ref'
  | 'sha'
  | 'base_ref'
  | 'head_ref'
  | 'head_branch'
  | 'head_sha'
> & {
  repo: Repository;
  file: WorkflowFile;
  title: string;
  inputs?: Record<string, string>;
  pull_numbers?: number[];
  /** A person with write access has to approve it first. */
  held?: boolean;
};

export async function createRun(hub: Hub, options: NewRun): Promise<Run> {
  const { repo, file, title, inputs = {}, pull_numbers = [], held = false, ...given } = options;
  const workflow = knownWorkflow(hub, repo, file);
  const run_number = hub.db.filter('runs', (one) => one.workflow_id === workflow.id).length + 1;
  const now = timestamp();
  const run: Run = {
    id: hub.db.nextId(),
    repository_id: repo.id,
    workflow_id: workflow.id,
    path: file.path,
    workflow_text: file.text,
    name: file.name,
    display_title: title,
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
  const named = file.runName && renderRunName(file.runName, runContexts(repo, run));
  run.display_title = named?.trim() || title;
  hub.db.put('runs', run.id, run);
  const event = { hub, repo, run, commit: await readCommit(hub.git(repo), given.head_sha) };
  emitRun({ ...event, action: 'requested' });
  const refused = refusedByProtection(repo, run);
  if (refused) await finishRun(event, 'failure', refused);
  else if (held) await finishRun(event, 'action_required');
  else await admit(event);
  return run;
}

/** Queues a run, or lets it wait for its concurrency group. */
export async function admit(event: RunEvent): Promise<void> {
  const { hub, repo, run } = event;
  try {
    const file = parseWorkflow(run.path, run.workflow_text);
    const setting = 'fault' in file ? undefined : readConcurrency(file.concurrency, runContexts(repo, run));
    const member = setting && { ...setting, id: String(run.id), repository_id: repo.id };
    const { place, displaced } = member ? enterGroup(hub, member) : { place: 'running', displaced: [] };
    run.status = place === 'running' ? 'queued' : 'pending';
    hub.db.put('runs', run.id, run);
    if (place === 'full') await finishRun(event, 'cancelled', displacedBy(setting?.group ?? ''));
    await displace(hub, displaced, setting?.group ?? '');
  } catch (fault) {
    await finishRun(
      event,
      'startup_failure',
      `${run.path}: ${fault instanceof Error ? fault.message : fault}`,
    );
  }
  hub.wakeRunners();
}

/** What expressions of a workflow can see before any of its jobs runs. */
function runContexts(repo: Repository, run: Run): Record<string, unknown> {
  const github = {
    ...{ actor: run.actor, triggering_actor: run.triggering_actor, event: run.event_payload },
    ...{ event_name: run.event, ref: run.ref, ref_name: run.ref.replace(/^refs\/(heads|tags|pull)\//, '') },
    ...{ ref_type: run.ref.startsWith('refs/tags/') ? 'tag' : 'branch', sha: run.sha, workflow: run.name },
    ...{ run_id: String(run.id), run_number: run.run_number, run_attempt: String(run.attempt) },
    ...{ head_ref: run.head_ref, base_ref: run.base_ref, repository: `${repo.owner}/${repo.name}` },
    ...{ repository_owner: repo.owner, repository_id: String(repo.id) },
  };
  return { github, inputs: run.inputs, vars: repo.vars };
}

function displacedBy(group: string): string {
  return `Canceling since a higher priority waiting request for ${group} exists`;
}

/** Cancels those that a newcomer of their concurrency group displaced. */
export async function displace(hub: Hub, members: string[], group: string): Promise<void> {
  for (const member of members) {
    const run = hub.db.get('runs', member.split('/')[0] ?? '');
    const turn = hub.db.get('turns', member);
    const gone = { state: 'cancelled' as const, message: displacedBy(group) };
    if (turn) hub.db.put('turns', member, Object.assign(turn, gone));
    else if (run) await cancelRun(hub, run, { message: displacedBy(group) });
  }
  hub.wakeRunners();
}

/** A run or job has ended: those that it held back go on. */
function release(hub: Hub, member: string): void {
  for (const next of leaveGroups(hub, member)) {
    const run = hub.db.get('runs', next);
    if (run?.status === 'pending') hub.db.put('runs', run.id, Object.assign(run, { status: 'queued' }));
  }
  hub.wakeRunners();
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

export async function runEvent(hub: Hub, run: Run): Promise<RunEvent> {
  const repo = repositoryOf(hub, run);
  return { hub, repo, run, commit: await readCommit(hub.git(repo), run.head_sha) };
}

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

/** What a runner says of its run. An update after the end, or of an attempt before, changes nothing. */
export async function updateRun(hub: Hub, run: Run, update: RunUpdate): Promise<void> {
  if (run.status === 'completed' || (update.attempt ?? run.attempt) !== run.attempt) return;
  const event = await runEvent(hub, run);
  const { repo } = event;
  const hadBegun = jobsOf(hub, run).some(hasBegun);
  run.updated_at = timestamp();
  run.message = update.message ?? run.message;
  for (const state of update.jobs ?? []) updateJob({ hub, repo, run, state });
  const begun = update.status === 'in_progress' || update.status === 'completed';
  if (begun && (run.status === 'queued' || (run.status === 'waiting' && !hadBegun))) {
    run.status = statusOfOpen(hub, run);
    emitRun({ ...event, action: 'in_progress' });
  }
  if (update.status === 'completed') await finishRun(event, update.conclusion ?? 'success');
  hub.db.put('runs', run.id, run);
}

export async function finishRun(event: RunEvent, conclusion: string, message?: string): Promise<void> {
  const { hub, repo, run } = event;
  for (const job of jobsOf(hub, run).filter(({ status }) => status !== 'completed')) {
    const ended = conclusion === 'cancelled' ? ('cancelled' as const) : ('failure' as const);
    const state = { ...job, status: 'completed' as const, conclusion: ended, completed_at: timestamp() };
    // As on GitHub, why it ended is an annotation of the job: nothing else tells a lost runner from a failed step.
    const why = message ?? run.message;
    if (why && ended === 'failure') {
      state.annotations = [...job.annotations, { level: 'failure', message: why }];
    }
    updateJob({ hub, repo, run, state });
  }
  run.status = 'completed';
  run.conclusion = conclusion;
  run.message = message ?? run.message;
  run.updated_at = timestamp();
  // A job's token dies with its run.
  for (const key of run.token_keys) hub.db.remove('tokens', key);
  run.token_keys = [];
  hub.db.put('runs', run.id, run);
  for (const turn of hub.db.filter('turns', (one) => one.run_id === run.id)) {
    hub.db.remove('turns', turn.id);
    release(hub, turn.id);
  }
  release(hub, String(run.id));
  emitRun({ ...event, action: 'completed' });
}

function updateJob(options: { hub: Hub; repo: Repository; run: Run; state: JobState }): void {
  const { hub, repo, run, state } = options;
  const known = jobsOf(hub, run).find(({ key }) => key === state.key);
  const job: Job = { ...(known ?? newJob({ hub, repo, run, state })), ...state };
  // Why a job that has not begun waits is known here, not to its runner.
  if (known && state.status === 'queued') job.status = known.status;
  if (known && JSON.stringify(known) === JSON.stringify(job)) return;
  hub.db.put('jobs', job.id, job);
  mirrorCheck({ hub, repo, run, job });
  if (!known) emitJob({ hub, repo, run, job, action: 'queued' });
  if (job.status === 'in_progress' && known?.status !== 'in_progress') {
    emitJob({ hub, repo, run, job, action: 'in_progress' });
    followDeployment({ hub, repo, run, job });
  }
  if (job.status !== 'completed' || known?.status === 'completed') return;
  emitJob({ hub, repo, run, job, action: 'completed' });
  followDeployment({ hub, repo, run, job });
  const member = `${run.id}/${job.key}`;
  hub.db.remove('turns', member);
  release(hub, member);
}

/** A job that has not begun waits for its group (`pending`), its environment (`waiting`) or no more (`queued`). */
export function holdJob(hub: Hub, run: Run, key: string, status: 'pending' | 'waiting' | 'queued'): void {
  const job = jobsOf(hub, run).find((one) => one.key === key);
  const repo = repositoryOf(hub, run);
  if (!job || job.status === status || job.status === 'completed') return;
  hub.db.put('jobs', job.id, Object.assign(job, { status }));
  mirrorCheck({ hub, repo, run, job });
  if (status === 'waiting') emitJob({ hub, repo, run, job, action: 'waiting' });
  const begun = run.status === 'in_progress' || jobsOf(hub, run).some(hasBegun);
  const open = statusOfOpen(hub, run) === 'waiting' ? 'waiting' : begun ? 'in_progress' : 'queued';
  hub.db.put('runs', run.id, Object.assign(run, { status: open, updated_at: timestamp() }));
}

function hasBegun({ status }: Job): boolean {
  return status === 'in_progress' || status === 'completed';
}

function statusOfOpen(hub: Hub, run: Run): 'waiting' | 'in_progress' {
  return jobsOf(hub, run).some(({ status }) => status === 'waiting') ? 'waiting' : 'in_progress';
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

/** A run that no runner has ends at once; a running one when its runner has heard of it. */
export async function cancelRun(
  hub: Hub,
  run: Run,
  how: { force?: boolean; message?: string } = {},
): Promise<void> {
  if (run.status === 'completed') return;
  if (run.claimed_by === null) return finishRun(await runEvent(hub, run), 'cancelled', how.message);
  const { force = false, message = run.message } = how;
  Object.assign(run, { cancel_requested: true, force_cancel: force || run.force_cancel, message });
  hub.db.put('runs', run.id, run);
  hub.wakeRunners();
}

/**
 * A runner that died says nothing: its runs end as failures, as on GitHub, or as cancelled where a person had
 * asked for that. `since` counts for runs of a former life.
 */
export async function endLostRuns(hub: Hub, limit: { since: number; silentMs: number }): Promise<void> {
  for (const run of hub.db.filter('runs', (one) => one.status !== 'completed' && one.claimed_by !== null)) {
    if (Date.now() - (hub.lastSeen.get(run.id) ?? limit.since) < limit.silentMs) continue;
    const message = `The runner ${run.claimed_by} lost communication with the server.`;
    const conclusion = run.cancel_requested ? 'cancelled' : 'failure';
    await updateRun(hub, run, { status: 'completed', conclusion, message });
  }
  await hub.db.committed();
}

/** A run that no runner takes for a day is cancelled (GitHub docs, actions/reference/limits: job queue time). */
export async function endUnclaimedRuns(hub: Hub, queuedMs: number): Promise<void> {
  const waits = (run: Run) => run.status === 'queued' && run.claimed_by === null;
  for (const run of hub.db.filter('runs', waits)) {
    if (Date.now() - Date.parse(run.run_started_at) < queuedMs) continue;
    const message = `No runner took this run within ${queuedMs / 3_600_000} hours.`;
    await finishRun(await runEvent(hub, run), 'cancelled', message);
  }
  await hub.db.committed();
}
