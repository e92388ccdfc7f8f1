import { LEAST_SHARE, type LeakFinding, type Term } from '#lib/lifecycle/leaks.ts';

/** Numbers by column, NaN = missing; all as long as the target. */
export type NumberColumns = ReadonlyMap<string, Float64Array>;

type Found = Extract<LeakFinding, { terms: Term[] }>;

/** Triples are looked for among this many columns (34,220 of them), the ones nearest to the target first. */
const MOST_IN_TRIPLES = 60;
const MOST_IN_PAIRS = 300;
/** Share of variance that is left, at most, where a fit over all rows is worth a closer look: a few wrong rows can cost this much. */
const WORTH_A_LOOK = 0.02;
const MOST_LOOKS = 300;
const ROWS = 4_000;
const LEAST_ROWS = 50;

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

type Near = { values: Float64Array; near: number };

/** Sets of one, two, three columns whose least squares leave next to nothing: the smallest sets first, then the best. */
function bestSets(xs: readonly Near[]): number[][] {
  const pairs = xs.slice(0, MOST_IN_PAIRS);
  const triples = xs.slice(0, MOST_IN_TRIPLES);
  const between = pairs.map((one, i) => pairs.map((other, j) => (j < i ? dot(one.values, other.values) : 0)));
  const r = (i: number, j: number) => (i === j ? 1 : (between[Math.max(i, j)]?.[Math.min(i, j)] ?? 0));
  const c = (i: number) => xs[i]?.near ?? 0;
  const sizes: { set: number[]; left: number }[][] = [[], [], []];
  const tell = (set: number[], explained: number) => {
    if (1 - explained < WORTH_A_LOOK) sizes[set.length - 1]?.push({ set, left: 1 - explained });
  };
  for (let i = 0; i < xs.length; i++) tell([i], c(i) ** 2);
  for (let i = 0; i < pairs.length; i++)
    for (let j = 0; j < i; j++) tell([j, i], explainedByTwo(c(i), c(j), r(i, j)));
  for (let i = 0; i < triples.length; i++)
    for (let j = 0; j < i; j++)
      for (let k = 0; k < j; k++)
        tell([k, j, i], explainedByThree([c(i), c(j), c(k)], [r(i, j), r(i, k), r(j, k)]));
  return sizes.flatMap((size) =>
    size
      .sort((a, b) => a.left - b.left)
      .slice(0, MOST_LOOKS)
      .map(({ set }) => set),
  );
}

/** Columns that say the same make the fit arbitrary: such sets are found without one of them. */
const LEAST_DETERMINANT = 1e-9;

function explainedByTwo(a: number, b: number, ab: number): number {
  const determinant = 1 - ab * ab;
  return determinant < LEAST_DETERMINANT ? 0 : (a * a + b * b - 2 * a * b * ab) / determinant;
}

/** c' R⁻¹ c with the inverse written out. */
function explainedByThree(
  [a, b, c]: [number, number, number],
  [ab, ac, bc]: [number, number, number],
): number {
  const determinant = 1 + 2 * ab * ac * bc - ab * ab - ac * ac - bc * bc;
  if (determinant < LEAST_DETERMINANT) return 0;
  return (
    (a * a * (1 - bc * bc) +
      b * b * (1 - ac * ac) +
      c * c * (1 - ab * ab) +
      2 * a * b * (ac * bc - ab) +
      2 * a * c * (ab * bc - ac) +
      2 * b * c * (ab * ac - bc)) /
    determinant
  );
}

type Named = { name: string; values: Float64Array };
type Fitting = {
  kind: Found['kind'];
  set: Named[];
  target: Float64Array;
  rows: Int32Array;
  tolerance: number;
};

/** Fits on the sample, then once more on the rows that it meets best, so that a few wrong ones don't bend it. */
function fitSet(fitting: Fitting): Found | null {
  const { kind, set, target, rows } = fitting;
  const change = kind === 'sum' ? (value: number) => value : Math.log;
  let chosen = rows;
  for (let round = 0; round < 2; round++) {
    const xs = set.map(({ values }) => take(values, chosen).map(change));
    const solved = leastSquares(xs, take(target, chosen).map(change));
    if (solved === null) return null;
    const raw = foundOf(fitting, solved);
    for (const found of [roundedOff(raw, spread(take(target, rows))), raw]) {
      if (reproduced(fitting, found, rows) < LEAST_SHARE) continue;
      const share = reproduced(fitting, found, null);
      if (share >= LEAST_SHARE) return { ...found, share };
    }
    chosen = nearest(fitting, raw);
  }
  return null;
}

function foundOf({ kind, set }: Fitting, { slopes, constant }: Solved): Found {
  const terms = set.map(({ name }, index) => ({ column: name, coefficient: slopes[index] ?? 0 }));
  return { kind, terms, constant: kind === 'sum' ? constant : Math.exp(constant), share: 0 };
}

/** Coefficients as a person would write them: a fit of rounded values gives 1.00002 for 1. */
function roundedOff({ kind, terms, constant, share }: Found, sd: number): Found {
  const round = (value: number, off: number) =>
    [0, 1, 2]
      .map((digits) => Number(value.toFixed(digits)))
      .find((short) => Math.abs(value - short) <= off) ?? value;
  return {
    kind,
    share,
    terms: terms.map(({ column, coefficient }) => ({ column, coefficient: round(coefficient, 2e-3) })),
    constant: round(constant, kind === 'sum' ? 0.02 * sd : 2e-3),
  };
}

