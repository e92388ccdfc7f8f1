import { columnOf, isMissing, type Table, take } from '#lib/data/table.ts';
import type { Signature } from '#lib/lifecycle/bundle.ts';
import type { Input } from '#lib/lifecycle/data-input.ts';
import type { EvaluateResult } from '#lib/lifecycle/evidence.ts';
import type { Metric, Slice as Named } from '#lib/lifecycle/problem.ts';
import type { Basis } from './evaluate-compare.ts';
import { feedOf } from './feed.ts';
import { type Judged, lossOf, measure, type Summands, summandsOf } from './metrics.ts';
import type { Predictor } from './predictor-types.ts';
import { influenceOf, resample, simultaneousIntervals } from './stats/bootstrap.ts';
import { randomOf, shuffle } from './stats/random.ts';
import { stretchOf, unitsOf } from './stats/units.ts';

const MAX_VALUES = 12;
const MIN_ROWS = 50;
const IMPORTANCE_ROWS = 2000;
const SHUFFLES = 3;

/** A slice that a gate of the problem reads, by the metric that it reads there. */
export type AskedSlice = Named & { metric: Metric };
type Slice = { column: string; value: string; rows: Int32Array; metric: Metric };

/**
 * The metric on each value of the category inputs that have few values, and what the problem names, where there
 * are rows enough. Bounds hold for all slices together, so that the worst of many is not taken for a finding.
 */
export function slicesOf({
  table,
  inputs,
  metric,
  named,
  judged,
  basis,
}: {
  table: Table;
  inputs: Record<string, Input>;
  metric: Metric;
  named: readonly AskedSlice[];
  judged: Judged;
  basis: Basis;
}): EvaluateResult['slices'] {
  const usual = Object.entries(inputs)
    .filter(([, { type }]) => type === 'category')
    .flatMap(([column]) => valuesOf(table, column, MAX_VALUES))
    .map((slice) => ({ ...slice, metric }));
  const asked = named.flatMap((one) =>
    Object.hasOwn(inputs, one.column)
      ? valuesOf(table, one.column, Number.POSITIVE_INFINITY)
          .filter(({ value }) => value === String(one.value))
          .map((slice) => ({ ...slice, metric: one.metric }))
      : [],
  );
  const found = unique([...usual, ...asked]);
  const slices = found.map((slice) => ({
    ...slice,
    summands: sliceSummands(slice.metric, judged, slice.rows),
  }));
  const offsets = slices.map((_, index) =>
    slices.slice(0, index).reduce((total, { summands }) => total + summands.columns.length, 0),
  );
  const influence = influenceOf(summandsOf(metric, judged));
  const units = unitsOf(basis.sampling, influence);
  const replicates = resample({
    columns: slices.flatMap(({ summands }) => summands.columns),
    statistics: slices.map(({ summands }, index) => (sums) => {
      const from = offsets[index] ?? 0;
      return summands.of(sums.subarray(from, from + summands.columns.length));
    }),
    units,
    random: randomOf(basis.seed),
  });
  const counts = slices.map(({ rows }) => new Set(rows.map((row) => units.index[row] ?? 0)).size);
  const estimates = simultaneousIntervals(replicates, {
    units: counts,
    stretch: stretchOf(units, influence),
  });
  return slices.flatMap(({ column, value, rows, metric }, index) => {
    const estimate = estimates[index];
    if (estimate === undefined || !Number.isFinite(estimate.estimate)) return [];
    return [{ column, value, rows: rows.length, metric, estimate }];
  });
}

function unique(slices: Slice[]): Slice[] {
  const known = new Map(
    slices.map((slice) => [JSON.stringify([slice.column, slice.value, slice.metric]), slice]),
  );
  return [...known.values()];
}

function valuesOf(table: Table, name: string, most: number): Omit<Slice, 'metric'>[] {
  const column = columnOf(table, name);
  const rows = new Map<string, number[]>();
  for (let row = 0; row < table.rows; row++) {
    if (isMissing(column, row)) continue;
    const value = String(column.values[row]);
    const list = rows.get(value) ?? [];
    list.push(row);
    rows.set(value, list);
  }
  if (rows.size > most) return [];
  return [...rows]
    .filter(([, list]) => list.length >= MIN_ROWS)
    .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
    .map(([value, list]) => ({ column: name, value, rows: Int32Array.from(list) }));
}

/** Summands of some rows, laid out over all rows: 0 elsewhere. */
function sliceSummands(metric: Metric, judged: Judged, rows: Int32Array): Summands {
  const { columns, of } = summandsOf(metric, pick(judged, rows));
  const spread = columns.map((column) => {
    const whole = new Float64Array(judged.actual.length);
    for (const [place, row] of rows.entries()) whole[row] = column[place] ?? 0;
    return whole;
  });
  return { columns: spread, of };
}

function pick(judged: Judged, rows: Int32Array): Judged {
  const actual = Float64Array.from(rows, (row) => judged.actual[row] ?? Number.NaN);
  if (judged.kind === 'numbers') {
    return {
      ...judged,
      actual,
      predicted: Float64Array.from(rows, (row) => judged.predicted[row] ?? Number.NaN),
    };
  }
  const { width, probabilities } = judged;
  const chosen = new Float64Array(rows.length * width);
  for (const [place, row] of rows.entries()) {
    for (let index = 0; index < width; index++)
      chosen[place * width + index] = probabilities[row * width + index] ?? 0;
  }
  return { ...judged, actual, probabilities: chosen };
}

/**
 * How much the loss grows when one input is shuffled over the rows (Breiman 2001; Fisher et al. 2019): the
 * mean of a few shuffles on at most 2,000 rows, largest first.
 */
export async function importanceOf({
  table,
  signature,
  predictor,
  metric,
  judge,
  seed,
}: {
  table: Table;
  signature: Signature;
  predictor: Predictor;
  metric: Metric;
  judge: (rows: Int32Array, predicted: Float32Array) => Judged;
  seed: number;
}): Promise<EvaluateResult['importance']> {
  const random = randomOf(seed);
  const all = shuffle(
    Int32Array.from({ length: table.rows }, (_, row) => row),
    random,
  );
  const rows = all.slice(0, IMPORTANCE_ROWS).sort();
  const names = signature.inputs.map(({ name }) => name);
  const sample = take(table, { rows, columns: names });
  const lossFor = async (feed: ReturnType<typeof feedOf>) => {
    const { values } = await predictor.predict(feed, sample.rows);
    return lossOf(metric, measure(metric, judge(rows, values)));
  };
  const feed = feedOf(sample, signature);
  const base = await lossFor(feed);
  const found: EvaluateResult['importance'] = [];
  for (const column of names) {
    let total = 0;
    for (let round = 0; round < SHUFFLES; round++) {
      const order = shuffle(
        Int32Array.from({ length: sample.rows }, (_, row) => row),
        random,
      );
      const mixed = feedOf(take(sample, { rows: order, columns: [column] }), {
        inputs: signature.inputs.filter(({ name }) => name === column),
      });
      total += (await lossFor({ ...feed, ...mixed })) - base;
    }
    found.push({ column, increase: total / SHUFFLES });
  }
  return found.sort((a, b) => b.increase - a.increase);
}
