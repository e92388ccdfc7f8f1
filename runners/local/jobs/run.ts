import type { ClaimedRun, JobState } from '../protocol.ts';
import type { Concurrency } from './concurrency.ts';
import { githubContext, inputsContext } from './contexts.ts';
import { evaluate, evaluateCondition, evaluateText, type Json, type Scope } from './expression.ts';
import { executeJob, type JobOutcome, type JobResult } from './job.ts';
import { type Combination, expandMatrix, matrixJobName } from './matrix.ts';
import type { Reporter } from './reporter.ts';
import type { Host } from './session.ts';
import type { Slots } from './slots.ts';
import type { Template } from './template.ts';
import type { Job, Workflow } from './workflow.ts';

export type RunInput = {
  host: Host;
  run: ClaimedRun;
  workflow: Workflow;
  reporter: Reporter;
  slots: Slots;
  concurrency: Concurrency;
  cancel: AbortController;
};
export type RunConclusion = 'success' | 'failure' | 'cancelled';

type Graph = RunInput & {
  contexts: Record<'github' | 'inputs' | 'vars', Json>;
  outcome: (id: string) => Promise<JobOutcome & { tolerated: boolean }>;
};

/** Runs all jobs of a run in the order of their needs. */
export async function executeRun(input: RunInput): Promise<RunConclusion> {
  const { run, workflow, cancel } = input;
  const contexts = {
    github: githubContext(run, workflow),
    inputs: inputsContext(run, workflow),
    vars: run.vars,
  };
  const outcomes = new Map<string, Promise<JobOutcome & { tolerated: boolean }>>();
  const graph: Graph = { ...input, contexts, outcome };

  function outcome(id: string): Promise<JobOutcome & { tolerated: boolean }> {
    const job = workflow.jobs.find((candidate) => candidate.id === id);
    if (!job) throw new Error(`job '${id}' does not exist`);
    const known = outcomes.get(id) ?? runNode(graph, job);
    outcomes.set(id, known);
    return known;
  }

  const id = `run ${run.id}`;
  return inGroup(
    { graph, template: workflow.concurrency, scope: jobScope(graph, {}), id, cancel },
    async () => {
      const results = await Promise.all(workflow.jobs.map((job) => outcome(job.id)));
      if (results.some(({ result, tolerated }) => result === 'failure' && !tolerated)) return 'failure';
      return results.some(({ result }) => result === 'cancelled') || cancel.signal.aborted
        ? 'cancelled'
        : 'success';
    },
  );
}

/** One entry of `jobs:`; with a matrix, all of its jobs. */
async function runNode(graph: Graph, job: Job): Promise<JobOutcome & { tolerated: boolean }> {
  const needed = await ancestors(graph, job);
  const needs = Object.fromEntries(job.needs.map((id) => [id, plain(needed.get(id))]));
  const scope = jobScope(
    graph,
    needs,
    [...needed.values()].map(({ result }) => result),
  );
  try {
    if (!evaluateCondition(job.condition, scope))
      return endAtOnce(graph, job, graph.cancel.signal.aborted ? 'cancelled' : 'skipped');
    const { combinations, failFast, maxParallel } = strategyOf(job, scope);
    return await runMatrix({ graph, job, scope, needs, combinations, failFast, maxParallel });
  } catch (fault) {
    return endAtOnce(graph, job, 'failure', fault instanceof Error ? fault.message : String(fault));
  }
}

type Strategy = { combinations: (Combination | null)[]; failFast: boolean; maxParallel: number };

function strategyOf(job: Job, scope: Scope): Strategy {
  const matrix = job.strategy.get('matrix');
  const combinations = matrix === undefined ? [null] : expandMatrix(evaluate(matrix, scope));
  const maxParallel = Number(evaluate(job.strategy.get('max-parallel') ?? combinations.length, scope));
  return {
    combinations,
    failFast: evaluate(job.strategy.get('fail-fast') ?? true, scope) !== false,
    maxParallel,
  };
}

