import { setTimeout as delay } from 'node:timers/promises';
import type { ServedVersion, ServingSpec, ServingState } from '#lib/lifecycle/serving.ts';
import type { Predictor, PredictorOptions } from '#lib/ml/predictor-types.ts';
import type { Store } from '#lib/store/store.ts';
import type { RecordLog } from './record-log.ts';
import { openRouter } from './router.ts';
import {
  createCounts,
  type LoadedModel,
  loadModel,
  type RoutedVersion,
  type Serving,
} from './served-model.ts';

export type PersistedVersion = ServedVersion & { since: string };
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

const LOAD_RETRY_MS = 2_000;

/** One environment: its router, and the versions behind it. */
export async function openEnvironment(options: EnvironmentOptions): Promise<Environment> {
  const { name, log } = options;
  const serving: Serving = { environment: name, models: new Map(), records: options.records };
  const closing = new AbortController();
  const retiring = new Set<Promise<void>>();

  const nameOf = (model: string, version: string) => `${model}@v${version} in ${name}`;
  const load = (model: string, version: ServedVersion) =>
    loadModel({
      store: options.store,
      name: nameOf(model, version.version),
      digest: version.bundle,
      model: version.model,
      start: options.start,
      log,
    });

  /** After a restart: what can't be loaded now is tried again until it can, or something else is to be served. */
  async function restore(model: string, persisted: PersistedVersion[]): Promise<void> {
    const versions = persisted.map(
      (version): RoutedVersion => ({ ...version, window: createCounts(), loaded: null }),
    );
    serving.models.set(model, versions);
    await Promise.all(persisted.map((version, at) => tryLoad(model, version, versions[at])));
  }

  async function tryLoad(
    model: string,
    version: ServedVersion,
    routed: RoutedVersion | undefined,
  ): Promise<void> {
    if (routed === undefined || !isRouted(model, routed)) return;
    const result = await load(model, version).catch((error: Error) => ({
      kind: 'refused' as const,
      message: error.message,
    }));
    if (result.kind === 'loaded' && isRouted(model, routed) && !closing.signal.aborted) {
      routed.loaded = result.model;
      return;
    }
    if (result.kind === 'loaded') return result.model.process.close();
    log(`${nameOf(model, version.version)} is not served: ${result.message}`);
    void delay(LOAD_RETRY_MS, undefined, { signal: closing.signal, ref: false })
      .then(() => tryLoad(model, version, routed))
      .catch(() => {});
  }

  function isRouted(model: string, routed: RoutedVersion): boolean {
    return serving.models.get(model)?.includes(routed) ?? false;
  }

  const router = await openRouter(serving, { port: options.port, host: options.host });
  await Promise.all(Object.entries(options.restored).map(([model, versions]) => restore(model, versions)));

  async function serve(spec: ServingSpec, persist: (versions: PersistedVersion[]) => Promise<void>) {
    const before = serving.models.get(spec.model) ?? [];
    const loads = await Promise.all(
      spec.versions.map(async (version) => {
        const same = before.find((routed) => isSame(routed, version) && routed.loaded !== null);
        if (same?.loaded) return { kind: 'kept' as const, model: same.loaded };
        return load(spec.model, version);
      }),
    );
    const refusals = loads.flatMap((result) => (result.kind === 'refused' ? [result.message] : []));
    if (refusals.length > 0) {
      for (const result of loads) if (result.kind === 'loaded') await result.model.process.close();
      return { refused: refusals.join('; ') };
    }
    const models = loads.flatMap((result) => (result.kind === 'refused' ? [] : [result.model]));
    const now = new Date().toISOString();
    const after = spec.versions.map((version, at) => routedOf({ version, model: models[at], before, now }));
    await persist(after.map(persistedOf));
    serving.models.set(spec.model, after);
    for (const { loaded } of before) if (loaded !== null && !models.includes(loaded)) retire(loaded);
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

function isSame(routed: RoutedVersion, version: ServedVersion): boolean {
  return (
    routed.version === version.version &&
    routed.candidate === version.candidate &&
    routed.bundle === version.bundle &&
    routed.model === version.model
  );
}

/** A version whose weight stays keeps its counts. */
function routedOf(input: {
  version: ServedVersion;
  model: LoadedModel | undefined;
  before: readonly RoutedVersion[];
  now: string;
}): RoutedVersion {
  const { version, model, before, now } = input;
  const same = before.find((routed) => isSame(routed, version) && routed.weight === version.weight);
  if (same !== undefined && same.loaded === model) return same;
  return { ...version, since: same?.since ?? now, window: createCounts(), loaded: model ?? null };
}

function persistedOf(routed: RoutedVersion): PersistedVersion {
  const { version, candidate, bundle, model, weight, since } = routed;
  if (candidate === null) throw new TypeError(`version ${version} has no candidate`);
  return { version, candidate, bundle, model, weight, since };
}

function stateOf(routed: RoutedVersion): ServingState['versions'][number] {
  const { window, loaded } = routed;
  return {
    ...persistedOf(routed),
    ready: loaded?.process.isReady() ?? false,
    requests: window.requests,
    errors: window.errors,
    latency_ms: window.latency.summary(),
  };
}
