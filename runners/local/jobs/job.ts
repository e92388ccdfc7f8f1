import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClaimedRun, JobState, StepState } from '../protocol.ts';
import { readActionReference } from './action-reference.ts';
import { evaluate, evaluateCondition, evaluateText, evaluateTexts, type Json } from './expression.ts';
import { createJobLog } from './job-log.ts';
import { createMasks } from './masks.ts';
import { killOrphans } from './orphans.ts';
import { tokenPermissions } from './permissions.ts';
import { type Frame, type Host, jobFrame, type Session, scopeOf } from './session.ts';
import { annotate } from './step-io.ts';
import { endStep, runSteps, startStep, stepTitle } from './steps.ts';
import { performPre } from './uses-step.ts';
import type { Job, Workflow } from './workflow.ts';

export type JobResult = 'success' | 'failure' | 'cancelled' | 'skipped';
export type JobOutcome = { result: JobResult; outputs: Record<string, string> };

export type JobPlan = {
  host: Host;
  run: ClaimedRun;
  workflow: Workflow;
  job: Job;
  state: JobState;
  contexts: { github: Record<string, Json>; inputs: Json; needs: Json; matrix: Json; strategy: Json };
  /** Fires when the job is cancelled. */
  cancel: AbortSignal;
  changed: () => void;
};

/** How long steps may still run once the job was stopped; GitHub's figure. */
const patienceMs = 5 * 60_000;

/** Runs one job in a folder of its own and leaves no process behind. */
export async function executeJob(plan: JobPlan): Promise<JobOutcome> {
  const { host } = plan;
  const end = new AbortController();
  const session = await openSession(plan, end.signal);
  const patience = () => setTimeout(() => end.abort(), patienceMs).unref();
  if (session.stop.aborted) patience();
  else session.stop.addEventListener('abort', patience, { once: true });

  const frame = jobFrame(session);
  let outputs: Record<string, string> = {};
  try {
    Object.assign(session.env, evaluateTexts(plan.workflow.env, scopeOf(session, frame)));
    Object.assign(session.env, evaluateTexts(plan.job.env, scopeOf(session, frame)));
    const steps = planSteps(session, plan.job);
    await prepareActions(session, frame, plan.job);
    await runSteps(session, frame, plan.job.steps, steps);
    outputs = jobOutputs(plan.job, session, frame);
    await runPosts(session, frame);
  } catch (fault) {
    frame.failed = true;
    report(session, fault);
  }
  await cleanUp(session, host);
  noteTimeout(plan, session);
  await session.log.flush();
  const result: JobResult = frame.failed ? 'failure' : session.stop.aborted ? 'cancelled' : 'success';
  return { result, outputs };
}

async function openSession(plan: JobPlan, end: AbortSignal): Promise<Session> {
  const { host, run, job, state } = plan;
  const root = join(host.folder, 'work', `${run.id}-${run.attempt}-${state.key}`);
  const folders = {
    root,
    workspace: join(root, run.repository.name, run.repository.name),
    temp: join(root, '_temp'),
    home: join(root, '_home'),
    tools: join(host.folder, 'tools'),
  };
  rmSync(root, { recursive: true, force: true });
  for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true });
  // Without it node would read the package.json of whatever project the folder lies in.
  writeFileSync(join(root, 'package.json'), '{}\n');
  const eventPath = join(folders.temp, 'event.json');
  writeFileSync(eventPath, JSON.stringify(run.event_payload ?? {}));

  const permissions = tokenPermissions({
    job: job.permissions,
    workflow: plan.workflow.permissions,
    defaults: run.default_permissions,
  });
  const token = await host.control.token(run.id, permissions);
  const masks = createMasks();
  for (const secret of [token, ...Object.values(run.secrets)]) masks.add(secret);
  const log = createJobLog({
    masks,
    now: () => new Date(),
    send: (text) => host.control.log(run.id, state.key, text),
  });
  const scope = {
    contexts: { ...plan.contexts, vars: run.vars },
    functions: { success: () => true, failure: () => false, cancelled: () => false },
  };
  const minutes = Number(evaluateText(job.timeoutMinutes, scope));
  const session: Session = {
    host,
    run,
    state,
    folders,
    contexts: {
      ...plan.contexts,
      github: {
        ...plan.contexts.github,
        token,
        job: job.id,
        workspace: folders.workspace,
        event_path: eventPath,
      },
      secrets: { ...run.secrets, GITHUB_TOKEN: token },
    },
    inputs: plan.contexts.inputs,
    defaults: new Map([...plan.workflow.defaults, ...job.defaults]),
    env: {},
    path: [],
    token,
    log,
    masks,
    changed: plan.changed,
    stop: AbortSignal.any([plan.cancel, AbortSignal.timeout(Math.max(1, minutes * 60_000))]),
    end,
    posts: [],
    actionState: new Map(),
    tracking: `${trackingPrefix(host.folder)}${run.id}-${run.attempt}-${state.key}-${randomBytes(6).toString('hex')}`,
    sessions: new Set(),
  };
  log.line(`Current runner: ${host.name}, node ${process.version}`);
  log.line(
    `GITHUB_TOKEN permissions: ${
      Object.entries(permissions)
        .map(([name, level]) => `${name}: ${level}`)
        .join(', ') || 'none'
    }`,
  );
  return session;
}

