import { hexOf } from '#lib/formats/digest.ts';
import { type FreezeRecord, freezeRecordSchema } from '#lib/lifecycle/records.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { listRecords, readRecord, recordPath } from '#lib/records/records.ts';
import type { Project } from './project.ts';

/** Every candidate of a model that was ever rolled back by a person, also those that may serve again. */
export async function readFreezes({ state }: Pick<Project, 'state'>, model: string): Promise<FreezeRecord[]> {
  const found = await listRecords(state, recordPath.frozen(), freezeRecordSchema);
  return found.filter((freeze) => freeze.model === model);
}

export function inForce(freezes: readonly FreezeRecord[]): FreezeRecord[] {
  return freezes.filter(({ lifted }) => lifted === null);
}

/** Why a frozen candidate goes no further, with what lifts it. */
export function frozenWords({ candidate, version, login }: FreezeRecord): string {
  const hex = hexOf(candidate).slice(0, 16);
  return `v${version} (candidate ${hex}) is frozen since ${login} rolled it back: \`/unfreeze ${hex} <reason>\` lifts it`;
}

export async function frozenReason(
  project: Pick<Project, 'state'>,
  model: string,
  candidate: Digest,
): Promise<string | null> {
  const freeze = await readRecord(project.state, recordPath.freeze(candidate), freezeRecordSchema);
  return freeze?.model === model && freeze.lifted === null ? frozenWords(freeze) : null;
}
