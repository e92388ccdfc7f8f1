import type { JobState, TurnAnswer, TurnRequest } from '../protocol.ts';
import { evaluate, evaluateText, type Json, type Scope } from './expression.ts';
import { type Graph, newJobState } from './graph.ts';
import { executeJob } from './job.ts';
import type { JobOutcome } from './job-plan.ts';
import { type Combination, matrixJobName } from './matrix.ts';
import { mapOf, type Template } from './template.ts';
import type { Job } from './workflow.ts';

/** One job as it will run: an entry of `jobs:` with its place in the matrix. */
export type Place = {
  job: Job;
  index: number;
  state: JobState;
  scope: Scope;
  contexts: { needs: Json; matrix: Json; strategy: Json };
  timeoutMinutes: number;
  /** `continue-on-error`: a failure is shown, but counts as success. */
  tolerated: boolean;
};

export function planPlace(input: {
  graph: Pick<Graph, 'call'>;
  job: Job;
  index: number;
  scope: Scope;
  needs: Json;
  combination: Combination | null;
  strategy: Json;
}): Place {
  const { graph, job, index, combination, strategy, needs } = input;
  const matrix = combination ?? {};
  const scope = { ...input.scope, contexts: { ...input.scope.contexts, matrix, strategy } };
  const fallback = matrixJobName(job.id, matrix);
  const name = (job.name !== null && evaluateText(job.name, scope)) || fallback;
  return {
    job,
    index,
    scope,
    contexts: { needs, matrix, strategy },
    state: {
      ...newJobState(keyIn(graph, combination ? `${job.id}-${index}` : job.id), nameIn(graph, name)),
      labels: labelsOf(evaluate(job.runsOn, scope)),
    },
    timeoutMinutes: Number(evaluate(job.timeoutMinutes, scope)),
    tolerated: evaluate(job.continueOnError, scope) === true,
  };
}

/** `call.train` and `call / train`: a job of a called workflow bears its caller's key and name. */
export function keyIn({ call }: Pick<Graph, 'call'>, key: string): string {
  return call ? `${call.key}.${key}` : key;
}
export function nameIn({ call }: Pick<Graph, 'call'>, name: string): string {
  return call ? `${call.name} / ${name}` : name;
}

/** Waits for the job's turn and a slot, runs it, and reports how it ended. */
export async function runPlace(graph: Graph, place: Place, cancel: AbortSignal): Promise<JobOutcome> {
  const { state } = place;
  const own = new AbortController();
  const stop = () => own.abort(cancel.reason);
  if (cancel.aborted) stop();
  else cancel.addEventListener('abort', stop, { once: true });
  graph.jobCancels.set(state.key, own);
  const ended = await runInTurn(graph, place, own.signal).catch((fault): JobOutcome => {
    const message = fault instanceof Error ? fault.message : String(fault);
    state.annotations.push({ level: 'failure', message });
    return { result: 'failure', outputs: {} };
  });
  graph.jobCancels.delete(state.key);
  cancel.removeEventListener('abort', stop);
  state.status = 'completed';
  state.conclusion = ended.result;
  state.outputs = ended.outputs;
  state.completed_at = new Date().toISOString();
  graph.reporter.changed(state);
  return tolerant(place, ended);
}

export function tolerant({ tolerated }: Pick<Place, 'tolerated'>, ended: JobOutcome): JobOutcome {
  return ended.result === 'failure' && tolerated ? { ...ended, result: 'success' } : ended;
}

/** One question to the server waits this long for an answer, ms. */
const turnMs = 10_000;
const gone: JobOutcome = { result: 'cancelled', outputs: {} };

async function runInTurn(graph: Graph, place: Place, cancel: AbortSignal): Promise<JobOutcome> {
  const lent = await takeTurn(graph, place, cancel);
  return lent ? runInSlot(graph, place, { cancel, lent }) : gone;
}

type Lent = Pick<Extract<TurnAnswer, { state: 'go' }>, 'secrets' | 'vars'>;

