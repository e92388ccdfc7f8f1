import type { ServedVersion, ServingSpec, ServingState } from '#lib/lifecycle/serving.ts';
import type { Predictor, PredictorOptions } from '#lib/ml/predictor-types.ts';
import type { Store } from '#lib/store/store.ts';
import type { RecordLog } from './record-log.ts';
import { type Load, restore } from './restore.ts';
import { isSame, type PersistedVersion, persistedOf, routedOf, stateOf } from './routed-version.ts';
import { openRouter } from './router.ts';
import { type LoadedModel, loadModel, type ModelLoad, type Serving } from './served-model.ts';

export type Environment = {
  name: string;
  url: string;
  port: number;
  /** What is to be persisted, by model. */
  persisted(): Record<string, PersistedVersion[]>;
  state(model: string): ServingState | null;
  /**
   * Loads what is new, lets `persist` write it down, then moves all traffic at once. When a version is
   * refused nothing has changed.
   */
  serve(
    spec: ServingSpec,
    persist: (versions: PersistedVersion[]) => Promise<void>,
  ): Promise<{ refused: string } | null>;
  close(): Promise<void>;
};

export type EnvironmentOptions = {
  name: string;
  host: string;
  /** 0 = any. */
  port: number;
  store: Pick<Store, 'get'>;
  records: RecordLog | null;
  start: (options: PredictorOptions) => Promise<Predictor>;
  log: (line: string) => void;
  restored: Record<string, PersistedVersion[]>;
};

/** One environment: its router, and the versions behind it. */
export async function openEnvironment(options: EnvironmentOptions): Promise<Environment> {
  const { name, log } = options;
  const serving: Serving = { environment: name, models: new Map(), records: options.records };
  const closing = new AbortController();
  const retiring = new Set<Promise<void>>();

  const load: Load = (model, version) =>
    loadModel({
      store: options.store,
      name: `${model}@v${version.version} in ${name}`,
      digest: version.bundle,
      model: version.model,
      start: options.start,
      log,
    });

  const router = await openRouter(serving, { port: options.port, host: options.host });
  await restore(options.restored, { serving, load, signal: closing.signal, log });

  async function serve(spec: ServingSpec, persist: (versions: PersistedVersion[]) => Promise<void>) {
    const before = serving.models.get(spec.model) ?? [];
    const kept = (version: ServedVersion) => before.find((routed) => isSame(routed, version))?.loaded ?? null;
    const fresh = await loadAll(
      spec.versions.filter((version) => kept(version) === null),
      (version) => load(spec.model, version),
    );
    if ('refused' in fresh) return fresh;
    const now = new Date().toISOString();
    const after = spec.versions.map((version) =>
      routedOf({ version, model: kept(version) ?? fresh.models.get(version) ?? null, before, now }),
    );
    try {
      await persist(after.map(persistedOf));
    } catch (error) {
      await closeAll(fresh.models.values());
      throw error;
    }
    serving.models.set(spec.model, after);
    for (const { loaded } of before)
      if (loaded !== null && !after.some((routed) => routed.loaded === loaded)) retire(loaded);
    return null;
  }

  /** It answers what it was given, then it goes. */
  function retire({ process }: LoadedModel): void {
    const closed = process
      .close()
      .catch((error: Error) => log(`a retired model did not stop: ${error.message}`));
    retiring.add(closed);
    void closed.finally(() => retiring.delete(closed));
  }

  return {
    name,
    url: router.url,
    port: router.port,
    persisted: () =>
      Object.fromEntries([...serving.models].map(([model, versions]) => [model, versions.map(persistedOf)])),
    state(model) {
      const versions = serving.models.get(model);
      if (versions === undefined) return null;
      const now = new Date().toISOString();
      return { model, environment: name, url: router.url, now, versions: versions.map(stateOf) };
    },
    serve,
    async close() {
      closing.abort();
      await router.close();
      for (const versions of serving.models.values())
        await Promise.all(versions.map(({ loaded }) => loaded?.process.close()));
      await Promise.all(retiring);
    },
  };
}

/** All of them, or none: what was loaded beside a refusal or a fault is stopped again. */
async function loadAll(
  versions: readonly ServedVersion[],
  load: (version: ServedVersion) => Promise<ModelLoad>,
): Promise<{ models: Map<ServedVersion, LoadedModel> } | { refused: string }> {
  const models = new Map<ServedVersion, LoadedModel>();
  const refusals: string[] = [];
  const results = await Promise.allSettled(
    versions.map(async (version) => {
      const result = await load(version);
      if (result.kind === 'loaded') models.set(version, result.model);
      else refusals.push(result.message);
    }),
  );
  const fault = results.find((result) => result.status === 'rejected');
  if (fault === undefined && refusals.length === 0) return { models };
  await closeAll(models.values());
  if (fault !== undefined) throw fault.reason;
  return { refused: refusals.join('; ') };
}

async function closeAll(models: Iterable<LoadedModel>): Promise<void> {
  await Promise.all([...models].map(({ process }) => process.close()));
}
