import type { JobState } from '../protocol.ts';
import { githubContext, inputsContext } from './contexts.ts';
import { evaluate, evaluateCondition, type Json, type Scope } from './expression.ts';
import { type Graph, newJobState, type RunInput } from './graph.ts';
import type { JobOutcome, JobResult } from './job-plan.ts';
import { type Combination, expandMatrix } from './matrix.ts';
import { planPlace, runPlace } from './place.ts';
import { takeTurn } from './turn.ts';
import type { Job, Workflow } from './workflow.ts';

export type RunConclusion = 'success' | 'failure' | 'cancelled';

/** Runs all jobs of a run in the order of their needs. */
export async function executeRun(input: RunInput): Promise<RunConclusion> {
  const { run, workflow, cancel } = input;
  const github = githubContext(run, workflow);
  const contexts = { github, inputs: inputsContext(run, workflow), vars: run.vars };
  const outcomes = new Map<string, Promise<JobOutcome>>();
  const graph: Graph = { ...input, contexts, outcome };

  function outcome(id: string): Promise<JobOutcome> {
    const known = outcomes.get(id) ?? runNode(graph, jobOf(workflow, id));
    outcomes.set(id, known);
    return known;
  }
  async function runAll(): Promise<RunConclusion> {
    const results = (await Promise.all(workflow.jobs.map((job) => outcome(job.id)))).map(
      ({ result }) => result,
    );
    if (results.includes('failure')) return 'failure';
    return results.includes('cancelled') || cancel.signal.aborted ? 'cancelled' : 'success';
  }
  const turn = {
    graph,
    template: workflow.concurrency,
    scope: jobScope(graph, {}),
    id: `${run.id}-${run.attempt}`,
    cancel,
  };
  return takeTurn(turn, runAll);
}

/** One entry of `jobs:`; with a matrix, all of its jobs. */
async function runNode(graph: Graph, job: Job): Promise<JobOutcome> {
  const needed = await ancestors(graph, job);
  const needs: Json = Object.fromEntries(job.needs.map((id) => [id, { ...(needed.get(id) ?? noOutcome) }]));
  const scope = jobScope(
    graph,
    needs,
    [...needed.values()].map(({ result }) => result),
  );
  try {
    if (!evaluateCondition(job.condition, scope)) {
      return endAtOnce(graph, job, graph.cancel.signal.aborted ? 'cancelled' : 'skipped');
    }
    return await runMatrix({ graph, job, scope, needs });
  } catch (fault) {
    return endAtOnce(graph, job, 'failure', fault instanceof Error ? fault.message : String(fault));
  }
}

async function runMatrix(input: { graph: Graph; job: Job; scope: Scope; needs: Json }): Promise<JobOutcome> {
  const { graph, job, scope } = input;
  const { combinations, failFast, maxParallel } = readStrategy(evaluate(job.strategy, scope));
  const strategy = { 'fail-fast': failFast, 'job-total': combinations.length, 'max-parallel': maxParallel };
  const waiting = combinations.map((combination, index) =>
    planPlace({ ...input, combination, index, strategy: { ...strategy, 'job-index': index } }),
  );
  for (const { state } of waiting) graph.reporter.add(state);

  const cancel = cancelOf(graph, job, scope);
  const outcomes: JobOutcome[] = [];
  async function lane(): Promise<void> {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const outcome = await runPlace(graph, next, cancel.signal);
      if (outcome.result === 'failure' && failFast) cancel.abort('another job of the matrix failed');
      outcomes[next.index] = outcome;
    }
  }
  await Promise.all(Array.from({ length: maxParallel }, lane));
  return merge(outcomes);
}

function readStrategy(value: Json): {
  combinations: (Combination | null)[];
  failFast: boolean;
  maxParallel: number;
} {
  const strategy = typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
  const combinations = strategy.matrix === undefined ? [null] : expandMatrix(strategy.matrix);
  const wanted = Number(strategy['max-parallel'] ?? combinations.length);
  const maxParallel = Math.min(wanted >= 1 ? Math.floor(wanted) : combinations.length, combinations.length);
  return { combinations, failFast: strategy['fail-fast'] !== false, maxParallel };
}

/** All jobs that this one needs, directly or not: success() asks them all. */
async function ancestors(graph: Graph, job: Job): Promise<Map<string, JobOutcome>> {
  const found = new Map<string, JobOutcome>();
  for (const id of job.needs) {
    found.set(id, await graph.outcome(id));
    for (const [key, value] of await ancestors(graph, jobOf(graph.workflow, id))) found.set(key, value);
  }
  return found;
}

/** Fires with the run's cancellation, unless the job's own `if:` says that it runs even then. */
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
      failure: () => !cancelled() && results.includes('failure'),
      cancelled,
    },
  };
}

function endAtOnce(graph: Graph, job: Job, result: JobResult, message?: string): JobOutcome {
  const now = new Date().toISOString();
  const state: JobState = {
    ...newJobState(job.id, typeof job.name === 'string' ? job.name : job.id),
    status: 'completed',
    conclusion: result,
    completed_at: now,
    annotations: message === undefined ? [] : [{ level: 'failure', message }],
  };
  graph.reporter.add(state);
  return { result, outputs: {} };
}

/** A matrix is as good as its worst job; of outputs with one name the last job's counts. */
function merge(outcomes: JobOutcome[]): JobOutcome {
  const results = outcomes.map(({ result }) => result);
  const result =
    (['failure', 'cancelled', 'success'] as const).find((one) => results.includes(one)) ?? 'skipped';
  return { result, outputs: Object.assign({}, ...outcomes.map(({ outputs }) => outputs)) };
}

const noOutcome: JobOutcome = { result: 'skipped', outputs: {} };

function jobOf(workflow: Workflow, id: string): Job {
  const job = workflow.jobs.find((candidate) => candidate.id === id);
  if (!job) throw new Error(`The workflow has no job '${id}'.`);
  return job;
}
