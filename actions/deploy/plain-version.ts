import type { Release } from '#lib/lifecycle/rollout.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import type { ServedVersion } from '#lib/lifecycle/serving.ts';

/** Versions without a registry are the numbers of their rollouts: they hold for one environment alone. */
export function versionOf(n: number): string {
  return `0.${n}.0`;
}

function numberOf(version: string): number {
  return Number(/^0\.(\d+)\.0$/.exec(version)?.[1] ?? '0');
}

export type Standing = {
  n: number;
  /** What answers most requests now, apart from the candidate itself; null = nothing does. */
  previous: Release | null;
  /** The candidate answers all requests already. */
  isInForce: boolean;
};

/**
 * Where a rollout of the candidate starts. What serves is asked of the target: a job's checkout is new, and
 * another machine may have deployed since. A candidate that is loaded there keeps its number.
 */
export function standingOf({
  served,
  candidate,
  taken,
}: {
  served: readonly ServedVersion[];
  candidate: Digest;
  /** Highest number of a rollout that is known from elsewhere. */
  taken: number;
}): Standing {
  const own = served.find((one) => one.candidate === candidate && numberOf(one.version) > 0);
  const [former] = served
    .filter((one) => one !== own && one.weight > 0)
    .toSorted((one, other) => other.weight - one.weight);
  return {
    n: own ? numberOf(own.version) : 1 + Math.max(taken, ...served.map(({ version }) => numberOf(version))),
    previous: former ? releaseOf(former) : null,
    isInForce: own?.weight === 100,
  };
}

function releaseOf({ version, candidate, bundle, model }: ServedVersion): Release {
  return { version, candidate, bundle, model };
}
