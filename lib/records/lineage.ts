import { parseConfig } from '#lib/formats/config.ts';
import { problemDigest } from '#lib/formats/digests.ts';
import type { LineageFacts } from '#lib/lifecycle/lineage.ts';
import {
  approvalRecordSchema,
  type EvaluateRecord,
  freezeRecordSchema,
  overrideRecordSchema,
} from '#lib/lifecycle/records.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { foldServing } from '#lib/lifecycle/serving-history.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import type { FoundCandidate } from './find-candidate.ts';
import { evaluationOf } from './model-history.ts';
import { listRecords, readRecord, recordPath } from './records.ts';
import type { RecordSource } from './source.ts';
import { readTaken } from './taken.ts';

/** The text of a file in a commit; null where either is not there. */
export type FileSource = (commit: string, path: string) => Promise<string | null>;

/** Gathers what is on record of a candidate; what cannot be found stays empty and is told by the lineage. */
export async function readLineage(
  { records, fileAt }: { records: RecordSource; fileAt: FileSource },
  { history, deployments, candidate }: FoundCandidate,
): Promise<LineageFacts> {
  const { model, registry, registrations } = history;
  const version = registry.versions.find((one) => one.candidate === candidate) ?? null;
  const record = evaluationOf(history, candidate);
  const problem = version && (await readProblem(fileAt, model, version.commit));
  const asked = record?.digests.problem ?? problem?.digest ?? null;
  return {
    ...{ model, candidate, version, record, problem },
    registered_at: registrations.find((given) => given.candidate === candidate)?.at ?? null,
    trained_at: trainedAt(history, record),
    data: record && (await readTaken(records, 'data', record.accepted.data)),
    train: await Promise.all(
      (record?.accepted.train ?? []).map((digest) => readTaken(records, 'train', digest)),
    ),
    evaluate: record && (await readTaken(records, 'evaluate', record.evaluate)),
    approvals: {
      problem: asked === null ? [] : await approvalsOf(records, asked),
      candidate: await approvalsOf(records, candidate),
    },
    overrides: await listRecords(records, recordPath.overrides(candidate), overrideRecordSchema),
    freeze: await readRecord(records, recordPath.freeze(candidate), freezeRecordSchema),
    deployments: deployments
      .filter(({ release }) => release.candidate === candidate)
      .map((found) => ({ record: found, served: servedBy(deployments, found) })),
  };
}

function trainedAt({ runs }: FoundCandidate['history'], record: EvaluateRecord | null): string | null {
  if (record === null) return null;
  const { id, attempt } = record.accepted.run;
  const trained = runs.find(
    ({ stage, run }) => stage === 'train' && run.id === id && run.attempt === attempt,
  );
  return trained?.at ?? null;
}

type Deployments = FoundCandidate['deployments'];

function servedBy(all: Deployments, { environment, n, release }: Deployments[number]) {
  const there = all.filter((record) => record.environment === environment);
  return foldServing(there).filter((row) => row.n === n && row.version === release.version);
}

/** In the order in which they were given. */
export async function approvalsOf(records: RecordSource, digest: Digest) {
  const found = await listRecords(records, recordPath.approvals(digest), approvalRecordSchema);
  return found.toSorted((a, b) => a.at.localeCompare(b.at) || a.comment - b.comment);
}

async function readProblem(fileAt: FileSource, model: string, commit: string) {
  const file = `models/${model}/problem.yml`;
  const text = await fileAt(commit, file);
  if (text === null) return null;
  try {
    const value = parseConfig('problem', { file, text });
    return { value, digest: problemDigest(value) };
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}