async function runMatrix(
  input: Strategy & { graph: Graph; job: Job; scope: Scope; needs: Json },
): Promise<JobOutcome & { tolerated: boolean }> {
  const { graph, job, combinations } = input;
  const cancel = cancelOf(graph, job, input.scope);
  const lanes = Math.max(1, Math.min(input.maxParallel, combinations.length));
  const waiting = combinations.map((combination, index) => {
    const strategy = {
      'fail-fast': input.failFast,
      'job-index': index,
      'job-total': combinations.length,
      'max-parallel': lanes,
    };
    return placeJob({ ...input, combination, strategy, index });
  });
  const outcomes: (JobOutcome & { tolerated: boolean })[] = [];
  async function lane(): Promise<void> {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const outcome = await runPlaced(graph, next, cancel);
      if (outcome.result === 'failure' && !outcome.tolerated && input.failFast)
        cancel.abort('another job of the matrix failed');
      outcomes[next.index] = outcome;
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane));
  return merge(outcomes);
}

type Placed = {
  job: Job;
  state: JobState;
  scope: Scope;
  contexts: { needs: Json; matrix: Json; strategy: Json };
  index: number;
};

/** Makes the job visible: from now on it is queued. */
function placeJob(input: {
  graph: Graph;
  job: Job;
  scope: Scope;
  needs: Json;
  combination: Combination | null;
  strategy: Json;
  index: number;
}): Placed {
  const { graph, job, combination, strategy, index, needs } = input;
  const matrix = combination ?? {};
  const scope = { ...input.scope, contexts: { ...input.scope.contexts, matrix, strategy } };
  const fallback = matrixJobName(job.id, matrix);
  const state: JobState = {
    ...newState(combination ? `${job.id}-${index}` : job.id, fallback),
    name: job.name === null ? fallback : evaluateText(job.name, scope) || fallback,
    labels: labelsOf(evaluate(job.runsOn, scope)),
  };
  graph.reporter.add(state);
  return { job, state, scope, contexts: { needs, matrix, strategy }, index };
}

async function runPlaced(
  graph: Graph,
  placed: Placed,
  cancel: AbortController,
): Promise<JobOutcome & { tolerated: boolean }> {
  const { job, state, scope } = placed;
  const { host, run, workflow, reporter } = graph;
  const own = new AbortController();
  const tolerated = evaluate(job.continueOnError, scope) === true;
  cancel.signal.addEventListener('abort', () => own.abort(cancel.signal.reason), { once: true });
  if (cancel.signal.aborted) own.abort(cancel.signal.reason);

  const outcome = await inGroup(
    { graph, template: job.concurrency, scope, id: `run ${run.id} ${state.key}`, cancel: own },
    async () => {
      if (!(await placeIsFree(graph, state, own.signal)))
        return { result: 'cancelled' as const, outputs: {} };
      try {
        state.status = 'in_progress';
        state.started_at = new Date().toISOString();
        state.runner_name = host.name;
        reporter.changed(state);
        const contexts = {
          ...placed.contexts,
          github: githubContext(run, workflow),
          inputs: graph.contexts.inputs,
        };
        return await executeJob({
          host,
          run,
          workflow,
          job,
          state,
          contexts,
          cancel: own.signal,
          changed: () => reporter.changed(state),
        });
      } finally {
        graph.slots.give();
      }
    },
  ).catch((fault) => {
    state.annotations.push({
      level: 'failure',
      message: fault instanceof Error ? fault.message : String(fault),
    });
    return { result: 'failure' as const, outputs: {} };
  });
  const result = outcome === 'cancelled' ? { result: 'cancelled' as const, outputs: {} } : outcome;
  complete(graph, state, result.result);
  return { ...result, tolerated };
}

/** Waits for a slot of this runner; a job with labels that it lacks stays queued until it is cancelled. */
async function placeIsFree(graph: Graph, state: JobState, signal: AbortSignal): Promise<boolean> {
  const own = graph.host.labels.map((label) => label.toLowerCase());
  const missing = state.labels.filter((label) => !own.includes(label.toLowerCase()));
  if (missing.length === 0) return !signal.aborted && graph.slots.take(signal);
  graph.host.log(
    `job ${state.key} of run ${graph.run.id} waits for a runner with the labels ${missing.join(', ')}`,
  );
  await new Promise((resolve) =>
    signal.aborted ? resolve(null) : signal.addEventListener('abort', resolve, { once: true }),
  );
  return false;
}

