import { digestOfJson } from '#lib/formats/digest.ts';
import { readEvidence } from '#lib/records/model-history.ts';
import { jobPlan } from './job-plan.ts';
import { takeEvaluation, takeTraining } from './stage-evidence.ts';
import type { StageOrder } from './stage-run.ts';
import type { Standing, Work, WorkStage } from './standing.ts';
import type { UsableTraining } from './trainings.ts';

type Wanted = { stage: WorkStage; reasons: string[]; trainings: UsableTraining[] };

/** What to ask a run for. A standing where nothing can be asked: the data broke their contract. */
export async function orderOf(work: Work, wanted: Wanted): Promise<StageOrder | Standing> {
  if (wanted.stage === 'train') return trainOrder(work, wanted.reasons);
  return wanted.stage === 'data' ? dataOrder(work, wanted) : evaluateOrder(work, wanted);
}

/** The same inputs never ask for a second training, whatever else changes on the pull request. */
export function trainKey({ facts, model, champion }: Work): string {
  const { code, config } = model.merged.digests;
  const { min_rows } = model.merged.problem.data;
  const inputs = { model: model.name, code, config, min_rows, champion: champion?.candidate ?? null };
  return `train:${facts.pull.number}:${digestOfJson(inputs)}`;
}

function trainOrder(work: Work, reasons: string[]): StageOrder {
  return {
    stage: 'train',
    key: trainKey(work),
    reasons,
    plan: () => jobPlan(work, null),
    take: (request, run) => takeTraining(work, request, run),
  };
}

/** The holdout beside the champion of now, for bytes that are trained already. */
function dataOrder(work: Work, { reasons, trainings }: Wanted): StageOrder {
  const { train } = chosen(work, trainings, 'former');
  return {
    stage: 'data',
    key: trainKey(work).replace(/^train:/, 'data:'),
    reasons,
    plan: () => jobPlan(work, null, { trains: false }),
    take: (request, run) => takeTraining(work, request, run, train),
  };
}

async function evaluateOrder(work: Work, { reasons, trainings }: Wanted): Promise<StageOrder | Standing> {
  const { facts, model, champion, project } = work;
  const { gates, policy } = model.merged.digests;
  const training = chosen(work, trainings, 'present');
  const data = await readEvidence(project.state, 'data', training.data);
  if (data.predicate.result.contract.verdict === 'failed') {
    return { state: 'data-failed', run: training.run.id, data };
  }
  const accepted = { run: training.run, data: training.data, train: training.train };
  const rival = champion?.candidate ?? null;
  const inputs = digestOfJson({ model: model.name, accepted, gates, policy, champion: rival });
  return {
    stage: 'evaluate',
    key: `evaluate:${facts.pull.number}:${inputs}`,
    reasons,
    plan: () => jobPlan(work, accepted),
    take: (request, run) => takeEvaluation({ work, request, run, accepted, data }),
  };
}

function chosen({ model }: Work, trainings: UsableTraining[], holdout: UsableTraining['holdout']) {
  const found = trainings.findLast((training) => training.holdout === holdout);
  if (!found) throw new Error(`${model.name}: a stage was planned that no training on record is for`);
  return found.record;
}
