import { rmSync } from 'node:fs';
import type { StepState } from '../protocol.ts';
import { readActionReference } from './action-reference.ts';
import { startDeadline } from './deadline.ts';
import { evaluateCondition, evaluateText, evaluateTexts } from './expression.ts';
import { performPre } from './javascript-action.ts';
import type { JobOutcome, JobPlan } from './job-plan.ts';
import { openSession } from './open-session.ts';
import { killOrphans } from './orphans.ts';
import { type Frame, type Host, jobFrame, type Session, scopeOf } from './session.ts';
import { annotate } from './step-io.ts';
import { endStep, runSteps, startStep, stepTitle } from './steps.ts';
import { mapOf } from './template.ts';
import type { Job } from './workflow.ts';

/** How long steps may still run once the job was stopped; GitHub's figure. */
const patienceMs = 5 * 60_000;

/** Runs one job in a folder of its own and leaves no process behind. */
export async function executeJob(plan: JobPlan): Promise<JobOutcome> {
  const deadline = startDeadline(plan.cancel, plan.timeoutMinutes);
  const end = new AbortController();
  let patience: NodeJS.Timeout | undefined;
  const beginPatience = () => {
    patience = setTimeout(() => end.abort(), patienceMs);
  };
  deadline.signal.addEventListener('abort', beginPatience, { once: true });
  const endAtOnce = () => end.abort();
  if (plan.force.aborted) endAtOnce();
  else plan.force.addEventListener('abort', endAtOnce, { once: true });
  try {
    const session = await openSession(plan, { stop: deadline.signal, end: end.signal });
    const outcome = await performJob(plan, session);
    if (deadline.isLate())
      report(session, `The job has exceeded the maximum execution time of ${plan.timeoutMinutes} minutes.`);
    await session.log.flush();
    return outcome;
  } finally {
    deadline.clear();
    clearTimeout(patience);
    plan.force.removeEventListener('abort', endAtOnce);
  }
}

async function performJob(plan: JobPlan, session: Session): Promise<JobOutcome> {
  const frame = jobFrame(session);
  let outputs: Record<string, string> = {};
  try {
    Object.assign(session.env, evaluateTexts(plan.workflow.env, scopeOf(session, frame)));
    Object.assign(session.env, evaluateTexts(plan.job.env, scopeOf(session, frame)));
    const steps = planSteps(session, plan.job);
    await prepareActions(session, frame, plan.job);
    await runSteps({ session, frame, steps: plan.job.steps, states: steps });
    outputs = jobOutputs(plan.job, session, frame);
    const url = mapOf(plan.job.environment).get('url');
    if (url !== undefined) plan.state.environment_url = evaluateText(url, scopeOf(session, frame));
  } catch (fault) {
    frame.failed = true;
    report(session, fault);
  }
  await runPosts(session, frame);
  await cleanUp(session, plan.host);
  const result = frame.failed ? 'failure' : session.stop.aborted ? 'cancelled' : 'success';
  return { result, outputs };
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
    if (session.end.aborted) break;
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

function report(session: Session, fault: unknown): void {
  const message = fault instanceof Error ? fault.message : String(fault);
  annotate(session, { level: 'failure', message });
  session.log.line(`##[error]${message}`);
}
