import type { Column } from '#lib/data/table.ts';
import { isMissing } from '#lib/data/table.ts';
import { measure } from '../metrics.ts';

/** What one column says on its own is judged on `test`, after looking at `train` alone. */
export type Halves = { train: Int32Array; test: Int32Array };

/** Rows that a step of the curve or a bin rests on: fewer follow chance, more blur a steep curve. */
const ROWS_OF_A_STEP = 10;
/** Numbers with no more values than this are looked up value by value too. */
const MOST_VALUES = 1_000;

/**
 * R² of the target as one column alone gives it, of its values or of its ranks, whichever is higher: ranks see
 * a relation through any monotone change of scale. Numbers are a curve of local means, texts a table of means.
 */
export function scoreNumbers(column: Column, target: Float64Array, halves: Halves): number {
  const answer = column.kind === 'text' ? meanOfGroup : curveOfMeans;
  const onValues = measureR2(answer(column, target, halves), target, halves.test);
  const ranks = ranksOf(target, halves);
  return Math.max(onValues, measureR2(answer(column, ranks, halves), ranks, halves.test));
}

function measureR2(predicted: Float64Array, target: Float64Array, test: Int32Array): number {
  const r2 = measure('r2', { kind: 'numbers', actual: pick(target, test), predicted });
  return Number.isNaN(r2) ? 0 : r2;
}

/** Average ranks of the rows of both halves, NaN elsewhere. */
function ranksOf(target: Float64Array, { train, test }: Halves): Float64Array {
  const rows = [...train, ...test].sort((a, b) => at(target, a) - at(target, b));
  const ranks = new Float64Array(target.length).fill(Number.NaN);
  for (let start = 0; start < rows.length; ) {
    let end = start;
    while (end < rows.length && at(target, rows[end] ?? 0) === at(target, rows[start] ?? 0)) end += 1;
    for (let index = start; index < end; index++) ranks[rows[index] ?? 0] = (start + end - 1) / 2;
    start = end;
  }
  return ranks;
}

/**
 * `classes` holds class indices. Binary: AUC of the class 1 (of 0 and 1). More: the share of the errors of
 * "always the most frequent class" that the column takes away.
 */
export function scoreClasses(
  column: Column,
  classes: Int32Array,
  { halves, width }: { halves: Halves; width: number },
): number {
  const groupings = column.kind === 'text' ? [groupOf] : [binsOf, groupOf];
  const scores = groupings.flatMap((grouping) => {
    const groups = grouping(column, halves);
    if (groups === null) return [];
    const shares = sharesByGroup(groups, classes, { halves, width });
    return [width === 2 ? areaOf(shares, classes, halves) : gainOf(shares, classes, { halves, width })];
  });
  return Math.max(0, ...scores);
}

function areaOf(shares: Float64Array, classes: Int32Array, { test }: Halves): number {
  const actual = Int32Array.from(test, (row) => classes[row] ?? 0);
  const area = measure('auc', { kind: 'classes', actual, probabilities: shares, width: 2, positive: 1 });
  return Number.isNaN(area) ? 0 : area;
}

function gainOf(
  shares: Float64Array,
  classes: Int32Array,
  { halves: { test }, width }: { halves: Halves; width: number },
): number {
  const actual = Int32Array.from(test, (row) => classes[row] ?? 0);
  const right = measure('accuracy', {
    kind: 'classes',
    actual,
    probabilities: shares,
    width,
    positive: null,
  });
  const counts = new Float64Array(width);
  for (const one of actual) counts[one] = (counts[one] ?? 0) + 1;
  const usual = counts.reduce((most, count) => Math.max(most, count), 0) / actual.length;
  return usual === 1 ? 0 : (right - usual) / (1 - usual);
}

/** Shares of the classes in the test rows' groups, as training rows have them; a group never seen has those of all. */
function sharesByGroup(
  groups: Groups,
  classes: Int32Array,
  { halves: { train, test }, width }: { halves: Halves; width: number },
): Float64Array {
  const all = new Float64Array(width);
  const counts = new Map<number, Float64Array>();
  for (const row of train) {
    const one = classes[row] ?? 0;
    const group = groups(row);
    const own = counts.get(group) ?? new Float64Array(width);
    counts.set(group, own);
    own[one] = (own[one] ?? 0) + 1;
    all[one] = (all[one] ?? 0) + 1 / train.length;
  }
  const shares = new Float64Array(test.length * width);
  for (const [index, row] of test.entries()) {
    const own = counts.get(groups(row));
    const rows = own?.reduce((sum, count) => sum + count, 0) ?? 0;
    // One row's worth of the overall shares keeps a single sighting from being sure.
    const share = all.map((prior, one) => (prior + (own?.[one] ?? 0)) / (1 + rows));
    shares.set(share, index * width);
  }
  return shares;
}

