import { isRateOver } from '#lib/lifecycle/sequential.ts';

/** Milliseconds; bucket i holds values up to FIRST * GROWTH ** i, so figures are right to 5 %. */
const FIRST = 0.05;
const GROWTH = 1.05;
const BUCKETS = 300;
const EDGES = Float64Array.from({ length: BUCKETS }, (_, i) => FIRST * GROWTH ** i);

type LatencySummary = { p50: number; p95: number; p95_lower: number; p99: number };
export type Latency = {
  record(ms: number): void;
  /** Null before the first record. */
  summary(): LatencySummary | null;
  /** Records up to `ms`, to the resolution of a bucket. */
  countUpTo(ms: number): number;
  count(): number;
  sum(): number;
};

/** A histogram with buckets of constant relative width: constant memory, whatever the traffic. */
export function createLatency(): Latency {
  const counts = new Float64Array(BUCKETS);
  let count = 0;
  let sum = 0;

  /** Upper edge of the bucket that holds the quantile. */
  function quantile(share: number): number {
    let below = 0;
    for (const [at, inside] of counts.entries()) {
      below += inside;
      if (below >= share * count) return edge(at);
    }
    return edge(BUCKETS - 1);
  }

  /** The longest time that more than 5 % of all requests surely take. */
  function p95Lower(): number {
    let above = 0;
    for (let at = BUCKETS - 1; at > 0; at -= 1) {
      above += counts[at] ?? 0;
      if (isRateOver({ events: above, trials: count }, 0.05, 0.01)) return edge(at - 1);
    }
    return 0;
  }

  return {
    record(ms) {
      const at = bucketOf(ms);
      counts[at] = (counts[at] ?? 0) + 1;
      count += 1;
      sum += ms;
    },
    summary() {
      if (count === 0) return null;
      return { p50: quantile(0.5), p95: quantile(0.95), p95_lower: p95Lower(), p99: quantile(0.99) };
    },
    countUpTo: (ms) => counts.reduce((total, inside, at) => (edge(at) <= ms ? total + inside : total), 0),
    count: () => count,
    sum: () => sum,
  };
}

function bucketOf(ms: number): number {
  if (ms <= FIRST) return 0;
  return Math.min(Math.ceil(Math.log(ms / FIRST) / Math.log(GROWTH)), BUCKETS - 1);
}

function edge(at: number): number {
  return EDGES[at] ?? Number.POSITIVE_INFINITY;
}
