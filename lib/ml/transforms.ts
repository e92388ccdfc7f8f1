import { columnOf, type Table } from '../data/table.ts';
import type { TensorSpec } from '../lifecycle/bundle.ts';
import type { Input } from '../lifecycle/data-input.ts';
import { UserError } from '../lifecycle/user-error.ts';
import type { Feed } from './predictor-types.ts';

/** With at most this many values each gets a one-hot column; of more, those of ten rows or more, 256 at most. */
const FEW_CATEGORIES = 64;
const LEAST_ROWS = 10;
const MOST_COLUMNS = 256;
/** With more values than this, of which most rows have a rare one, it is an identifier and not a category. */
const MAX_CATEGORIES = 1000;

/**
 * How one input becomes numbers of the network, fitted on training rows. A number: missing = `fill`, then
 * (value - offset) * scale, all in float32. A category: one column of 0 and 1 per value that was seen, or of
 * very many the frequent ones; any other value, rare or unseen, is all zeros. A missing one is a value like any other.
 */
export type FeatureTransform =
  | { kind: 'number'; name: string; fill: number; offset: number; scale: number }
  | { kind: 'integers'; name: string; values: bigint[] }
  | { kind: 'texts'; name: string; values: string[] };

/** Rows as the network reads them: `numbers` row-major, then one code per category (-1 = unseen). */
export type Encoded = {
  rows: number;
  width: number;
  numberWidth: number;
  numbers: Float32Array;
  categories: { offset: number; codes: Int32Array }[];
};

/** The tensors that a model over these inputs takes: the types come from the columns, never from the rows. */
export function inputTensors(table: Table, inputs: Record<string, Input>): TensorSpec[] {
  return Object.entries(inputs).map(([name, { type }]) => ({
    name,
    datatype: datatypeOf(table, name, type),
    shape: [-1, 1],
  }));
}

function datatypeOf(table: Table, name: string, type: Input['type']): TensorSpec['datatype'] {
  const column = columnOf(table, name);
  if (column.kind === 'time')
    throw new UserError(`input "${name}" is a timestamp`, {
      fix: 'make a number or a category of it in the pipeline, such as the hour or the weekday',
    });
  if (type === 'category') return column.kind === 'number' && column.integer ? 'INT64' : 'BYTES';
  if (column.kind === 'number') return 'FP32';
  throw new UserError(`input "${name}" is declared a number, but its column holds text`, {
    fix: `say "type: category" in data.yml, or cast it in the pipeline: CAST("${name}" AS DOUBLE)`,
  });
}

/** `feed` holds the training rows by the tensors of `inputTensors`. Numbers come first, in the order given. */
export function fitTransforms(tensors: readonly TensorSpec[], feed: Feed): FeatureTransform[] {
  const fitted = tensors.map(({ name }) => fitTransform(name, feed[name]));
  return [
    ...fitted.filter(({ kind }) => kind === 'number'),
    ...fitted.filter(({ kind }) => kind !== 'number'),
  ];
}

function fitTransform(name: string, values: Feed[string] | undefined): FeatureTransform {
  if (values === undefined) throw new Error(`the feed has no input "${name}"`);
  if (values instanceof Float32Array) return { kind: 'number', name, ...standardisation(values) };
  if (values instanceof BigInt64Array)
    return { kind: 'integers', name, values: distinct(name, values).sort(ascending) };
  return { kind: 'texts', name, values: distinct(name, values).sort(ascending) };
}

