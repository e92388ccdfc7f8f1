import type { Estimate } from './evidence.ts';
import type { Metric } from './problem.ts';
import type { Verdict } from './verdict.ts';

export const DIRECTION = {
  mae: 'minimize',
  rmse: 'minimize',
  r2: 'maximize',
  bias: 'minimize',
  accuracy: 'maximize',
  log_loss: 'minimize',
  auc: 'maximize',
  f1: 'maximize',
} as const satisfies Record<Metric, 'minimize' | 'maximize'>;

/** Where a metric can be. */
export const RANGE: Record<Metric, readonly [number, number]> = {
  mae: [0, Number.POSITIVE_INFINITY],
  rmse: [0, Number.POSITIVE_INFINITY],
  r2: [Number.NEGATIVE_INFINITY, 1],
  bias: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  accuracy: [0, 1],
  log_loss: [0, Number.POSITIVE_INFINITY],
  auc: [0, 1],
  f1: [0, 1],
};

/** Bounds that lie where a metric can be: an interval that is stretched around 0.95 would go past 1. */
export function withinRange(metric: Metric, { estimate, lower, upper }: Estimate): Estimate {
  const [least, most] = RANGE[metric];
  if (lower === null || upper === null) return { estimate, lower, upper };
  return { estimate, lower: Math.max(least, lower), upper: Math.min(most, upper) };
}

/** Passed when the whole interval is at or under the bound, failed when all of it is over, else inconclusive. */
export function atMost({ lower, upper }: Estimate, bound: number): Verdict {
  if (lower === null || upper === null) return 'inconclusive';
  if (upper <= bound) return 'passed';
  return lower > bound ? 'failed' : 'inconclusive';
}

export function atLeast({ lower, upper }: Estimate, bound: number): Verdict {
  if (lower === null || upper === null) return 'inconclusive';
  if (lower >= bound) return 'passed';
  return upper < bound ? 'failed' : 'inconclusive';
}

/** Bias is judged by its size whatever its sign: |b| and its bounds. Other metrics stay as they are. */
export function sizeOf(metric: Metric, estimate: Estimate): Estimate {
  if (metric !== 'bias') return estimate;
  const { lower, upper } = estimate;
  const size = Math.abs(estimate.estimate);
  if (lower === null || upper === null) return { estimate: size, lower, upper };
  return {
    estimate: size,
    lower: Math.max(0, lower, -upper),
    upper: Math.max(Math.abs(lower), Math.abs(upper)),
  };
}

/** `64.2 [58.1, 70.4]`: four digits tell enough in a sentence; the figures themselves are in the evidence. */
export function textOf({ estimate, lower, upper }: Estimate): string {
  if (lower === null || upper === null) return `${short(estimate)} (too few units for bounds)`;
  return `${short(estimate)} [${short(lower)}, ${short(upper)}]`;
}

export function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
