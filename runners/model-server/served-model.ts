import { compareGolden } from '#lib/lifecycle/golden.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import type { ServedVersion } from '#lib/lifecycle/serving.ts';
import type { Predictor, PredictorOptions } from '#lib/ml/predictor-types.ts';
import { type LoadedBundle, loadBundle } from '#lib/store/bundle.ts';
import type { Store } from '#lib/store/store.ts';
import { createLatency, type Latency } from './latency.ts';
import { type ModelProcess, startModelProcess } from './model-process.ts';
import type { RecordLog } from './record-log.ts';

/** Requests of one version. Errors: requests that were sound and not answered. */
export type Counts = { requests: number; errors: number; latency: Latency };
export function createCounts(): Counts {
  return { requests: 0, errors: 0, latency: createLatency() };
}

/** A version whose bytes are verified, loaded, and answered their golden rows on this machine. */
export type LoadedModel = { bundle: LoadedBundle; process: ModelProcess; total: Counts };
export type ModelLoad = { kind: 'loaded'; model: LoadedModel } | { kind: 'refused'; message: string };

/** A version in a router's table; `loaded` is null while it can't be loaded, as after a restart without the store. */
export type RoutedVersion = Omit<ServedVersion, 'candidate'> & {
  /** Null where a bundle is served by itself, without a registry. */
  candidate: Digest | null;
  since: string;
  /** Since it got its present weight. */
  window: Counts;
  loaded: LoadedModel | null;
};

/** What a router serves: versions by model name. The table is replaced, never changed, when weights move. */
export type Serving = {
  environment: string;
  models: Map<string, readonly RoutedVersion[]>;
  records: RecordLog | null;
};

export function isReady({ loaded }: RoutedVersion): boolean {
  return loaded?.process.isReady() ?? false;
}

export type LoadOptions = {
  store: Pick<Store, 'get'>;
  name: string;
  digest: Digest;
  /** Approved digest of model.onnx; null = take the bundle's word. */
  model: Digest | null;
  start: (options: PredictorOptions) => Promise<Predictor>;
  log: (line: string) => void;
};

export async function loadModel({ store, name, digest, model, start, log }: LoadOptions): Promise<ModelLoad> {
  const load = await loadBundle({ store, digest, model });
  if (load.kind === 'refused') return load;
  const { bundle } = load;
  let process: ModelProcess;
  try {
    process = await startModelProcess({ name, model: bundle.model, signature: bundle.signature, start, log });
  } catch (error) {
    return refuse(`can't be loaded: ${error instanceof Error ? error.message : error}`);
  }
  const answer = await process.predict(bundle.golden.rows);
  const replay = answer.kind === 'answered' ? compareGolden(bundle.golden, answer.rows) : answer;
  if (replay.kind === 'agrees') return { kind: 'loaded', model: { bundle, process, total: createCounts() } };
  await process.close();
  return refuse(`did not answer its golden rows: ${replay.message}`);

  function refuse(message: string): ModelLoad {
    return { kind: 'refused', message: `${name} ${message}` };
  }
}
