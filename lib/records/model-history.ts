import { registryTag } from '#lib/formats/registry-tags.ts';
import { type EvidenceStage, type Statement, statementSchemas } from '#lib/lifecycle/evidence.ts';
import type { Champion, Part } from '#lib/lifecycle/plan.ts';
import {
  type EvaluateRecord,
  type RegistrationRecord,
  type RunRecord,
  registrationRecordSchema,
  runRecordSchema,
} from '#lib/lifecycle/records.ts';
import { foldRegistry, type Registry, type TagMessage } from '#lib/lifecycle/registry.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { listRecords, recordPath } from './records.ts';
import type { RecordSource, TagSource } from './source.ts';

/** Everything that was recorded about a model: its runs with evidence, the versions given, and its registry. */
export type ModelHistory = {
  model: string;
  runs: RunRecord[];
  registrations: RegistrationRecord[];
  registry: Registry;
};

export async function readHistory(
  state: RecordSource,
  tags: TagSource,
  model: string,
): Promise<ModelHistory> {
  const runs = await listRecords(state, `runs/${model}/`, runRecordSchema);
  const registrations = await listRecords(state, recordPath.registrations(model), registrationRecordSchema);
  // The prefix finds `bikes2` too: the fold keeps to tags whose name says this model.
  const found = await tags.list(model);
  const registry = foldRegistry(
    model,
    found.map(({ name, message }) => registryTag(name, message)),
    (message) => registrations.some((given) => saysTheSame(given, message)),
  );
  return { model, runs, registrations, registry };
}

/** Tags can be deleted and pushed anew by hand: all that one says has to be on record. */
function saysTheSame(given: RegistrationRecord, said: TagMessage): boolean {
  if (given.candidate !== said.candidate || given.bundle !== said.bundle) return false;
  return said.version === null || (given.version === said.version && given.commit === said.commit);
}

/**
 * The evaluation that is on record for a candidate; the first one, since all of one candidate found the same. What
 * was proposed to another branch than the default one never becomes a version.
 */
export function evaluationOf({ runs }: ModelHistory, candidate: Digest): EvaluateRecord | null {
  const found = runs.find(
    (run) => run.stage === 'evaluate' && run.candidate === candidate && run.base === null,
  );
  return found?.stage === 'evaluate' ? found : null;
}

/** A recorded statement. It was checked when it was taken, and its path is its digest. */
export async function readEvidence<Stage extends EvidenceStage>(
  state: Pick<RecordSource, 'read'>,
  stage: Stage,
  digest: Digest,
): Promise<Statement<Stage>> {
  const text = await state.read(recordPath.evidence(digest));
  if (text === null) throw new Error(`the evidence ${digest} is named by a record and is not there`);
  return statementSchemas[stage].parse(JSON.parse(text)) as Statement<Stage>;
}

export type Judged = {
  record: EvaluateRecord;
  evaluate: Statement<'evaluate'>;
  data: Statement<'data'>;
};

/** What an evaluation found, with the data that it was found on; null where none is on record. */
export async function readJudged(
  state: Pick<RecordSource, 'read'>,
  history: ModelHistory,
  candidate: Digest,
): Promise<Judged | null> {
  const record = evaluationOf(history, candidate);
  if (!record) return null;
  const evaluate = await readEvidence(state, 'evaluate', record.evaluate);
  return { record, evaluate, data: await readEvidence(state, 'data', record.accepted.data) };
}

/**
 * The model in force: what the last environment of the chain is assigned to; before the first deployment
 * the newest registered version. Null where nothing is registered.
 */
export async function readChampion(
  state: Pick<RecordSource, 'read'>,
  history: ModelHistory,
  environments: readonly string[],
): Promise<Champion | null> {
  const { assignments, versions } = history.registry;
  const last = environments.at(-1);
  const assigned = assignments.find(({ environment }) => environment === last)?.version;
  const registered = versions.filter((version) => version.state === 'registered');
  const version = registered.find((entry) => entry.version === assigned) ?? registered.at(-1);
  if (!version) return null;
  const record = evaluationOf(history, version.candidate);
  if (!record) return null;
  const { result } = (await readEvidence(state, 'evaluate', record.evaluate)).predicate;
  return {
    version: version.version,
    commit: version.commit,
    candidate: version.candidate,
    bundle: version.bundle,
    model: result.served,
    seen: result.seen,
    reference: Object.fromEntries(
      result.recent.comparisons.map(({ metric, candidate }) => [metric, candidate.estimate]),
    ),
  };
}

/** The first version's recent holdout, frozen: what shows what was forgotten. */
export async function readAnchor(
  state: Pick<RecordSource, 'read'>,
  history: ModelHistory,
): Promise<Part | null> {
  const [first] = history.registry.versions;
  const record = first && evaluationOf(history, first.candidate);
  if (!record) return null;
  return (await readEvidence(state, 'evaluate', record.evaluate)).predicate.result.recent.part;
}

/** Looks taken at each holdout, by its content: every recorded evaluation is one. */
export async function countLooks(
  state: Pick<RecordSource, 'read'>,
  { runs }: ModelHistory,
): Promise<Record<string, number>> {
  const looks: Record<string, number> = {};
  for (const run of runs) {
    if (run.stage !== 'evaluate') continue;
    const { recent, anchor } = (await readEvidence(state, 'evaluate', run.evaluate)).predicate.result;
    for (const holdout of [recent, anchor]) {
      if (holdout) looks[holdout.part.content] = (looks[holdout.part.content] ?? 0) + 1;
    }
  }
  return looks;
}