/** Share of rows on which a sum or product of these columns meets the target: of those given, or of all (null). */
function reproduced({ set, target, tolerance }: Fitting, found: Found, rows: Int32Array | null): number {
  let [known, met] = [0, 0];
  const count = rows?.length ?? target.length;
  for (let index = 0; index < count; index++) {
    const row = rows?.[index] ?? index;
    const off = Math.abs(valueAt(found, set, row) - (target[row] ?? Number.NaN));
    if (Number.isNaN(off)) continue;
    known += 1;
    if (off <= tolerance) met += 1;
  }
  return known < LEAST_ROWS ? 0 : met / known;
}

function valueAt({ kind, terms, constant }: Found, set: readonly Named[], row: number): number {
  let value = constant;
  for (const [index, { coefficient }] of terms.entries()) {
    const x = set[index]?.values[row] ?? Number.NaN;
    value = kind === 'sum' ? value + coefficient * x : value * x ** coefficient;
  }
  return value;
}

function nearest({ set, target, rows }: Fitting, found: Found): Int32Array {
  const off = Float64Array.from(rows, (row) =>
    Math.abs(valueAt(found, set, row) - (target[row] ?? Number.NaN)),
  );
  const bound = off.slice().sort()[Math.floor(rows.length * 0.9)] ?? Number.POSITIVE_INFINITY;
  return rows.filter((_, index) => (off[index] ?? 0) <= bound);
}

/**
 * How far off counts as met: half of the last digit that the target is written with, but never more than a
 * hundredth of its spread, and the rounding of 32-bit numbers.
 */
export function toleranceOf(target: Float64Array): number {
  const known = target.filter((value) => Number.isFinite(value));
  const sd = spread(known);
  const largest = known.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const float32 = Math.min(1e-6 * largest, 1e-3 * sd);
  return Math.min(0.5 * lastDigit(known), 0.01 * sd) + float32;
}

/** 1 for whole numbers, 0.01 for cents; 0 where values have more than six decimals. */
function lastDigit(values: Float64Array): number {
  for (let decimals = 0; decimals <= 6; decimals++) {
    const scale = 10 ** decimals;
    const written = (value: number) =>
      Math.abs(value * scale - Math.round(value * scale)) < 1e-6 * Math.max(1, Math.abs(value));
    if (values.every(written)) return 1 / scale;
  }
  return 0;
}

type Solved = { slopes: number[]; constant: number };

/** Ordinary least squares with a constant, centred, by elimination with pivots; null where columns depend. */
function leastSquares(xs: readonly Float64Array[], y: Float64Array): Solved | null {
  const means = xs.map(mean);
  const centred = xs.map((values, index) => values.map((value) => value - (means[index] ?? 0)));
  const middle = mean(y);
  const target = y.map((value) => value - middle);
  const rows = centred.map((one) => [...centred.map((other) => dot(one, other)), dot(one, target)]);
  const slopes = eliminate(rows);
  if (slopes === null) return null;
  return {
    slopes,
    constant: middle - slopes.reduce((sum, slope, index) => sum + slope * (means[index] ?? 0), 0),
  };
}

function eliminate(rows: number[][]): number[] | null {
  const size = rows.length;
  for (let at = 0; at < size; at++) {
    const column = (row: number[]) => Math.abs(row[at] ?? 0);
    const pivot = rows
      .slice(at)
      .reduce((best, row) => (column(row) > column(best) ? row : best), rows[at] ?? []);
    rows.splice(rows.indexOf(pivot), 1);
    rows.splice(at, 0, pivot);
    const head = pivot[at] ?? 0;
    if (head === 0 || !Number.isFinite(head)) return null;
    for (const [index, row] of rows.entries()) {
      if (index === at) continue;
      const factor = (row[at] ?? 0) / head;
      for (let cell = at; cell <= size; cell++) row[cell] = (row[cell] ?? 0) - factor * (pivot[cell] ?? 0);
    }
  }
  return rows.map((row, index) => (row[size] ?? 0) / (row[index] ?? 1));
}

/** Mean 0 and length 1, so that a dot product is a correlation; null where nothing varies. */
function standardised(values: Float64Array): Float64Array | null {
  const middle = mean(values);
  const centred = values.map((value) => value - middle);
  const length = Math.sqrt(dot(centred, centred));
  const constant = !(length > 1e-9 * Math.abs(middle) * Math.sqrt(values.length));
  return constant ? null : centred.map((value) => value / length);
}

function spread(values: Float64Array): number {
  const middle = mean(values);
  return Math.sqrt(
    values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / Math.max(1, values.length),
  );
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function dot(one: Float64Array, other: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < one.length; at++) sum += (one[at] ?? 0) * (other[at] ?? 0);
  return sum;
}

function take(values: Float64Array, rows: Int32Array): Float64Array {
  return Float64Array.from(rows, (row) => values[row] ?? Number.NaN);
}

function valuesOf(columns: NumberColumns, name: string): Float64Array {
  return columns.get(name) ?? new Float64Array(0);
}
