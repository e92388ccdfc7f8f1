import { hexOf } from '#lib/formats/digest.ts';
import type { WorkflowRun } from '#lib/github/runs.ts';
import { isRunnerLost, RUNNER_TRIES } from '#lib/lifecycle/lost-runner.ts';
import { type JobPlan, jobPlanSchema } from '#lib/lifecycle/plan.ts';
import type { RequestRecord } from '#lib/lifecycle/records.ts';
import { takeRoom } from './budget.ts';
import { EvidenceRefused, refusalOfRun } from './evidence.ts';
import type { Project } from './project.ts';
import { type Ask, readRequest, requestRun, settleRequest } from './request.ts';
import type { Standing, Work, WorkStage } from './standing.ts';

export const TRAIN_WORKFLOW = 'roundhouse.yml';
export const EVALUATE_WORKFLOW = 'roundhouse-evaluate.yml';

export type Run = { id: number; attempt: number };
export type StageOrder = {
  stage: WorkStage;
  key: string;
  reasons: string[];
  plan: () => Promise<JobPlan>;
  /** Reads the run's evidence into the changes that record it. */
  take: (request: RequestRecord, run: Run) => Promise<{ path: string; text: string }[]>;
};

/**
 * One dispatched run from the request to its evidence on record. One that lost its runner is asked for again,
 * until it was tried often enough.
 */
export async function runStage(work: Work, order: StageOrder): Promise<Standing | 'recorded'> {
  const { project, facts, model, store, again } = work;
  const { round, request: last, losses } = await lastRound(project, order.key);
  const outcome = last?.settled?.outcome;
  const isTriedAgain = outcome === 'lost' && losses < RUNNER_TRIES;
  const failed = outcome === 'fault' || outcome === 'cancelled' || outcome === 'lost';
  const retried = outcome === 'superseded' || isTriedAgain || (again && failed);
  const key = roundKey(order.key, retried ? round + 1 : round);
  const isNew = last === null || retried;
  if (isNew && order.stage !== 'evaluate' && facts.policy.budgets !== undefined) {
    const { budgets } = facts.policy;
    const wanted = { key, model: model.name, pull_request: facts.pull.number, budgets };
    const room = await takeRoom(project, wanted);
    if (room.kind === 'spent') {
      return { state: 'over-budget', stage: order.stage, reasons: room.reasons, until: room.until };
    }
  }
  const inputs = async (): Promise<Ask['inputs']> => {
    const plan = hexOf(await store.put(JSON.stringify(jobPlanSchema.parse(await order.plan()))));
    const accepted = order.stage === 'evaluate' ? (await order.plan()).accepted : null;
    return accepted ? { plan, run_id: String(accepted.run.id) } : { plan };
  };
  const request = await requestRun(project, {
    key,
    model: model.name,
    pull_request: facts.pull.number,
    workflow: order.stage === 'evaluate' ? EVALUATE_WORKFLOW : TRAIN_WORKFLOW,
    ref: project.defaultBranch,
    inputs: isNew ? await inputs() : last.inputs,
  });
  const { stage } = order;
  const isAnotherTry = losses > 0 && request.settled === null;
  const reasons = isAnotherTry
    ? [...order.reasons, `try ${losses + 1} of ${RUNNER_TRIES}: the runner was lost`]
    : order.reasons;
  const working: Standing = {
    state: 'working',
    stage,
    run: request.run,
    request_id: request.request_id,
    reasons,
  };
  if (request.settled?.outcome === 'cancelled') {
    return { state: 'fault', stage, run: request.run, note: request.settled.note };
  }
  const run = request.run === null ? null : await project.forge.runs.get(request.run);
  if (run?.status !== 'completed') return working;
  if (request.settled && request.settled.attempt >= run.attempt) {
    return { state: 'fault', stage, run: run.id, note: request.settled.note };
  }
  const settled = await settle({ project, request, run, order });
  if (settled.outcome === 'evidence') return 'recorded';
  if (settled.outcome === 'lost') return runStage(work, order);
  return { state: 'fault', stage, run: run.id, note: settled.note };
}

async function settle({
  project,
  request,
  run,
  order,
}: {
  project: Project;
  request: RequestRecord;
  run: WorkflowRun;
  order: StageOrder;
}): Promise<NonNullable<RequestRecord['settled']>> {
  const at = { attempt: run.attempt };
  const end = async (outcome: 'fault' | 'lost', note: string) => {
    const settled = { ...at, outcome, note };
    await settleRequest(project, request, { settled, changes: [] });
    return settled;
  };
  const fault = (note: string) => end('fault', note);
  const repository = `${project.owner}/${project.repo}`;
  const refusal = refusalOfRun(run, request, { repository, bot: project.bot, branch: project.defaultBranch });
  if (refusal !== null) return fault(refusal);
  if (run.conclusion !== 'success') {
    const { conclusion } = run;
    const failed = await project.forge.runs.failedJobs(run.id);
    if (isRunnerLost({ conclusion, failed })) return end('lost', 'the runner was lost, again and again');
    return fault(`the run ended with ${conclusion ?? 'no conclusion'}`);
  }
  try {
    const changes = await order.take(request, run);
    const settled = { ...at, outcome: 'evidence' as const, note: '' };
    await settleRequest(project, request, { settled, changes });
    return settled;
  } catch (error) {
    if (error instanceof EvidenceRefused) return fault(error.message);
    throw error;
  }
}

/** Whether a run was asked for by this key and is still wanted. */
export async function isAsked(project: Project, key: string): Promise<boolean> {
  const { request } = await lastRound(project, key);
  return request !== null && request.settled?.outcome !== 'superseded';
}

/** Rounds are counted because a fault may be tried again: each try is a request of its own. */
async function lastRound(project: Project, key: string) {
  let round = 1;
  let request = await readRequest(project, roundKey(key, round));
  /** How many in a row lost their runner, of those that have ended. */
  let losses = 0;
  for (;;) {
    if (request?.settled) losses = request.settled.outcome === 'lost' ? losses + 1 : 0;
    const later = await readRequest(project, roundKey(key, round + 1));
    if (!later) return { round, request, losses };
    round += 1;
    request = later;
  }
}

function roundKey(key: string, round: number): string {
  return `${key}:${round}`;
}
