import { bestSets } from './best-sets.ts';
import { type Found, fitSet, LEAST_ROWS } from './fit-set.ts';
import { dot, standardised, take } from './least-squares.ts';
import { toleranceOf } from './tolerance.ts';

/** Numbers by column, NaN = missing; all as long as the target. */
export type NumberColumns = ReadonlyMap<string, Float64Array>;

const ROWS = 4_000;

/**
 * Sums of one to three columns, with any coefficients and a constant, that give the target back. Least squares
 * over every such set come from one matrix of correlations; the best are fitted on the rows themselves, and
 * only those count that meet the target to the last digit that it is written with.
 */
export function findSums(columns: NumberColumns, target: Float64Array): Found[] {
  return search('sum', columns, target);
}

/** The same for products and quotients: sums of logarithms, of columns whose values are all above 0. */
export function findProducts(columns: NumberColumns, target: Float64Array): Found[] {
  if (!isPositive(target)) return [];
  const positive = new Map([...columns].filter(([, values]) => isPositive(values)));
  return search('product', positive, target);
}

function isPositive(values: Float64Array): boolean {
  return values.some((value) => value > 0) && !values.some((value) => value <= 0);
}

function search(kind: Found['kind'], columns: NumberColumns, target: Float64Array): Found[] {
  const sample = completeRows(columns, target);
  if (sample === null) return [];
  const change = kind === 'sum' ? (value: number) => value : Math.log;
  const y = standardised(take(target, sample.rows).map(change));
  if (y === null) return [];
  const xs = sample.names
    .flatMap((name) => {
      const values = standardised(take(valuesOf(columns, name), sample.rows).map(change));
      return values === null ? [] : [{ name, values, near: dot(values, y) }];
    })
    .sort((a, b) => Math.abs(b.near) - Math.abs(a.near) || (a.name < b.name ? -1 : 1));
  const found: Found[] = [];
  const tolerance = toleranceOf(target);
  for (const set of bestSets(xs)) {
    const names = set.map((index) => xs[index]?.name ?? '');
    if (found.some(({ terms }) => terms.every(({ column }) => names.includes(column)))) continue;
    const members = names.map((name) => ({ name, values: valuesOf(columns, name) }));
    const fit = fitSet({ kind, set: members, target, rows: sample.rows, tolerance });
    // What fits with fewer columns was found with fewer: a set with an idle member says nothing new.
    if (fit?.terms.every(({ coefficient }) => coefficient !== 0)) found.push(fit);
  }
  return found;
}

/**
 * Rows on which everything is known, evenly over the file. A column that is missing more often than not is left
 * aside, and so are those that leave too few complete rows.
 */
function completeRows(
  columns: NumberColumns,
  target: Float64Array,
): { names: string[]; rows: Int32Array } | null {
  const step = Math.max(1, Math.floor(target.length / ROWS));
  const some: number[] = [];
  const usual = usualRange(target);
  for (let row = 0; row < target.length; row += step) {
    const value = target[row] ?? Number.NaN;
    if (value >= usual.low && value <= usual.high) some.push(row);
  }
  const least = Math.max(LEAST_ROWS, some.length / 10);
  const counted = [...columns]
    .map(([name, values]) => ({ name, missing: some.filter((row) => Number.isNaN(values[row])).length }))
    .filter(({ missing }) => missing < some.length / 2)
    .sort((a, b) => a.missing - b.missing);
  while (counted.length > 0) {
    const known = counted.map(({ name }) => valuesOf(columns, name));
    const rows = some.filter((row) => known.every((values) => !Number.isNaN(values[row])));
    if (rows.length >= least) return { names: counted.map(({ name }) => name), rows: Int32Array.from(rows) };
    counted.pop();
  }
  return null;
}

/** Ten interquartile ranges around the median: one wrong entry beyond would bend every fit. */
function usualRange(target: Float64Array): { low: number; high: number } {
  const sorted = target.filter((value) => Number.isFinite(value)).sort();
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
  const reach = 10 * (at(0.75) - at(0.25));
  if (reach === 0) return { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  return { low: at(0.5) - reach, high: at(0.5) + reach };
}

function valuesOf(columns: NumberColumns, name: string): Float64Array {
  return columns.get(name) ?? new Float64Array(0);
}
