import { candidateOf } from '#lib/formats/lock-values.ts';
import type { Statement } from '#lib/lifecycle/evidence.ts';
import { type JobPlan, jobPlanSchema } from '#lib/lifecycle/plan.ts';
import type { EvaluateRecord, RequestRecord, TrainRecord } from '#lib/lifecycle/records.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { readEvidence } from '#lib/records/model-history.ts';
import { recordPath, recordText } from '#lib/records/records.ts';
import { EvidenceRefused, type Taken, takeStatement } from './evidence.ts';
import type { Run } from './stage-run.ts';
import type { Work } from './standing.ts';

/** `kept` are the statements of what was trained before, where the run built the data alone. */
export async function takeTraining(work: Work, request: RequestRecord, run: Run, kept: Digest[] = []) {
  const { plan, digest, expected } = await planOfRequest(work, request);
  const { artifacts } = work.project.forge;
  const data = await takeStatement(artifacts, run, { stage: 'data', expected });
  const trained: Taken<'train'>[] = [];
  const isTrained = data.statement.predicate.result.contract.verdict !== 'failed';
  for (const { index } of isTrained ? plan.candidates : []) {
    const taken = await takeStatement(artifacts, run, { stage: 'train', index, expected });
    if (taken.statement.predicate.result.candidate.index !== index) {
      throw new EvidenceRefused(`the evidence of candidate ${index} is about another one`);
    }
    trained.push(taken);
  }
  if (isTrained) await checkKept(work, kept, data.statement);
  for (const { text } of [data, ...trained]) await work.store.put(text);
  const record: TrainRecord = {
    kind: 'roundhouse-run',
    stage: 'train',
    ...recordBase({ work, plan, digest, request, run }),
    data: data.digest,
    train: isTrained ? [...kept, ...trained.map((taken) => taken.digest)] : [],
    min_rows: work.model.merged.problem.data.min_rows,
  };
  return recorded(record, [data, ...trained]);
}

/** What was trained before can be judged again only on the very data that it was trained on. */
async function checkKept({ project }: Work, kept: Digest[], data: Statement<'data'>): Promise<void> {
  const { content } = data.predicate.result.output;
  for (const digest of kept) {
    const trained = await readEvidence(project.state, 'train', digest);
    if (trained.predicate.result.data === content) continue;
    throw new EvidenceRefused('the pipeline made other rows of the same sources than when it was trained');
  }
}

export async function takeEvaluation({
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
  work: { project, facts },
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
    base: facts.pull.base.ref === project.defaultBranch ? null : facts.pull.base.ref,
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
