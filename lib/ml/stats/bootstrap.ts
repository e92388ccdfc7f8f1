import { quantile } from '#lib/data/profile.ts';
import type { Estimate } from '#lib/lifecycle/evidence.ts';
import type { Summands } from '#lib/ml/metrics.ts';
import { normalCdf, studentQuantile } from './distributions.ts';

import { type Random, shuffle } from './random.ts';
import type { Units } from './units.ts';

export const CONFIDENCE = 0.95;
export const RESAMPLES = 2000;
/** Fewer units than this tell nothing about their own spread: bounds are null. */
export const MIN_UNITS = 20;
/** More units are merged at random: sums of equally many exchangeable units are exchangeable units. */
const MAX_UNITS = 2048;

export type Replicates = { estimate: number; values: Float64Array };

/**
 * Values of statistics on rows resampled by whole units. All statistics see the same resamples, so that a
 * difference of two of them is paired. `statistics` share the per-row `columns` and take the columns' sums.
 */
export function resample({
  columns,
  statistics,
  units,
  random,
  resamples = RESAMPLES,
}: {
  columns: readonly Float64Array[];
  statistics: readonly Summands['of'][];
  units: Units;
  random: Random;
  resamples?: number;
}): Replicates[] {
  const width = columns.length;
  const pieces = mergeUnits(units, random);
  const sums = unitSums(columns, pieces);
  const replicates = statistics.map((of) => ({
    estimate: of(totals(columns)),
    values: new Float64Array(resamples),
  }));
  const drawn = new Float64Array(width);
  for (let round = 0; round < resamples; round++) {
    drawn.fill(0);
    for (let draw = 0; draw < pieces.count; draw++) {
      const offset = random.below(pieces.count) * width;
      for (let column = 0; column < width; column++) {
        drawn[column] = (drawn[column] ?? 0) + (sums[offset + column] ?? 0);
      }
    }
    for (const [index, of] of statistics.entries()) {
      const replicate = replicates[index];
      if (replicate) replicate.values[round] = of(drawn);
    }
  }
  return replicates;
}

/**
 * Expanded percentile interval (Hesterberg 2015): percentiles taken further out, so that few units get
 * Student's width in place of the normal one, then stretched where neighbouring units hang together. Null
 * bounds under MIN_UNITS, or where the statistic is undefined on one resample in twenty.
 */
export function intervalOf(
  { estimate, values }: Replicates,
  { units, stretch }: { units: number; stretch: number },
  confidence = CONFIDENCE,
): Estimate {
  const defined = values.filter(Number.isFinite).sort();
  if (units < MIN_UNITS || defined.length < values.length * 0.95)
    return { estimate, lower: null, upper: null };
  const tail = expandedTail(units, confidence);
  const bound = (share: number) => estimate + stretch * (quantile(defined, share) - estimate);
  return { estimate, lower: bound(tail), upper: bound(1 - tail) };
}

/**
 * Simultaneous bounds over many statistics by the largest studentized deviation (max-t; Romano & Wolf 2005):
 * all of them hold together with the given confidence. `units[i]` is how many units statistic i has rows in;
 * those with too few get null bounds and have no say in the others'.
 */
export function simultaneousIntervals(
  replicates: readonly Replicates[],
  { units, stretch }: { units: readonly number[]; stretch: number },
  confidence = CONFIDENCE,
): Estimate[] {
  const spreads = replicates.map((one, index) => ((units[index] ?? 0) < MIN_UNITS ? 0 : spreadOf(one)));
  const known = spreads.flatMap((spread, index) => (spread > 0 ? [index] : []));
  const largest = new Float64Array(replicates[0]?.values.length ?? 0);
  for (const index of known) {
    const { estimate, values } = replicates[index] ?? { estimate: 0, values: [] };
    for (const [round, value] of values.entries()) {
      const deviation = Math.abs(value - estimate) / (spreads[index] ?? 1);
      if (deviation > (largest[round] ?? 0)) largest[round] = deviation;
    }
  }
  const fewest = Math.min(...known.map((index) => units[index] ?? 0));
  const reach =
    known.length === 0 ? 0 : stretch * quantile(largest.sort(), 1 - 2 * expandedTail(fewest, confidence));
  return replicates.map(({ estimate }, index) => {
    const spread = spreads[index] ?? 0;
    if (!(spread > 0)) return { estimate, lower: null, upper: null };
    return { estimate, lower: estimate - reach * spread, upper: estimate + reach * spread };
  });
}

/**
 * The statistic's first-order part per row (its influence, up to a constant): what the autocorrelation that
 * sets the block length is about. For a mean it is the summand itself.
 */
export function influenceOf({ columns, of }: Summands): Float64Array {
  const rows = columns[0]?.length ?? 0;
  const at = totals(columns);
  const influence = new Float64Array(rows);
  for (const [index, column] of columns.entries()) {
    const total = at[index] ?? 0;
    const step = 1e-5 * Math.max(Math.abs(total), 1e-3 * rows, 1e-12);
    const slope = (of(at.with(index, total + step)) - of(at.with(index, total - step))) / (2 * step);
    if (!Number.isFinite(slope)) continue;
    for (let row = 0; row < rows; row++) influence[row] = (influence[row] ?? 0) + slope * (column[row] ?? 0);
  }
  return influence;
}

/** Both tails of Student's t at the confidence, as the normal tail that the percentiles then stand for. */
export function expandedTail(units: number, confidence = CONFIDENCE): number {
  if (units < 2) return (1 - confidence) / 2;
  const reach = studentQuantile(1 - (1 - confidence) / 2, units - 1) * Math.sqrt(units / (units - 1));
  return 1 - normalCdf(reach);
}

function spreadOf({ values }: Replicates): number {
  const defined = values.filter(Number.isFinite);
  if (defined.length < values.length * 0.95) return Number.NaN;
  const mean = defined.reduce((total, value) => total + value, 0) / defined.length;
  return Math.sqrt(defined.reduce((total, value) => total + (value - mean) ** 2, 0) / (defined.length - 1));
}

function totals(columns: readonly Float64Array[]): Float64Array {
  return Float64Array.from(columns, (column) => column.reduce((total, value) => total + value, 0));
}

/** Row-major [units, columns]. */
function unitSums(columns: readonly Float64Array[], units: Pick<Units, 'count' | 'index'>): Float64Array {
  const sums = new Float64Array(units.count * columns.length);
  for (const [offset, column] of columns.entries()) {
    for (let row = 0; row < column.length; row++) {
      const place = (units.index[row] ?? 0) * columns.length + offset;
      sums[place] = (sums[place] ?? 0) + (column[row] ?? 0);
    }
  }
  return sums;
}

function mergeUnits(units: Units, random: Random): Pick<Units, 'count' | 'index'> {
  if (units.count <= MAX_UNITS) return units;
  const order = shuffle(
    Int32Array.from({ length: units.count }, (_, unit) => unit),
    random,
  );
  return { count: MAX_UNITS, index: units.index.map((unit) => (order[unit] ?? 0) % MAX_UNITS) };
}
