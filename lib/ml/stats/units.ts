import { durationMs, durationOf } from '#lib/lifecycle/duration.ts';

/** What is resampled as one piece: `index[row]` is the row's unit, 0 to `count` - 1. */
export type Units = { kind: 'row' | 'group' | 'block'; length: string; count: number; index: Int32Array };

/** How rows may be cut into units. `summand` is what the interval is about: it sets the blocks' least length. */
export type Sampling =
  | { kind: 'row' }
  | { kind: 'group'; column: string; values: ArrayLike<number | string | null> }
  | { kind: 'block'; block: string; time: Float64Array };

/**
 * Rows, whole groups, or blocks of time. A block is as long as declared or as the first zero of the
 * autocorrelation of the demeaned summand, whichever is longer (Künsch 1989; Politis & Romano 1994): shorter
 * blocks would take rows that say the same thing for independent ones.
 */
export function unitsOf(sampling: Sampling, summand: Float64Array): Units {
  if (sampling.kind === 'row') {
    return {
      kind: 'row',
      length: '1',
      count: summand.length,
      index: Int32Array.from(summand, (_, row) => row),
    };
  }
  if (sampling.kind === 'group') {
    return { kind: 'group', length: sampling.column, ...enumerate(sampling.values) };
  }
  const declared = durationMs(sampling.block);
  const length = Math.max(declared, firstZero({ time: sampling.time, summand, step: declared / 24 }));
  const start = least(sampling.time);
  const blocks = Float64Array.from(sampling.time, (at) => Math.floor((at - start) / length));
  return {
    kind: 'block',
    length: durationOf(length),
    ...enumerate(blocks, blocks.slice().sort()),
  };
}

/**
 * Milliseconds to the first lag at which the autocorrelation of the demeaned summand is not above zero. The
 * summand is added up on a grid of `step` first, so that gaps and many rows of one instant do no harm.
 */
export function firstZero({
  time,
  summand,
  step,
}: {
  time: Float64Array;
  summand: Float64Array;
  step: number;
}): number {
  const start = least(time);
  const cells = Math.floor((greatest(time) - start) / step) + 1;
  if (!Number.isFinite(cells) || cells < 2) return 0;
  const mean = summand.reduce((total, value) => total + value, 0) / summand.length;
  const grid = new Float64Array(cells);
  for (let row = 0; row < summand.length; row++) {
    const cell = Math.floor(((time[row] ?? start) - start) / step);
    grid[cell] = (grid[cell] ?? 0) + ((summand[row] ?? mean) - mean);
  }
  for (let lag = 1; lag < cells; lag++) {
    let covariance = 0;
    for (let cell = lag; cell < cells; cell++) covariance += (grid[cell] ?? 0) * (grid[cell - lag] ?? 0);
    if (covariance <= 0) return lag * step;
  }
  return cells * step;
}

type Labels = ArrayLike<number | string | null>;

/** `order`: values in the order that the units are to be counted in. */
function enumerate(values: Labels, order: Labels = values): Pick<Units, 'count' | 'index'> {
  const known = new Map<number | string | null, number>();
  for (let place = 0; place < order.length; place++) {
    const value = order[place] ?? null;
    if (!known.has(value)) known.set(value, known.size);
  }
  return { count: known.size, index: Int32Array.from(values, (value) => known.get(value) ?? 0) };
}

/**
 * How much wider an interval must be because neighbouring blocks still hang together: the root of 1 + 2 r, r
 * the correlation of their sums where it is positive. Cutting a series into blocks loses just that covariance.
 * 1 for rows and groups, which have no neighbours.
 */
export function stretchOf(units: Units, summand: Float64Array): number {
  if (units.kind !== 'block' || units.count < 2) return 1;
  const mean = summand.reduce((total, value) => total + value, 0) / summand.length;
  const sums = new Float64Array(units.count);
  for (const [row, unit] of units.index.entries())
    sums[unit] = (sums[unit] ?? 0) + (summand[row] ?? mean) - mean;
  let [variance, covariance] = [0, 0];
  for (const [unit, sum] of sums.entries()) {
    variance += sum * sum;
    covariance += sum * (sums[unit + 1] ?? 0);
  }
  return variance > 0 ? Math.sqrt(1 + (2 * Math.max(0, covariance)) / variance) : 1;
}

function least(values: Float64Array): number {
  return values.reduce((low, value) => Math.min(low, value), Number.POSITIVE_INFINITY);
}

function greatest(values: Float64Array): number {
  return values.reduce((high, value) => Math.max(high, value), Number.NEGATIVE_INFINITY);
}
