import { setTimeout as delay } from 'node:timers/promises';
import type { ServedVersion } from '#lib/lifecycle/serving.ts';
import type { PersistedVersion } from './routed-version.ts';
import { createCounts, type ModelLoad, type RoutedVersion, type Serving } from './served-model.ts';

export type Load = (model: string, version: ServedVersion) => Promise<ModelLoad>;
type Restoring = { serving: Serving; load: Load; signal: AbortSignal; log: (line: string) => void };

const RETRY_MS = 2_000;

/**
 * After a restart: puts back what was served. What can't be loaded now (the store is away, its bytes changed)
 * is tried again until it can, or until something else is to be served.
 */
export async function restore(
  models: Record<string, PersistedVersion[]>,
  restoring: Restoring,
): Promise<void> {
  const { serving } = restoring;
  const loads = Object.entries(models).flatMap(([model, persisted]) => {
    const versions = persisted.map((version): RoutedVersion & ServedVersion => ({
      ...version,
      window: createCounts(),
      loaded: null,
    }));
    serving.models.set(model, versions);
    return versions.map((version) => tryLoad(model, version, restoring));
  });
  await Promise.all(loads);
}

async function tryLoad(
  model: string,
  version: RoutedVersion & ServedVersion,
  restoring: Restoring,
): Promise<void> {
  const { serving, load, signal, log } = restoring;
  const isWanted = () => !signal.aborted && (serving.models.get(model)?.includes(version) ?? false);
  if (!isWanted()) return;
  const result = await load(model, version).catch((error: Error) => ({
    kind: 'refused' as const,
    message: error.message,
  }));
  if (result.kind === 'loaded') {
    if (isWanted()) version.loaded = result.model;
    else await result.model.process.close();
    return;
  }
  log(`${model}@v${version.version} is not served: ${result.message}`);
  void delay(RETRY_MS, undefined, { signal, ref: false })
    .then(() => tryLoad(model, version, restoring))
    .catch(() => {});
}
