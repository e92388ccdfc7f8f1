import type { Table } from '#lib/data/table.ts';
import type { MonitorResult } from '#lib/lifecycle/evidence.ts';
import { livePerformance } from '#lib/ml/live-performance.ts';
import { loadBundle } from '#lib/store/bundle.ts';
import { readReference } from '../kit/local-plan.ts';
import type { ModelFolder } from '../kit/model-folder.ts';
import { lockAt, readRegistry } from '../kit/registered.ts';
import type { StageDeps } from '../kit/stage.ts';
import { answersOn } from './drift-of.ts';

type Replayed = { labelled: Table; folder: ModelFolder; seed: number; deps: StageDeps };

/**
 * The first registered version on the same labelled rows, through its own bytes. Left out where it can't be
 * had: a checkout without tags, a bundle that was destroyed, inputs that are no longer logged.
 */
export async function replayFirst({
  labelled,
  folder,
  seed,
  deps,
}: Replayed): Promise<MonitorResult['replay']> {
  const { workspace, store, progress } = deps;
  const [first] = (await readRegistry(workspace, folder.name)).versions;
  if (first === undefined || labelled.rows === 0) return [];
  const lock = await lockAt({ workspace, model: folder.name, commit: first.commit });
  const reference = lock && (await readReference(store, lock.bundle));
  if (lock === null || reference === null) return [];
  const loaded = await loadBundle({ store, digest: lock.bundle, model: lock.model });
  if (loaded.kind === 'refused') {
    progress.warn(`v${first.version} is not replayed: ${loaded.message}`);
    return [];
  }
  if (loaded.bundle.signature.inputs.some(({ name }) => !labelled.columns.has(name))) return [];
  const answers = await answersOn(labelled, loaded.bundle);
  const rows: Table = { ...labelled, columns: new Map([...labelled.columns, ...answers]) };
  const { signature } = loaded.bundle;
  const { performance } = livePerformance({ ...folder, signature, reference, labelled: rows, seed });
  return performance.map(({ metric, served }) => ({ version: first.version, metric, estimate: served }));
}
