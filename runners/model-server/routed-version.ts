import type { ServedVersion, ServingState } from '#lib/lifecycle/serving.ts';
import { createCounts, isReady, type LoadedModel, type RoutedVersion } from './served-model.ts';

export type PersistedVersion = ServedVersion & { since: string };

/** The same bytes under the same name, whatever the weight. */
export function isSame(routed: RoutedVersion, version: ServedVersion): boolean {
  return (
    routed.version === version.version &&
    routed.candidate === version.candidate &&
    routed.bundle === version.bundle &&
    routed.model === version.model
  );
}

/** A version whose weight stays keeps its counts. */
export function routedOf(input: {
  version: ServedVersion;
  model: LoadedModel | null;
  before: readonly RoutedVersion[];
  now: string;
}): RoutedVersion {
  const { version, model, before, now } = input;
  const same = before.find((routed) => isSame(routed, version) && routed.weight === version.weight);
  if (same !== undefined && same.loaded === model) return same;
  return { ...version, since: same?.since ?? now, window: createCounts(), loaded: model };
}

export function persistedOf(routed: RoutedVersion): PersistedVersion {
  const { version, candidate, bundle, model, weight, since } = routed;
  if (candidate === null) throw new TypeError(`version ${version} has no candidate`);
  return { version, candidate, bundle, model, weight, since };
}

export function stateOf(routed: RoutedVersion): ServingState['versions'][number] {
  const { window } = routed;
  return {
    ...persistedOf(routed),
    ready: isReady(routed),
    requests: window.requests,
    errors: window.errors,
    latency_ms: window.latency.summary(),
  };
}
