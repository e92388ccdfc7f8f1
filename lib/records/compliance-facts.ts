import { type ConfigKind, type ConfigKinds, parseConfig } from '#lib/formats/config.ts';
import { digestOf } from '#lib/formats/digest.ts';
import { problemDigest } from '#lib/formats/digests.ts';
import type { ComplianceFacts } from '#lib/lifecycle/compliance/facts.ts';
import { freezeRecordSchema } from '#lib/lifecycle/records.ts';
import { deploymentRecordSchema } from '#lib/lifecycle/rollout.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { compareVersions } from '#lib/lifecycle/version-order.ts';
import { readAuditLog } from './audit-log.ts';
import { type FileSource, readLineage } from './lineage.ts';
import { type ModelHistory, readHistory } from './model-history.ts';
import { listRecords, monitorRecords, recordPath } from './records.ts';
import type { RecordSource, TagSource } from './source.ts';
import { readTaken } from './taken.ts';

const POLICY_FILE = '.github/roundhouse.yml';
const PACKAGE_LOCK = /^(package-lock\.json|requirements[^/]*\.txt|uv\.lock)$/;

export type ComplianceSource = {
  records: RecordSource;
  tags: TagSource;
  fileAt: FileSource;
  /** The commit whose files are read; null in a repository without any. */
  head: string | null;
  /** All paths of that commit. */
  paths: readonly string[];
};

/** Everything that a compliance pack can show of one model; null = a repository without models. */
export async function readComplianceFacts(
  source: ComplianceSource,
  model: string | null,
): Promise<ComplianceFacts> {
  const texts = await readTexts(source, model);
  const parsed = <Kind extends ConfigKind>(kind: Kind, file: string): ConfigKinds[Kind] | null => {
    const text = texts.get(file);
    return text === undefined ? null : parseConfig(kind, { file, text });
  };
  const of = (name: string) => `models/${model}/${name}.yml`;
  const problem = parsed('problem', of('problem'));
  return {
    model,
    files: [...texts].map(([path, text]) => ({ path, digest: digestOf(text) })),
    policy: parsed('policy', POLICY_FILE),
    problem: problem && { value: problem, digest: problemDigest(problem) },
    data: parsed('data', of('data')),
    config: parsed('model', of('model')),
    operate: parsed('operate', of('operate')),
    ...(await readRecorded(source, model)),
    audit: await readAudit(source.records),
  };
}

async function readTexts(
  { fileAt, head, paths }: ComplianceSource,
  model: string | null,
): Promise<Map<string, string>> {
  const wanted = paths.filter(
    (path) =>
      path === POLICY_FILE ||
      PACKAGE_LOCK.test(path) ||
      (model !== null && (path.startsWith(`models/${model}/`) || path.startsWith(`compliance/${model}/`))),
  );
  const texts = new Map<string, string>();
  for (const path of wanted) {
    const text = head === null ? null : await fileAt(head, path);
    if (text !== null) texts.set(path, text);
  }
  return texts;
}

type Recorded = Pick<ComplianceFacts, 'newest' | 'versions' | 'rollouts' | 'windows' | 'freezes'>;

async function readRecorded(
  { records, tags, fileAt }: ComplianceSource,
  model: string | null,
): Promise<Recorded> {
  if (model === null) return { newest: null, versions: [], rollouts: [], windows: [], freezes: [] };
  const history = await readHistory(records, tags, model);
  const rollouts = await listRecords(records, `deployments/${model}/`, deploymentRecordSchema);
  const windows = await monitorRecords(records, { model });
  const candidate = newestCandidate(history);
  return {
    newest:
      candidate &&
      (await readLineage({ records, fileAt }, { history, deployments: rollouts, candidate, named: null })),
    versions: history.registrations.toSorted((a, b) => compareVersions(a.version, b.version)),
    rollouts: rollouts.toSorted((a, b) => a.environment.localeCompare(b.environment) || a.n - b.n),
    windows: await Promise.all(
      windows.map(async (record) => {
        const { found } = await readTaken(records, 'monitor', record.monitor);
        return { record, result: typeof found === 'string' ? null : found.predicate.result };
      }),
    ),
    freezes: (await listRecords(records, recordPath.frozen(), freezeRecordSchema)).filter(
      (freeze) => freeze.model === model,
    ),
  };
}

function newestCandidate({ registry }: ModelHistory): Digest | null {
  return registry.versions.findLast(({ state }) => state === 'registered')?.candidate ?? null;
}

async function readAudit(records: RecordSource): Promise<ComplianceFacts['audit']> {
  const { lines } = await readAuditLog(records);
  const entries = lines.flatMap(({ entry }) => (entry === null ? [] : [entry]));
  const [first, last, line] = [entries[0], entries.at(-1), lines.at(-1)];
  if (!first || !last || !line) return null;
  return { entries: entries.length, from: first.at, until: last.at, path: line.file };
}
