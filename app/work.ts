import { digestOfJson, hexOf } from '#lib/formats/digest.ts';
import { candidateOf } from '#lib/formats/lock-values.ts';
import type { Statement } from '#lib/lifecycle/evidence.ts';
import { type Champion, type JobPlan, jobPlanSchema } from '#lib/lifecycle/plan.ts';
import { decidePlan, type ModelPlan } from '#lib/lifecycle/plan-decision.ts';
import type { EvaluateRecord, RequestRecord, TrainRecord } from '#lib/lifecycle/records.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import type { ArtifactStore } from '#lib/store/store.ts';
import { EvidenceRefused, refusalOfRun, type Taken, takeStatement } from './evidence.ts';
import type { Project } from './project.ts';
import type { PullFacts, TouchedModel } from './pull-facts.ts';
import { recordPath, recordText } from './records.ts';
import {
  countLooks,
  type ModelHistory,
  readAnchor,
  readChampion,
  readEvidence,
  readHistory,
} from './registry.ts';
import { type Ask, readRequest, requestRun, settleRequest } from './request.ts';

export const TRAIN_WORKFLOW = 'roundhouse.yml';
export const EVALUATE_WORKFLOW = 'roundhouse-evaluate.yml';

export type WorkStage = 'train' | 'evaluate';
export type Evidence = {
  record: EvaluateRecord;
  data: Statement<'data'>;
  train: Statement<'train'>[];
  evaluate: Statement<'evaluate'>;
};

/** How far a pull request has come with one model. */
export type Standing =
  | { state: 'untouched' }
  | { state: 'definition'; reason: string }
  | { state: 'out-of-date'; reason: string }
  | { state: 'working'; stage: WorkStage; run: number | null; request_id: string; reasons: string[] }
  | { state: 'fault'; stage: WorkStage; run: number | null; note: string }
  | { state: 'data-failed'; run: number; data: Statement<'data'> }
  /** `committed`: the head's locks say so already. */
  | { state: 'judged'; committed: boolean; evidence: Evidence; champion: Champion | null };

type Work = {
  project: Project;
  facts: PullFacts;
  model: TouchedModel;
  history: ModelHistory;
  champion: Champion | null;
  store: ArtifactStore;
  /** A person asked for another try after a fault. */
  again: boolean;
};

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

/** The object that a job reads to know what it is asked for. */
async function jobPlan(work: Work, accepted: JobPlan['accepted']): Promise<JobPlan> {
  const { project, facts, model, champion, history } = work;
  if (facts.merge.state !== 'ready') throw new Error('a stage was planned without a merge to judge');
  return {
    kind: 'roundhouse-plan',
    version: 1,
    repository: `${project.owner}/${project.repo}`,
    pull_request: facts.pull.number,
    model: model.name,
    base: facts.merge.base,
    head: facts.pull.head.sha,
    merge: facts.merge.sha,
    digests: model.merged.digests,
    champion,
    anchor: await readAnchor(project.state, history),
    looks: await countLooks(project.state, history),
    candidates: model.merged.model.candidates.map(({ name }, index) => ({ index, name })),
    accepted,
  };
}

type Run = { id: number; attempt: number };
type StageOrder = {
  stage: WorkStage;
  key: string;
  reasons: string[];
  plan: () => Promise<JobPlan>;
  /** Reads the run's evidence into the changes that record it. */
  take: (request: RequestRecord, run: Run) => Promise<{ path: string; text: string }[]>;
};

/** One dispatched run from the request to its evidence on record. */
async function runStage(work: Work, order: StageOrder): Promise<Standing | 'recorded'> {
  const { project, facts, model, store, again } = work;
  const { round, request: last } = await lastRound(project, order.key);
  const retried = again && last?.settled?.outcome === 'fault';
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
    workflow: order.stage === 'train' ? TRAIN_WORKFLOW : EVALUATE_WORKFLOW,
    ref: facts.pull.base.ref,
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
  run: Awaited<ReturnType<Project['forge']['runs']['get']>> & object;
  order: StageOrder;
}): Promise<NonNullable<RequestRecord['settled']>> {
  const at = { attempt: run.attempt };
  const fault = async (note: string) => {
    const settled = { ...at, outcome: 'fault' as const, note };
    await settleRequest(project, request, { settled, changes: [] });
    return settled;
  };
  const repository = `${project.owner}/${project.repo}`;
  const refusal = refusalOfRun(run, request, { repository, bot: project.bot });
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

async function takeTraining(work: Work, request: RequestRecord, run: Run) {
  const { plan, digest, expected } = await planOfRequest(work, request);
  const { artifacts } = work.project.forge;
  const data = await takeStatement(artifacts, run, { stage: 'data', expected });
  const trained: Taken<'train'>[] = [];
  for (const { index } of plan.candidates) {
    const taken = await takeStatement(artifacts, run, { stage: 'train', index, expected });
    if (taken.statement.predicate.result.candidate.index !== index) {
      throw new EvidenceRefused(`the evidence of candidate ${index} is about another one`);
    }
    trained.push(taken);
  }
  for (const { text } of [data, ...trained]) await work.store.put(text);
  const record: TrainRecord = {
    kind: 'roundhouse-run',
    stage: 'train',
    ...recordBase({ work, plan, digest, request, run }),
    data: data.digest,
    train: trained.map((taken) => taken.digest),
  };
  return recorded(record, [data, ...trained]);
}

async function takeEvaluation({
  work,
  request,
  run,
  accepted,
  data,
}: {
  work: Work;
  request: RequestRecord;
  run: Run;
  accepted: NonNullable<JobPlan['accepted']>;
  data: Statement<'data'>;
}) {
  const { plan, digest, expected } = await planOfRequest(work, request);
  const taken = await takeStatement(work.project.forge.artifacts, run, { stage: 'evaluate', expected });
  const { result } = taken.statement.predicate;
  for (const named of [result.bundle, result.served]) {
    if (!(await work.store.has(named))) throw new EvidenceRefused(`the store does not hold ${named}`);
  }
  const record: EvaluateRecord = {
    kind: 'roundhouse-run',
    stage: 'evaluate',
    ...recordBase({ work, plan, digest, request, run }),
    accepted,
    evaluate: taken.digest,
    candidate: candidateOf({
      model: plan.model,
      digests: plan.digests,
      data: data.predicate.result,
      evaluate: result,
    }),
  };
  return recorded(record, [taken]);
}

async function planOfRequest({ store, project, model }: Work, request: RequestRecord) {
  const digest: Digest = `sha256:${request.inputs.plan ?? ''}`;
  const plan = jobPlanSchema.parse(JSON.parse(Buffer.from(await store.get(digest)).toString('utf8')));
  const repository = `${project.owner}/${project.repo}`;
  return { plan, digest, expected: { repository, model: model.name, plan: digest } };
}

function recordBase({
  work: { project },
  plan,
  digest,
  request,
  run,
}: {
  work: Work;
  plan: JobPlan;
  digest: Digest;
  request: RequestRecord;
  run: Run;
}) {
  return {
    request_id: request.request_id,
    model: plan.model,
    pull_request: plan.pull_request,
    digests: plan.digests,
    champion: plan.champion?.candidate ?? null,
    plan: digest,
    run: { id: run.id, attempt: run.attempt },
    at: project.now().toISOString(),
  };
}

function recorded(record: TrainRecord | EvaluateRecord, taken: { digest: Digest; text: string }[]) {
  return [
    { path: recordPath.run(record.model, record.run), text: recordText(record) },
    ...taken.map(({ digest, text }) => ({ path: recordPath.evidence(digest), text })),
  ];
}
