import { hexOf } from '#lib/formats/digest.ts';
import type { WorkflowRun } from '#lib/github/runs.ts';
import { type JobPlan, jobPlanSchema } from '#lib/lifecycle/plan.ts';
import type { RequestRecord } from '#lib/lifecycle/records.ts';
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

/** One dispatched run from the request to its evidence on record. */
export async function runStage(work: Work, order: StageOrder): Promise<Standing | 'recorded'> {
  const { project, facts, model, store, again } = work;
  const { round, request: last } = await lastRound(project, order.key);
  const outcome = last?.settled?.outcome;
  const failed = outcome === 'fault' || outcome === 'cancelled';
  const retried = outcome === 'superseded' || (again && failed);
  const key = roundKey(order.key, retried ? round + 1 : round);
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
    inputs: last && !retried ? last.inputs : await inputs(),
  });
  const { stage, reasons } = order;
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
  const fault = async (note: string) => {
    const settled = { ...at, outcome: 'fault' as const, note };
    await settleRequest(project, request, { settled, changes: [] });
    return settled;
  };
  const repository = `${project.owner}/${project.repo}`;
  const refusal = refusalOfRun(run, request, { repository, bot: project.bot, branch: project.defaultBranch });
  if (refusal !== null) return fault(refusal);
  if (run.conclusion !== 'success') return fault(`the run ended with ${run.conclusion ?? 'no conclusion'}`);
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
  for (;;) {
    const later = await readRequest(project, roundKey(key, round + 1));
    if (!later) return { round, request };
    round += 1;
    request = later;
  }
}

function roundKey(key: string, round: number): string {
  return `${key}:${round}`;
}
