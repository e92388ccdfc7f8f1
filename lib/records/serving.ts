import { type PromotionRecord, promotionRecordSchema } from '#lib/lifecycle/records.ts';
import { deploymentRecordSchema } from '#lib/lifecycle/rollout.ts';
import { foldServing, type Served } from '#lib/lifecycle/serving-history.ts';
import { modelsOnRecord } from './find-candidate.ts';
import { approvalsOf } from './lineage.ts';
import { readHistory } from './model-history.ts';
import { listRecords, recordPath } from './records.ts';
import type { RecordSource, TagSource } from './source.ts';

/** What served, and whose approvals of its candidate are on record. */
export type ServedBy = Served & {
  approved_by: string[];
  /** Whose `/promote` brought it here; empty where the environment waits for none. */
  promoted_by: string[];
};

export type ServingHistory = {
  /** Newest first. */
  rows: ServedBy[];
  /** Names that any deployment is on record for. */
  models: string[];
  environments: string[];
  /** Tags that say something else than the records. */
  contradictions: string[];
};

/** What served when, folded from the rollouts on record and held against the tags. */
export async function readServing(
  { records, tags }: { records: RecordSource; tags: TagSource },
  { model, environment }: { model: string | null; environment: string | null },
): Promise<ServingHistory> {
  const places = await placesOf(records);
  const wanted = places.filter(
    (place) =>
      (model === null || place.model === model) &&
      (environment === null || place.environment === environment),
  );
  const rows: (Served & Pick<ServedBy, 'promoted_by'>)[] = [];
  for (const { model: name, environment: where } of wanted) {
    const rollouts = await listRecords(records, recordPath.deployments(name, where), deploymentRecordSchema);
    const promotions = await listRecords(records, recordPath.promotions(name, where), promotionRecordSchema);
    rows.push(...foldServing(rollouts).map((row) => ({ ...row, promoted_by: promotedBy(promotions, row) })));
  }
  const approved = new Map<string, string[]>();
  for (const { candidate } of rows) {
    if (approved.has(candidate)) continue;
    approved.set(candidate, [...new Set((await approvalsOf(records, candidate)).map(({ login }) => login))]);
  }
  return {
    rows: rows
      .map((row) => ({ ...row, approved_by: approved.get(row.candidate) ?? [] }))
      .toSorted((a, b) => b.from.localeCompare(a.from) || b.n - a.n),
    models: [...new Set([...places.map((place) => place.model), ...(await modelsOnRecord(records))])].sort(),
    environments: [...new Set(places.map((place) => place.environment))].sort(),
    contradictions: await contradictionsOf({ records, tags }, rows),
  };
}

/** The people of the newest promotion of that candidate before it got any traffic. */
function promotedBy(
  promotions: readonly PromotionRecord[],
  { candidate, from, part_from }: Served,
): string[] {
  const began = Date.parse(part_from ?? from);
  const asked = promotions
    .filter((promotion) => promotion.candidate === candidate && Date.parse(promotion.at) <= began)
    .toSorted((a, b) => a.at.localeCompare(b.at));
  return asked.at(-1)?.people ?? [];
}

async function placesOf(records: RecordSource): Promise<{ model: string; environment: string }[]> {
  const folders = (await records.paths('deployments/')).map((path) => path.split('/').slice(1, 3).join('/'));
  return [...new Set(folders)].map((folder) => {
    const [model = '', environment = ''] = folder.split('/');
    return { model, environment };
  });
}

/** The tag of an environment is made right after the record: until then it says nothing or the version before. */
async function contradictionsOf(
  { records, tags }: { records: RecordSource; tags: TagSource },
  rows: readonly Served[],
): Promise<string[]> {
  const serving = rows.filter(({ share, until }) => share === 'all' && until === null);
  const found: string[] = [];
  for (const { model, environment, version } of serving) {
    const { registry } = await readHistory(records, tags, model);
    const assigned = registry.assignments.find((one) => one.environment === environment);
    if (assigned && assigned.version !== version)
      found.push(
        `the tag ${model}#${environment}#${assigned.n} says v${assigned.version}, the records say v${version}`,
      );
  }
  return found;
}