/** The mark of all processes that jobs of this runner's folder ever start. */
export function trackingPrefix(folder: string): string {
  return `roundhouse:${Buffer.from(folder).toString('base64url')}:`;
}

/** The steps as GitHub shows them: setting up, the job's own, completing. */
function planSteps(session: Session, job: Job): StepState[] {
  const title = (step: Job['steps'][number]) => session.masks.apply(nameOf(session, step));
  const steps = ['Set up job', ...job.steps.map(title), 'Complete job'].map(newStep);
  session.state.steps = steps;
  const [first] = steps;
  if (first) {
    startStep(session, first);
    endStep(session, first, 'success');
  }
  return steps.slice(1, -1);
}

function nameOf(session: Session, step: Job['steps'][number]): string {
  if (step.name === null) return stepTitle(step);
  try {
    return evaluateText(step.name, scopeOf(session, jobFrame(session))) || stepTitle(step);
  } catch {
    return stepTitle(step);
  }
}

function newStep(name: string, index: number): StepState {
  return {
    number: index + 1,
    name,
    status: 'queued',
    conclusion: null,
    started_at: null,
    completed_at: null,
  };
}

async function prepareActions(session: Session, frame: Frame, job: Job): Promise<void> {
  for (const step of job.steps) {
    if (step.kind !== 'uses' || readActionReference(step.uses).kind !== 'package') continue;
    const env = evaluateTexts(step.env, scopeOf(session, frame));
    await performPre(step, {
      session,
      frame,
      scope: scopeOf(session, frame, env),
      env,
      signal: session.stop,
      outputs: {},
    });
  }
}

/** What steps left to be done at the end, the latest first. */
async function runPosts(session: Session, frame: Frame): Promise<void> {
  const last = session.state.steps.pop();
  for (const post of session.posts.toReversed()) {
    if (!evaluateCondition(post.condition, scopeOf(session, frame))) continue;
    const state = newStep(session.masks.apply(post.name), session.state.steps.length);
    session.state.steps.push(state);
    startStep(session, state);
    session.log.line(post.name);
    try {
      await post.perform(session.stop.aborted ? session.end : session.stop);
      endStep(session, state, 'success');
    } catch (fault) {
      frame.failed = true;
      report(session, fault);
      endStep(session, state, 'failure');
    }
  }
  if (last) session.state.steps.push({ ...last, number: session.state.steps.length + 1 });
}

/** An output that contains a secret is dropped, as on GitHub. */
function jobOutputs(job: Job, session: Session, frame: Frame): Record<string, string> {
  const values = Object.entries(evaluateTexts(job.outputs, scopeOf(session, frame)));
  return Object.fromEntries(
    values.filter(([name, value]) => {
      if (!session.masks.hides(value)) return value !== '';
      annotate(session, { level: 'warning', message: `Skip output '${name}' since it may contain secret.` });
      return false;
    }),
  );
}

async function cleanUp(session: Session, host: Host): Promise<void> {
  const last = session.state.steps.at(-1);
  if (last?.status === 'queued') startStep(session, last);
  const { tracking, sessions, folders } = session;
  for (const { pid, name } of await killOrphans({ tracking, sessions, folder: folders.root })) {
    session.log.line(`Terminate orphan process: pid (${pid}) (${name})`);
  }
  try {
    rmSync(folders.root, { recursive: true, force: true, maxRetries: 3 });
  } catch (fault) {
    host.log(`${folders.root} could not be removed: ${fault instanceof Error ? fault.message : fault}`);
  }
  for (const step of session.state.steps) {
    if (step.status !== 'completed') endStep(session, step, step === last ? 'success' : 'skipped');
  }
}

function noteTimeout(plan: JobPlan, session: Session): void {
  if (!session.stop.aborted || plan.cancel.aborted) return;
  const message = `The job has exceeded the maximum execution time of ${evaluate(plan.job.timeoutMinutes, scopeOf(session, jobFrame(session)))} minutes.`;
  annotate(session, { level: 'failure', message });
  session.log.line(`##[error]${message}`);
}

function report(session: Session, fault: unknown): void {
  const message = fault instanceof Error ? fault.message : String(fault);
  annotate(session, { level: 'failure', message });
  session.log.line(`##[error]${message}`);
}
