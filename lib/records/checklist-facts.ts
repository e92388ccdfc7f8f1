import { changeNotePath } from '#lib/formats/change-note.ts';
import type { ModelFiles } from '#lib/formats/config.ts';
import { hexOf } from '#lib/formats/digest.ts';
import { longestPause } from '#lib/formats/schedule.ts';
import type { ChecklistFacts, NewestVersion } from '#lib/lifecycle/checklist/facts.ts';
import type { ModelLock } from '#lib/lifecycle/locks.ts';
import { approvalRule } from '#lib/lifecycle/policy-rules.ts';
import {
  approvalRecordSchema,
  claimRecordSchema,
  holdRecordSchema,
  type MonitorRecord,
} from '#lib/lifecycle/records.ts';
import { retrainingClaim } from '#lib/lifecycle/retraining-branch.ts';
import { deploymentRecordSchema } from '#lib/lifecycle/rollout.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { type ModelHistory, readEvidence, readJudged } from './model-history.ts';
import { listRecords, monitorRecords, readRecord, recordPath } from './records.ts';
import type { RecordSource } from './source.ts';

const MONITOR_FILE = '.github/workflows/roundhouse-monitor.yml';
/** So many of the newest windows are read: the last ones may wait for their labels. */
const WINDOWS_READ = 6;

/** A model as the default branch has it. */
export type ListedModel = ModelFiles & {
  name: string;
  digests: { problem: Digest };
  locks: { model: ModelLock } | null;
};

export type ChecklistSource = {
  records: RecordSource;
  /** The text of a file of the default branch; null where there is none. */
  file(path: string): Promise<string | null>;
  now: Date;
};

/** Everything that the rules of the checklist read of one model. */
export async function readChecklistFacts(
  { records, file, now }: ChecklistSource,
  model: ListedModel,
  history: ModelHistory,
): Promise<ChecklistFacts> {
  const { name, problem, operate } = model;
  const windows = await monitorRecords(records, { model: name });
  const folder = recordPath.deployments(name, operate.deployment.environments.at(-1) ?? '');
  const rollouts = await listRecords(records, folder, deploymentRecordSchema);
  const problemDigest = model.digests.problem;
  const lock = model.locks?.model ?? null;
  return {
    model: name,
    problem,
    problemDigest,
    data: model.data,
    config: model.model,
    operate,
    approval: approvalRule(model.policy, 'problem', { risk: model.problem.risk }),
    approvals: await listRecords(records, recordPath.approvals(problemDigest), approvalRecordSchema),
    hold: await readRecord(records, recordPath.hold(problem.issue), holdRecordSchema),
    lock,
    documents: lock === null ? [] : await documentsOf(file, name, lock.candidate),
    newest: await readNewest(records, history),
    rollouts: rollouts.toSorted((a, b) => a.n - b.n),
    windows: await Promise.all(
      windows.map(async (record, at) => ({
        record,
        result:
          at < windows.length - WINDOWS_READ
            ? null
            : (await readEvidence(records, 'monitor', record.monitor)).predicate.result,
      })),
    ),
    retrainings: await retrainingsOf(records, windows),
    judged: history.runs.flatMap((run) =>
      run.stage === 'evaluate' && run.pull_request !== null
        ? [{ pull: run.pull_request, candidate: run.candidate, evaluate: run.evaluate }]
        : [],
    ),
    versions: registered(history).map(({ version, candidate }) => ({ version, candidate })),
    schedule: longestPause((await file(MONITOR_FILE)) ?? '', now),
  };
}

function registered({ registry }: ModelHistory) {
  return registry.versions.filter(({ state }) => state === 'registered');
}

async function readNewest(records: RecordSource, history: ModelHistory): Promise<NewestVersion | null> {
  const version = registered(history).at(-1);
  const registration = history.registrations.find((given) => given.version === version?.version);
  const judged = registration && (await readJudged(records, history, registration.candidate));
  if (!judged) return null;
  const train = judged.record.accepted.train.map((digest) => readEvidence(records, 'train', digest));
  return {
    registration,
    isFirst: judged.record.champion === null,
    record: judged.record,
    data: judged.data.predicate.result,
    train: (await Promise.all(train)).map(({ predicate }) => predicate.result),
    evaluate: judged.evaluate.predicate.result,
  };
}

/** The claim of a window's pull request says its number. */
async function retrainingsOf(
  records: RecordSource,
  windows: MonitorRecord[],
): Promise<ChecklistFacts['retrainings']> {
  const found = new Map<number, MonitorRecord>();
  for (const window of windows) {
    if (window.decision !== 'open') continue;
    const path = recordPath.claim(retrainingClaim(window.model, window.as_of));
    const claim = await readRecord(records, path, claimRecordSchema);
    if (claim !== null && claim.outcome !== null) found.set(Number(claim.outcome), window);
  }
  return [...found].map(([pull, window]) => ({ pull, window }));
}

async function documentsOf(
  file: ChecklistSource['file'],
  model: string,
  candidate: Digest,
): Promise<string[]> {
  const paths = [`models/${model}/MODEL_CARD.md`, changeNotePath(model, candidate)];
  const short = hexOf(candidate).slice(0, 16);
  const found: string[] = [];
  for (const path of paths) if ((await file(path))?.includes(short)) found.push(path);
  return found;
}
