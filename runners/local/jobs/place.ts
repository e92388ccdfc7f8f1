import type { JobState } from '../protocol.ts';
import { evaluate, evaluateText, type Json, type Scope } from './expression.ts';
import { type Graph, newJobState } from './graph.ts';
import { executeJob } from './job.ts';
import type { JobOutcome } from './job-plan.ts';
import { type Combination, matrixJobName } from './matrix.ts';
import { takeTurn } from './turn.ts';
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
  job: Job;
  index: number;
  scope: Scope;
  needs: Json;
  combination: Combination | null;
  strategy: Json;
}): Place {
  const { job, index, combination, strategy, needs } = input;
  const matrix = combination ?? {};
  const scope = { ...input.scope, contexts: { ...input.scope.contexts, matrix, strategy } };
  const fallback = matrixJobName(job.id, matrix);
  return {
    job,
    index,
    scope,
    contexts: { needs, matrix, strategy },
    state: {
      ...newJobState(combination ? `${job.id}-${index}` : job.id, fallback),
      name: (job.name !== null && evaluateText(job.name, scope)) || fallback,
      labels: labelsOf(evaluate(job.runsOn, scope)),
    },
    timeoutMinutes: Number(evaluate(job.timeoutMinutes, scope)),
    tolerated: evaluate(job.continueOnError, scope) === true,
  };
}

/** Waits for the job's turn and a slot, runs it, and reports how it ended. */
export async function runPlace(graph: Graph, place: Place, cancel: AbortSignal): Promise<JobOutcome> {
  const { state, scope, job } = place;
  const own = new AbortController();
  const stop = () => own.abort(cancel.reason);
  if (cancel.aborted) stop();
  else cancel.addEventListener('abort', stop, { once: true });

  const turn = {
    graph,
    template: job.concurrency,
    scope,
    id: `${graph.run.id}-${graph.run.attempt}/${state.key}`,
    cancel: own,
  };
  const outcome = await takeTurn(turn, () => runInSlot(graph, place, own.signal)).catch(
    (fault): JobOutcome => {
      state.annotations.push({
        level: 'failure',
        message: fault instanceof Error ? fault.message : String(fault),
      });
      return { result: 'failure', outputs: {} };
    },
  );
  cancel.removeEventListener('abort', stop);
  const ended: JobOutcome = outcome === 'cancelled' ? { result: 'cancelled', outputs: {} } : outcome;
  state.status = 'completed';
  state.conclusion = ended.result;
  state.completed_at = new Date().toISOString();
  graph.reporter.changed(state);
  return ended.result === 'failure' && place.tolerated ? { ...ended, result: 'success' } : ended;
}

async function runInSlot(graph: Graph, place: Place, cancel: AbortSignal): Promise<JobOutcome> {
  const { state, job, timeoutMinutes } = place;
  const { host, run, workflow, reporter } = graph;
  if (!(await slotIsMine(graph, state, cancel))) return { result: 'cancelled', outputs: {} };
  try {
    state.status = 'in_progress';
    state.started_at = new Date().toISOString();
    state.runner_name = host.name;
    reporter.changed(state);
    const { github, inputs } = graph.contexts;
    const contexts = { ...place.contexts, github, inputs };
    const changed = () => reporter.changed(state);
    return await executeJob({ host, run, workflow, job, timeoutMinutes, state, contexts, cancel, changed });
  } finally {
    graph.slots.give();
  }
}

/** A job whose labels this runner lacks stays queued until it is cancelled. */
async function slotIsMine(
  { host, run, slots }: Graph,
  state: JobState,
  cancel: AbortSignal,
): Promise<boolean> {
  if (cancel.aborted) return false;
  const own = host.labels.map((label) => label.toLowerCase());
  const missing = state.labels.filter((label) => !own.includes(label.toLowerCase()));
  if (missing.length === 0) return slots.take(cancel);
  host.log(`job ${state.key} of run ${run.id} waits for a runner with the labels ${missing.join(', ')}`);
  return new Promise((resolve) => cancel.addEventListener('abort', () => resolve(false), { once: true }));
}

function labelsOf(runsOn: Json): string[] {
  if (Array.isArray(runsOn)) return runsOn.map(String);
  if (typeof runsOn === 'object' && runsOn !== null) return labelsOf(runsOn.labels ?? []);
  return runsOn === null ? [] : [String(runsOn)];
}
