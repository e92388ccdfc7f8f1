import { decidePlan, type ModelPlan } from '#lib/lifecycle/plan-decision.ts';
import type { EvaluateRecord } from '#lib/lifecycle/records.ts';
import { readChampion, readEvidence, readHistory } from '#lib/records/model-history.ts';
import { causeOf } from './cause.ts';
import { readOverrides } from './overrides.ts';
import type { Project } from './project.ts';
import type { PullFacts, TouchedModel } from './pull-facts.ts';
import { orderOf } from './stage-orders.ts';
import { isAsked, runStage, type StageOrder } from './stage-run.ts';
import type { Standing, Work, WorkStage } from './standing.ts';
import { readTrainings, type UsableTraining } from './trainings.ts';

type Options = { project: Project; facts: PullFacts; model: TouchedModel; again: boolean };
type Stages = Extract<ModelPlan, { state: 'stages' }>;

/** Brings one model of a pull request as far as it can come now: asks for runs, takes their evidence. */
export async function advance(options: Options): Promise<Standing> {
  for (;;) {
    const work = await readWork(options);
    const trainings = await readTrainings(work);
    const plan = await planOf(work, trainings);
    if (plan.state !== 'stages') return standingOf(work, plan);
    const reasons = plan.needs.map(({ stage, reason }) => `${stage}: ${reason}`);
    const order = await orderOf(work, { stage: stageOf(plan), reasons, trainings });
    if ('state' in order) return order;
    if (await isWaiting(work, order)) return { state: 'waiting', reasons };
    const next = await runStage(work, order);
    if (next !== 'recorded') return next;
  }
}

async function readWork(options: Options): Promise<Work> {
  const { project, facts, model } = options;
  const history = await readHistory(project.state, project.forge.tags, model.name);
  const environments = model.merged.operate.deployment.environments;
  const champion = await readChampion(project.state, history, environments);
  const base = facts.pull.base.ref === project.defaultBranch ? null : facts.pull.base.ref;
  const runs = history.runs.filter((run) => run.base === base);
  return { ...options, history, runs, champion, store: project.store(facts.policy.store) };
}

/** Data and training are one run; where the model is trained already, the data alone. */
function stageOf({ needs }: Stages): WorkStage {
  const stages = needs.map(({ stage }) => stage);
  if (stages.includes('train')) return 'train';
  return stages.includes('data') ? 'data' : 'evaluate';
}

/** A draft changes often: what costs hours waits until it is ready, or a person asks. */
async function isWaiting({ project, facts, again }: Work, { stage, key }: StageOrder): Promise<boolean> {
  return facts.pull.draft && stage !== 'evaluate' && !again && !(await isAsked(project, key));
}

async function planOf(work: Work, trainings: UsableTraining[]): Promise<ModelPlan> {
  const { facts, model, runs, champion } = work;
  const { merged, base } = model;
  const { models } = decidePlan({
    merge: facts.merge.state === 'ready' ? facts.merge.sha : null,
    cause: await causeOf(work),
    models: [
      {
        model: model.name,
        draft: merged.draft,
        digests: merged.digests,
        base: base?.digests ?? null,
        lock: merged.locks?.model ?? null,
        baseLock: base?.locks?.model ?? null,
        trainings: trainings.map(({ record, holdout }) => ({ ...record.digests, holdout })),
        evaluations: runs.flatMap((run) =>
          run.stage === 'evaluate'
            ? [{ ...run.digests, candidate: run.candidate, champion: run.champion }]
            : [],
        ),
        champion: champion?.candidate ?? null,
      },
    ],
  });
  const [plan] = models;
  if (!plan) throw new Error('a plan for one model says nothing about it');
  return plan;
}

async function standingOf(work: Work, plan: Exclude<ModelPlan, Stages>): Promise<Standing> {
  if (plan.state !== 'lock' && plan.state !== 'current') return plan;
  const { state } = work.project;
  const record = work.runs.findLast(
    (run): run is EvaluateRecord => run.stage === 'evaluate' && run.candidate === plan.candidate,
  );
  if (!record) throw new Error(`${plan.candidate} is settled without a record`);
  const evidence = {
    record,
    data: await readEvidence(state, 'data', record.accepted.data),
    train: await Promise.all(record.accepted.train.map((digest) => readEvidence(state, 'train', digest))),
    evaluate: await readEvidence(state, 'evaluate', record.evaluate),
  };
  const overrides = await readOverrides(work.project, record.candidate);
  const committed = plan.state === 'current';
  return { state: 'judged', committed, evidence, champion: work.champion, overrides };
}