/** The server keeps concurrency groups and environments: it says when the job may start, null for never. */
async function takeTurn(graph: Graph, place: Place, cancel: AbortSignal): Promise<Lent | null> {
  const { job, scope, state } = place;
  const request: TurnRequest = {
    name: state.name,
    concurrency: job.concurrency === undefined ? null : readConcurrency(evaluate(job.concurrency, scope)),
    environment: readEnvironment(job.environment, scope),
    wait_ms: turnMs,
  };
  if (!request.concurrency && !request.environment) return { secrets: {}, vars: {} };
  // The server answers for a job that it knows.
  await graph.reporter.flush();
  while (!cancel.aborted) {
    const answer = await graph.host.control.turn(graph.run.id, state.key, request);
    if (answer.state === 'go') return answer;
    if (answer.state === 'cancelled') return null;
    if (answer.state === 'refused') throw new Error(answer.message);
  }
  return null;
}

function readConcurrency(value: Json): TurnRequest['concurrency'] {
  const setting =
    typeof value === 'object' && value !== null && !Array.isArray(value) ? value : { group: value };
  const queue = setting.queue === 'max' ? 'max' : 'single';
  const cancel_in_progress = setting['cancel-in-progress'] === true;
  if (queue === 'max' && cancel_in_progress)
    throw new Error("concurrency: 'queue: max' cannot be combined with 'cancel-in-progress: true'");
  return { group: String(setting.group ?? ''), cancel_in_progress, queue };
}

function readEnvironment(template: Template | undefined, scope: Scope): TurnRequest['environment'] {
  if (template === undefined || template === null) return null;
  const fields = mapOf(template);
  const name = evaluateText(fields.get('name') ?? (fields.size > 0 ? '' : template), scope);
  const deployment = evaluate(fields.get('deployment') ?? true, scope) !== false;
  return name === '' ? null : { name, deployment };
}

async function runInSlot(
  graph: Graph,
  place: Place,
  turn: { cancel: AbortSignal; lent: Lent },
): Promise<JobOutcome> {
  const { state, job, timeoutMinutes } = place;
  const { cancel, lent } = turn;
  const { host, workflow, reporter, force } = graph;
  if (!(await slotIsMine(graph, state, cancel))) return gone;
  try {
    state.status = 'in_progress';
    state.started_at = new Date().toISOString();
    state.runner_name = host.name;
    reporter.begin(state);
    const { github, inputs } = graph.contexts;
    const contexts = { ...place.contexts, github, inputs };
    const changed = () => reporter.changed(state);
    const run = {
      ...graph.run,
      secrets: { ...graph.run.secrets, ...lent.secrets },
      vars: { ...graph.run.vars, ...lent.vars },
    };
    const plan = { host, run, workflow, job, timeoutMinutes, state, contexts, cancel, force, changed };
    return await executeJob(plan);
  } finally {
    graph.slots.give();
  }
}

/** A job whose labels this runner lacks stays queued until it is cancelled, after a day at the latest. */
async function slotIsMine(
  { host, run, slots }: Graph,
  state: JobState,
  cancel: AbortSignal,
): Promise<boolean> {
  if (cancel.aborted) return false;
  const own = host.labels.map((label) => label.toLowerCase());
  const missing = state.labels.filter((label) => !own.includes(label.toLowerCase()));
  if (missing.length === 0) return slots.take(cancel);
  const labels = missing.join(', ');
  host.log(`job ${state.key} of run ${run.id} waits for a runner with the labels ${labels}`);
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      const message = `No runner with the labels ${labels} took the job within ${host.queuedMs / 3_600_000} hours.`;
      state.annotations.push({ level: 'failure', message });
      resolve(false);
    }, host.queuedMs);
    const stop = () => {
      clearTimeout(timer);
      resolve(false);
    };
    cancel.addEventListener('abort', stop, { once: true });
  });
}

function labelsOf(runsOn: Json): string[] {
  if (Array.isArray(runsOn)) return runsOn.map(String);
  if (typeof runsOn === 'object' && runsOn !== null) return labelsOf(runsOn.labels ?? []);
  return runsOn === null ? [] : [String(runsOn)];
}
