import type { JobState } from '../protocol.ts';
import { calledPath, callInputs, callOutputs, callSecrets } from './called.ts';
import { githubContext, inputsContext } from './contexts.ts';
import { evaluate, evaluateCondition, type Json, type Scope } from './expression.ts';
import { type Call, type Graph, newJobState, type RunInput } from './graph.ts';
import type { JobOutcome, JobResult } from './job-plan.ts';
import { type Combination, expandMatrix } from './matrix.ts';
import { tokenPermissions } from './permissions.ts';
import { keyIn, nameIn, type Place, planPlace, runPlace, tolerant } from './place.ts';
import type { Job, Workflow } from './workflow.ts';

export type RunConclusion = 'success' | 'failure' | 'cancelled';

/** Runs all jobs of a run in the order of their needs. */
export async function executeRun(input: RunInput): Promise<RunConclusion> {
  const { run, workflow, cancel } = input;
  const contexts = {
    github: githubContext(run, workflow),
    inputs: inputsContext(run, workflow),
    vars: run.vars,
  };
  const outcomes = await runJobs({ ...input, contexts, call: null });
  const result = worstOf(outcomes);
  if (result === 'failure') return 'failure';
  return result === 'cancelled' || cancel.signal.aborted ? 'cancelled' : 'success';
}

/** Runs the jobs of a workflow, the run's own or a called one. */
async function runJobs(input: Omit<Graph, 'outcome'>): Promise<Map<string, JobOutcome>> {
  const { workflow } = input;
  const outcomes = new Map<string, Promise<JobOutcome>>();
  const graph: Graph = { ...input, outcome };
  function outcome(id: string): Promise<JobOutcome> {
    const known = outcomes.get(id) ?? runNode(graph, jobOf(workflow, id));
    outcomes.set(id, known);
    return known;
  }
  const ended = workflow.jobs.map(async ({ id }) => [id, await outcome(id)] as const);
  return new Map(await Promise.all(ended));
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
    if (graph.force.aborted) return endAtOnce(graph, job, 'cancelled');
    if (!evaluateCondition(job.condition, scope)) {
      return endAtOnce(graph, job, isCancelled(graph) ? 'cancelled' : 'skipped');
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
  // A calling job is not shown, and one that this re-run leaves out is already.
  const shown = waiting.filter(({ state }) => job.call === null && !graph.run.kept[state.key]);
  for (const { state } of shown) graph.reporter.add(state);

  const cancel = cancelOf(graph, job, scope);
  const outcomes: JobOutcome[] = [];
  async function lane(): Promise<void> {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const outcome = keptOutcome(graph, next) ?? (await perform(graph, next, cancel.signal));
      if (outcome.result === 'failure' && failFast) cancel.abort('another job of the matrix failed');
      outcomes[next.index] = outcome;
    }
  }
  await Promise.all(Array.from({ length: maxParallel }, lane));
  return merge(outcomes);
}

function perform(graph: Graph, place: Place, cancel: AbortSignal): Promise<JobOutcome> {
  return place.job.call === null ? runPlace(graph, place, cancel) : runCalled(graph, place, cancel);
}

/** The result that stands from the attempt before, where this re-run leaves the job out. */
function keptOutcome({ run }: Graph, place: Pick<Place, 'state' | 'tolerated'>): JobOutcome | null {
  const kept = run.kept[place.state.key];
  if (!kept) return null;
  const result = kept.result === 'timed_out' ? 'failure' : kept.result;
  return tolerant(place, { result, outputs: kept.outputs });
}

/** A job that calls a workflow is as good as that workflow's jobs. */
async function runCalled(graph: Graph, place: Place, cancel: AbortSignal): Promise<JobOutcome> {
  const { job, scope, state } = place;
  const { run } = graph;
  const workflow = graph.called.get(calledPath(job));
  if (!workflow) throw new Error(`The workflow '${job.call?.uses}' was not read.`);
  const inputs = callInputs(job, workflow, scope);
  const call: Call = { key: state.key, name: state.name, inputs, cancel };
  const default_permissions = tokenPermissions({
    ...{ job: job.permissions, workflow: graph.workflow.permissions, defaults: run.default_permissions },
  });
  const secrets = callSecrets(job, run.secrets, scope);
  const outcomes = await runJobs({
    ...graph,
    ...{ workflow, call, run: { ...run, default_permissions, secrets } },
    contexts: { ...graph.contexts, inputs },
  });
  const inside = jobScope({ contexts: { ...graph.contexts, inputs }, cancel: graph.cancel, call: null }, {});
  const outputs = callOutputs(workflow, inside, Object.fromEntries(outcomes));
  return { result: worstOf(outcomes), outputs };
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
async function ancestors(
  graph: Graph,
  job: Job,
  found = new Map<string, JobOutcome>(),
): Promise<Map<string, JobOutcome>> {
  for (const id of job.needs) {
    if (found.has(id)) continue;
    found.set(id, await graph.outcome(id));
    await ancestors(graph, jobOf(graph.workflow, id), found);
  }
  return found;
}

/** Fires with the run's cancellation, unless the job's own `if:` says that it runs even then. */
function cancelOf(graph: Graph, job: Job, scope: Scope): AbortController {
  const cancel = new AbortController();
  const onCancel = () => {
    if (!evaluateCondition(job.condition, scope)) cancel.abort(graph.cancel.signal.reason);
  };
  for (const signal of [graph.cancel.signal, ...(graph.call ? [graph.call.cancel] : [])]) {
    if (signal.aborted) onCancel();
    else signal.addEventListener('abort', onCancel, { once: true });
  }
  const onForce = () => cancel.abort(graph.force.reason);
  graph.force.addEventListener('abort', onForce, { once: true });
  return cancel;
}

function isCancelled({ cancel, call }: Pick<Graph, 'cancel' | 'call'>): boolean {
  return cancel.signal.aborted || call?.cancel.aborted === true;
}

function jobScope(
  graph: Pick<Graph, 'contexts' | 'cancel' | 'call'>,
  needs: Json,
  results: JobResult[] = [],
): Scope {
  const cancelled = () => isCancelled(graph);
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
  const key = keyIn(graph, job.id);
  const kept = graph.run.kept[key];
  if (kept) return { result: kept.result === 'timed_out' ? 'failure' : kept.result, outputs: kept.outputs };
  const now = new Date().toISOString();
  const state: JobState = {
    ...newJobState(key, nameIn(graph, typeof job.name === 'string' ? job.name : job.id)),
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
  return {
    result: worstOf(new Map(outcomes.entries())),
    outputs: Object.assign({}, ...outcomes.map(({ outputs }) => outputs)),
  };
}

function worstOf(outcomes: ReadonlyMap<unknown, JobOutcome>): JobResult {
  const results = [...outcomes.values()].map(({ result }) => result);
  return (['failure', 'cancelled', 'success'] as const).find((one) => results.includes(one)) ?? 'skipped';
}

const noOutcome: JobOutcome = { result: 'skipped', outputs: {} };

function jobOf(workflow: Workflow, id: string): Job {
  const job = workflow.jobs.find((candidate) => candidate.id === id);
  if (!job) throw new Error(`The workflow has no job '${id}'.`);
  return job;
}
