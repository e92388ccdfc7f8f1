import { digestOfJson } from '#lib/formats/digest.ts';
import { decidePlan, type ModelPlan } from '#lib/lifecycle/plan-decision.ts';
import type { EvaluateRecord, TrainRecord } from '#lib/lifecycle/records.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { jobPlan } from './job-plan.ts';
import type { Project } from './project.ts';
import type { PullFacts, TouchedModel } from './pull-facts.ts';
import { type ModelHistory, readChampion, readEvidence, readHistory } from './registry.ts';
import { takeEvaluation, takeTraining } from './stage-evidence.ts';
import { runStage } from './stage-run.ts';
import type { Standing, Work } from './standing.ts';

/** Brings one model of a pull request as far as it can come now: asks for runs, takes their evidence. */
export async function advance(options: {
  project: Project;
  facts: PullFacts;
  model: TouchedModel;
  again: boolean;
}): Promise<Standing> {
  const { project, facts, model } = options;
  const store = project.store(facts.policy.store);
  for (;;) {
    const history = await readHistory(project.state, project.forge.tags, model.name);
    const environments = model.merged.operate.deployment.environments;
    const champion = await readChampion(project.state, history, environments);
    const work = { ...options, history, champion, store };
    const plan = planOf(work);
    if (plan.state !== 'stages') return standingOf(work, plan);
    const reasons = plan.needs.map(({ stage, reason }) => `${stage}: ${reason}`);
    const next = plan.needs.some(({ stage }) => stage === 'train')
      ? await train(work, reasons)
      : await evaluate(work, reasons);
    if (next !== 'recorded') return next;
  }
}

function planOf({ facts, model, history, champion }: Work): ModelPlan {
  const rival = champion?.candidate ?? null;
  const { merged, base } = model;
  const { models } = decidePlan({
    merge: facts.merge.state === 'ready' ? facts.merge.sha : null,
    cause: 'head',
    models: [
      {
        model: model.name,
        draft: merged.draft,
        digests: merged.digests,
        base: base?.digests ?? null,
        lock: merged.locks?.model ?? null,
        baseLock: base?.locks?.model ?? null,
        // The data job builds the champion's holdout too: evidence made beside another one can't be judged again.
        trainings: trainingsOf(history, rival).map(({ digests }) => digests),
        evaluations: history.runs.flatMap((run) =>
          run.stage === 'evaluate'
            ? [{ ...run.digests, candidate: run.candidate, champion: run.champion }]
            : [],
        ),
        champion: rival,
      },
    ],
  });
  const [plan] = models;
  if (!plan) throw new Error('a plan for one model says nothing about it');
  return plan;
}

function trainingsOf({ runs }: ModelHistory, champion: Digest | null): TrainRecord[] {
  return runs.flatMap((run) => (run.stage === 'train' && run.champion === champion ? [run] : []));
}

async function standingOf(work: Work, plan: Exclude<ModelPlan, { state: 'stages' }>): Promise<Standing> {
  if (plan.state !== 'lock' && plan.state !== 'current') return plan;
  const { state } = work.project;
  const record = work.history.runs.findLast(
    (run): run is EvaluateRecord => run.stage === 'evaluate' && run.candidate === plan.candidate,
  );
  if (!record) throw new Error(`${plan.candidate} is settled without a record`);
  const evidence = {
    record,
    data: await readEvidence(state, 'data', record.accepted.data),
    train: await Promise.all(record.accepted.train.map((digest) => readEvidence(state, 'train', digest))),
    evaluate: await readEvidence(state, 'evaluate', record.evaluate),
  };
  return { state: 'judged', committed: plan.state === 'current', evidence, champion: work.champion };
}

async function train(work: Work, reasons: string[]): Promise<Standing | 'recorded'> {
  const { facts, model, champion } = work;
  const { code, config } = model.merged.digests;
  const inputs = digestOfJson({ model: model.name, code, config, champion: champion?.candidate ?? null });
  return runStage(work, {
    stage: 'train',
    key: `train:${facts.pull.number}:${inputs}`,
    reasons,
    plan: () => jobPlan(work, null),
    take: (request, run) => takeTraining(work, request, run),
  });
}

async function evaluate(work: Work, reasons: string[]): Promise<Standing | 'recorded'> {
  const { facts, model, champion, project, history } = work;
  const { code, config, gates, policy } = model.merged.digests;
  const training = trainingsOf(history, champion?.candidate ?? null).findLast(
    ({ digests }) => digests.code === code && digests.config === config,
  );
  if (!training) throw new Error(`${model.name}: an evaluation was planned without a training on record`);
  const data = await readEvidence(project.state, 'data', training.data);
  if (data.predicate.result.contract.verdict === 'failed') {
    return { state: 'data-failed', run: training.run.id, data };
  }
  const accepted = { run: training.run, data: training.data, train: training.train };
  const inputs = digestOfJson({ model: model.name, accepted, gates, policy });
  return runStage(work, {
    stage: 'evaluate',
    key: `evaluate:${facts.pull.number}:${inputs}`,
    reasons,
    plan: () => jobPlan(work, accepted),
    take: (request, run) => takeEvaluation({ work, request, run, accepted, data }),
  });
}