/** Number of a row's group; -1 = a value that no training row has. */
type Groups = (row: number) => number;
const UNSEEN = -1;
const MISSING = -2;

function groupOf(column: Column, { train }: Halves): Groups | null {
  const numbers = new Map<unknown, number>();
  for (const row of train) {
    const value = column.values[row];
    if (!isMissing(column, row) && !numbers.has(value)) numbers.set(value, numbers.size);
  }
  if (column.kind !== 'text' && numbers.size > MOST_VALUES) return null;
  return (row) => (isMissing(column, row) ? MISSING : (numbers.get(column.values[row]) ?? UNSEEN));
}

function binsOf(column: Column, { train }: Halves): Groups {
  const values = column.values as Float64Array;
  const sorted = pick(values, train)
    .filter((value) => !Number.isNaN(value))
    .sort();
  const edges = [...new Set(sorted.filter((_, index) => index % ROWS_OF_A_STEP === 0))];
  return (row) => {
    const value = at(values, row);
    if (Number.isNaN(value)) return MISSING;
    let [low, high] = [0, edges.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((edges[middle] ?? 0) <= value) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

function meanOfGroup(column: Column, target: Float64Array, halves: Halves): Float64Array {
  const groups = groupOf(column, halves) ?? (() => UNSEEN);
  const sums = new Map<number, { sum: number; rows: number }>();
  const overall = meanOver(target, halves.train);
  for (const row of halves.train) {
    const own = sums.get(groups(row)) ?? { sum: overall, rows: 1 };
    sums.set(groups(row), { sum: own.sum + at(target, row), rows: own.rows + 1 });
  }
  return Float64Array.from(halves.test, (row) => {
    const own = sums.get(groups(row));
    return own === undefined ? overall : own.sum / own.rows;
  });
}

/** Means of about ten neighbouring rows each, joined by straight lines; level beyond both ends. */
function curveOfMeans(column: Column, target: Float64Array, { train, test }: Halves): Float64Array {
  const values = column.values as Float64Array;
  const known = train
    .filter((row) => !Number.isNaN(values[row]))
    .sort((a, b) => at(values, a) - at(values, b));
  const missing = train.filter((row) => Number.isNaN(values[row]));
  const overall = meanOver(target, missing.length > 0 ? missing : train);
  const steps = stepsOf(known, values, target);
  return Float64Array.from(test, (row) => {
    const x = at(values, row);
    return Number.isNaN(x) || steps.length === 0 ? overall : onCurve(steps, x);
  });
}

type Step = { x: number; y: number };

/** Rows of one value are never torn apart, so that the curve doesn't depend on their order. */
function stepsOf(known: Int32Array, values: Float64Array, target: Float64Array): Step[] {
  const steps: Step[] = [];
  for (let start = 0; start < known.length; ) {
    let end = Math.min(known.length, start + ROWS_OF_A_STEP);
    while (end < known.length && values[known[end] ?? 0] === values[known[end - 1] ?? 0]) end += 1;
    const rows = known.subarray(start, end);
    steps.push({ x: meanOver(values, rows), y: meanOver(target, rows) });
    start = end;
  }
  return steps;
}

function onCurve(steps: readonly Step[], x: number): number {
  let [low, high] = [0, steps.length - 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((steps[middle]?.x ?? 0) < x) low = middle + 1;
    else high = middle;
  }
  const right = steps[low] as Step;
  const left = steps[low - 1];
  if (left === undefined || x >= right.x) return right.y;
  return left.y + ((right.y - left.y) * (x - left.x)) / (right.x - left.x);
}

function meanOver(values: Float64Array, rows: Int32Array): number {
  let sum = 0;
  for (const row of rows) sum += at(values, row);
  return rows.length === 0 ? 0 : sum / rows.length;
}

function pick(values: Float64Array, rows: Int32Array): Float64Array {
  return Float64Array.from(rows, (row) => at(values, row));
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] ?? Number.NaN;
}