/** Does `work` when the concurrency group lets it; 'cancelled' when it never gets its turn. */
async function inGroup<T>(
  input: { graph: Graph; template: Template | undefined; scope: Scope; id: string; cancel: AbortController },
  work: () => Promise<T>,
): Promise<T | 'cancelled'> {
  if (input.template === undefined) return work();
  const { group, entry } = concurrencyOf(evaluate(input.template, input.scope), input.id);
  const name = `${input.graph.run.repository.id}:${group.toLowerCase()}`;
  try {
    const mayRun = await input.graph.concurrency.join(name, entry, input.cancel);
    return mayRun ? await work() : 'cancelled';
  } finally {
    input.graph.concurrency.leave(name, input.id);
  }
}

function concurrencyOf(value: Json, id: string) {
  const setting =
    typeof value === 'object' && value !== null && !Array.isArray(value) ? value : { group: value };
  const entry = {
    id,
    cancelInProgress: setting['cancel-in-progress'] === true,
    queue: setting.queue === 'max' ? ('max' as const) : ('single' as const),
  };
  return { group: String(setting.group ?? ''), entry };
}

/** All jobs that this one needs, directly or not: success() asks them all. */
async function ancestors(graph: Graph, job: Job): Promise<Map<string, JobOutcome>> {
  const found = new Map<string, JobOutcome>();
  for (const id of job.needs) {
    found.set(id, await graph.outcome(id));
    const needed = graph.workflow.jobs.find((candidate) => candidate.id === id);
    if (needed) for (const [key, value] of await ancestors(graph, needed)) found.set(key, value);
  }
  return found;
}

/** Fires with the run's cancellation, unless the job's own `if:` says it runs even then. */
function cancelOf(graph: Graph, job: Job, scope: Scope): AbortController {
  const cancel = new AbortController();
  const onCancel = () => {
    if (!evaluateCondition(job.condition, scope)) cancel.abort(graph.cancel.signal.reason);
  };
  if (graph.cancel.signal.aborted) onCancel();
  else graph.cancel.signal.addEventListener('abort', onCancel, { once: true });
  return cancel;
}

function jobScope(graph: Pick<Graph, 'contexts' | 'cancel'>, needs: Json, results: JobResult[] = []): Scope {
  const cancelled = () => graph.cancel.signal.aborted;
  return {
    contexts: { ...graph.contexts, needs },
    functions: {
      success: () => !cancelled() && results.every((result) => result === 'success'),
      failure: () => !cancelled() && results.some((result) => result === 'failure'),
      cancelled,
    },
  };
}

function endAtOnce(
  graph: Graph,
  job: Job,
  result: JobResult,
  message?: string,
): JobOutcome & { tolerated: boolean } {
  const state = newState(job.id, typeof job.name === 'string' ? job.name : job.id);
  if (message !== undefined) state.annotations.push({ level: 'failure', message });
  graph.reporter.add(state);
  complete(graph, state, result);
  return { result, outputs: {}, tolerated: false };
}

function newState(key: string, name: string): JobState {
  return {
    key,
    name,
    labels: [],
    status: 'queued',
    conclusion: null,
    started_at: null,
    completed_at: null,
    runner_name: null,
    steps: [],
    annotations: [],
    summary: '',
  };
}

function complete(graph: Graph, state: JobState, result: JobResult): void {
  state.status = 'completed';
  state.conclusion = result;
  state.completed_at = new Date().toISOString();
  graph.reporter.changed(state);
}

/** A matrix is as good as its worst job; of equal outputs the last that is not empty counts. */
function merge(outcomes: (JobOutcome & { tolerated: boolean })[]): JobOutcome & { tolerated: boolean } {
  const results = outcomes.map(({ result, tolerated }) =>
    result === 'failure' && tolerated ? 'success' : result,
  );
  const result =
    (['failure', 'cancelled', 'success'] as const).find((candidate) => results.includes(candidate)) ??
    'skipped';
  return { result, outputs: Object.assign({}, ...outcomes.map(({ outputs }) => outputs)), tolerated: false };
}

function plain(outcome: JobOutcome | undefined): Json {
  return outcome ? { result: outcome.result, outputs: outcome.outputs } : {};
}

function labelsOf(runsOn: Json): string[] {
  if (Array.isArray(runsOn)) return runsOn.map(String);
  if (typeof runsOn === 'object' && runsOn !== null) return labelsOf(runsOn.labels ?? []);
  return runsOn === null ? [] : [String(runsOn)];
}