function ascending<Value extends bigint | string>(a: Value, b: Value): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The values that get a column of their own, decided on the rows that are fitted and on no others. */
function distinct<Value extends bigint | string>(name: string, values: Iterable<Value>): Value[] {
  const counts = new Map<Value, number>();
  let rows = 0;
  for (const value of values) {
    counts.set(value, (counts.get(value) ?? 0) + 1);
    rows += 1;
  }
  if (counts.size <= FEW_CATEGORIES) return [...counts.keys()];
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || ascending(a, b)).slice(0, MOST_COLUMNS);
  const frequent = sorted.filter(([, count]) => count >= LEAST_ROWS);
  const held = frequent.reduce((sum, [, count]) => sum + count, 0);
  if (held >= rows / 2) return frequent.map(([value]) => value);
  if (counts.size <= MAX_CATEGORIES) return sorted.map(([value]) => value);
  throw new UserError(
    `category "${name}" has ${counts.size} distinct values, and ${Math.floor((100 * held) / rows)} % of ${rows} rows have a frequent one`,
    { fix: 'group rare values in the pipeline, declare it a number, or leave it out of the inputs' },
  );
}

/** Below this the inverse comes near the end of float32, or is infinite. */
const LEAST_DEVIATION = 2 ** -100;

/**
 * Median for what is missing; mean and standard deviation of the rows after that. A column that never varied
 * taught nothing: its scale is 0, so that whatever comes later has no effect.
 */
export function standardisation(values: Float32Array): { fill: number; offset: number; scale: number } {
  const present = values.filter((value) => !Number.isNaN(value)).sort();
  const fill = present.length === 0 ? 0 : middle(present);
  let sum = 0;
  for (const value of values) sum += Number.isNaN(value) ? fill : value;
  const mean = sum / Math.max(1, values.length);
  let squares = 0;
  for (const value of values) squares += ((Number.isNaN(value) ? fill : value) - mean) ** 2;
  const deviation = Math.sqrt(squares / Math.max(1, values.length));
  // Below this share of the mean a spread is rounding of float32, and dividing by it would blow noise up.
  const constant = deviation <= 1e-6 * Math.abs(mean) || deviation < LEAST_DEVIATION;
  return { fill, offset: Math.fround(mean), scale: constant ? 0 : Math.fround(1 / deviation) };
}

function middle(sorted: Float32Array): number {
  const upper = sorted[sorted.length >> 1] ?? 0;
  if (sorted.length % 2 === 1) return upper;
  return Math.fround(((sorted[(sorted.length >> 1) - 1] ?? 0) + upper) / 2);
}

/** What the graph computes from a feed, in the same float32 arithmetic. */
export function encode(transforms: readonly FeatureTransform[], feed: Feed, rows: number): Encoded {
  const numeric = transforms.filter((transform) => transform.kind === 'number');
  const numbers = new Float32Array(rows * numeric.length);
  numeric.forEach(({ name, fill, offset, scale }, column) => {
    const values = feed[name] as Float32Array;
    for (let row = 0; row < rows; row++) {
      const value = values[row] ?? Number.NaN;
      const filled = Number.isNaN(value) ? fill : value;
      numbers[row * numeric.length + column] = Math.fround(filled - offset) * scale;
    }
  });
  let width = numeric.length;
  const categories = transforms
    .filter((transform) => transform.kind !== 'number')
    .map(({ name, values }) => {
      const offset = width;
      width += values.length;
      return { offset, codes: codesOf(values, feed[name] ?? []) };
    });
  return { rows, width, numberWidth: numeric.length, numbers, categories };
}

function codesOf(
  values: readonly (bigint | string)[],
  column: Iterable<bigint | string | number>,
): Int32Array {
  const codeOf = new Map<unknown, number>(values.map((value, code) => [value, code]));
  return Int32Array.from(Array.from(column, (value) => codeOf.get(value) ?? -1));
}

/** Dense [indices.length, width] matrix of some rows. */
export function denseRows(encoded: Encoded, indices: Int32Array): Float32Array {
  const { width, numberWidth, numbers, categories } = encoded;
  const dense = new Float32Array(indices.length * width);
  indices.forEach((row, at) => {
    dense.set(numbers.subarray(row * numberWidth, (row + 1) * numberWidth), at * width);
    for (const { offset, codes } of categories) {
      const code = codes[row] ?? -1;
      if (code >= 0) dense[at * width + offset + code] = 1;
    }
  });
  return dense;
}
