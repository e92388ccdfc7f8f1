import { type OverrideRecord, overrideRecordSchema } from '#lib/lifecycle/records.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { listRecords, recordPath } from '#lib/records/records.ts';
import type { Project } from './project.ts';

/** The overrides of a candidate that count at a time; by default now. */
export async function readOverrides(
  { state, now }: Pick<Project, 'state' | 'now'>,
  candidate: Digest,
  at: Date = now(),
): Promise<OverrideRecord[]> {
  const found = await listRecords(state, recordPath.overrides(candidate), overrideRecordSchema);
  return found.filter((given) => at.getTime() < Date.parse(given.expires));
}
