import { type FreezeRecord, freezeRecordSchema } from '#lib/lifecycle/records.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { listRecords, recordPath } from '#lib/records/records.ts';
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
  const hex = candidate.slice('sha256:'.length, 'sha256:'.length + 16);
  return `v${version} (candidate ${hex}) is frozen since ${login} rolled it back: \`/unfreeze ${hex} <reason>\` lifts it`;
}

export async function frozenReason(
  project: Pick<Project, 'state'>,
  model: string,
  candidate: Digest,
): Promise<string | null> {
  const freeze = inForce(await readFreezes(project, model)).find((one) => one.candidate === candidate);
  return freeze ? frozenWords(freeze) : null;
}
