import { digestOf } from '#lib/formats/digest.ts';
import type { Artifacts } from '#lib/github/artifacts.ts';
import type { WorkflowRun } from '#lib/github/runs.ts';
import { type EvidenceStage, type Statement, statementSchemas } from '#lib/lifecycle/evidence.ts';
import type { RequestRecord } from '#lib/lifecycle/records.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';

/** A statement as it was taken: `text` are the bytes that its digest is of. */
export type Taken<Stage extends EvidenceStage> = {
  digest: Digest;
  text: string;
  statement: Statement<Stage>;
};

/** Why a run's evidence isn't taken: a refusal, told on the pull request. */
export class EvidenceRefused extends Error {
  override name = 'EvidenceRefused';
}

export type Expected = {
  repository: string;
  model: string;
  /** Digest of the plan or deployment record that the run was given; null where nobody dispatched it. */
  plan: Digest | null;
};

/**
 * Whose evidence counts: the run that our own dispatch returned, of that workflow file as the
 * default branch of this repository has it, started by the app. Anyone with write permission can dispatch the same
 * file from a branch of his own, so each of these is looked at.
 */
export function refusalOfRun(
  run: WorkflowRun,
  request: Pick<RequestRecord, 'run' | 'workflow'>,
  { repository, bot, branch }: { repository: string; bot: string; branch: string },
): string | null {
  const rules: [what: string, found: string, expected: string][] = [
    ['id', String(run.id), String(request.run)],
    ['workflow', run.path, `.github/workflows/${request.workflow}`],
    ['event', run.event, 'workflow_dispatch'],
    ['branch', run.head_branch ?? 'none', branch],
    ['repository', run.head_repository ?? 'none', repository],
    ['actor', run.actor, bot],
  ];
  const broken = rules.find(([, found, expected]) => found !== expected);
  if (!broken) return null;
  const [what, found, expected] = broken;
  return `run ${run.id} has the ${what} ${found}, and ${expected} was expected`;
}

/** Whose monitor evidence counts without a dispatch: the schedule on the default branch. */
export function refusalOfScheduledRun(
  run: WorkflowRun,
  { repository, branch, workflow }: { repository: string; branch: string; workflow: string },
): string | null {
  const scheduled =
    run.event === 'schedule' &&
    run.path === `.github/workflows/${workflow}` &&
    run.head_branch === branch &&
    run.head_repository === repository;
  return scheduled ? null : `run ${run.id} is no scheduled run of ${workflow} on ${branch}`;
}

/** Name of the artifact that holds a stage's statement. */
export function artifactName(stage: EvidenceStage, attempt: number, index?: number): string {
  return index === undefined ? `evidence-${stage}-${attempt}` : `evidence-${stage}-${index}-${attempt}`;
}

/** Takes one statement out of a run, as data that anyone could have written until every rule has held. */
export async function takeStatement<Stage extends EvidenceStage>(
  artifacts: Pick<Artifacts, 'list' | 'statement'>,
  run: Pick<WorkflowRun, 'id' | 'attempt'>,
  { stage, index, expected }: { stage: Stage; index?: number; expected: Expected },
): Promise<Taken<Stage>> {
  const name = artifactName(stage, run.attempt, index);
  const found = (await artifacts.list(run.id)).filter((artifact) => artifact.name === name);
  const [artifact] = found;
  if (!artifact || found.length > 1) throw new EvidenceRefused(`run ${run.id} has ${found.length} ${name}`);
  const text = await readArchive(artifacts.statement(artifact), name);
  const statement = parseStatement(stage, text, name);
  const refusal = refusalOfStatement(statement, run, expected);
  if (refusal !== null) throw new EvidenceRefused(`${name}: ${refusal}`);
  return { digest: digestOf(text), text, statement };
}

async function readArchive(reading: Promise<string>, name: string): Promise<string> {
  try {
    return await reading;
  } catch (cause) {
    if (cause instanceof Error && 'status' in cause) throw cause;
    throw new EvidenceRefused(`${name}: ${cause instanceof Error ? cause.message : 'unreadable'}`, { cause });
  }
}

function parseStatement<Stage extends EvidenceStage>(
  stage: Stage,
  text: string,
  name: string,
): Statement<Stage> {
  try {
    return statementSchemas[stage].parse(JSON.parse(text)) as Statement<Stage>;
  } catch (cause) {
    throw new EvidenceRefused(`${name} is not a statement of the stage ${stage}`, { cause });
  }
}

function refusalOfStatement(
  { predicate, subject }: Statement,
  run: Pick<WorkflowRun, 'id' | 'attempt'>,
  expected: Expected,
): string | null {
  if (predicate.model !== expected.model) return `it is about ${predicate.model}, not ${expected.model}`;
  if (predicate.plan !== expected.plan) return `it was made for ${predicate.plan ?? 'no plan'}`;
  const made = predicate.run;
  const same =
    made.kind === 'actions' &&
    made.id === run.id &&
    made.attempt === run.attempt &&
    made.repository === expected.repository;
  if (!same) return 'it names another run as its own';
  const names = new Set(subject.map(({ name }) => name));
  return names.size === subject.length ? null : 'it names a subject twice';
}
