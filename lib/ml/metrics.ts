import { DIRECTION } from '#lib/lifecycle/estimate.ts';
import type { CLASSIFICATION_METRICS, Metric, REGRESSION_METRICS } from '#lib/lifecycle/problem.ts';

/**
 * What a metric is measured on. Regression: one prediction per row. Classes: `actual` holds class indices (-1: a
 * class that the model doesn't know, which is always wrong),
 * `probabilities` is row-major [rows, width], `positive` is the index that binary metrics speak of.
 */
export type Judged =
  | { kind: 'numbers'; actual: ArrayLike<number>; predicted: ArrayLike<number> }
  | {
      kind: 'classes';
      actual: ArrayLike<number>;
      probabilities: ArrayLike<number>;
      width: number;
      positive: number | null;
    };

/**
 * A metric as a function of sums over rows: `of` takes the sum of each column. Resampling rows, groups or
 * blocks then needs their sums only, whatever the metric is.
 */
export type Summands = { columns: Float64Array[]; of: (sums: Float64Array) => number };

/** A metric's value as a loss: lower is better, 0 is perfect. Bias counts by its size, whatever its sign. */
export function lossOf(metric: Metric, value: number): number {
  if (metric === 'bias') return Math.abs(value);
  return DIRECTION[metric] === 'minimize' ? value : 1 - value;
}

/** NaN where the metric is undefined on these rows (no rows; auc with one class only; r2 of a constant). */
export function measure(metric: Metric, judged: Judged): number {
  const { columns, of } = summandsOf(metric, judged);
  return of(Float64Array.from(columns, sum));
}

/**
 * `mae`, `rmse`, `bias` (mean of predicted - actual) in the target's unit; `r2` against the rows' own mean.
 * `accuracy` and `f1` take the most probable class (the first on a tie); `log_loss` in nats. `auc` and `f1`
 * of more than two classes are means over the classes, each against the rest. Definitions and edge cases
 * are scikit-learn's.
 */
export function summandsOf(metric: Metric, judged: Judged): Summands {
  if (judged.kind === 'numbers') {
    const build = REGRESSION[metric as keyof typeof REGRESSION];
    if (build === undefined) throw new Error(`${metric} is a metric of classes, not of numbers`);
    return build(judged.actual, judged.predicted);
  }
  const build = CLASSIFICATION[metric as keyof typeof CLASSIFICATION];
  if (build === undefined) throw new Error(`${metric} is a metric of numbers, not of classes`);
  return build(judged);
}

type Numbers = ArrayLike<number>;
type Classes = Extract<Judged, { kind: 'classes' }>;

const REGRESSION = {
  mae: (actual: Numbers, predicted: Numbers) =>
    meanOf(actual.length, (row) => Math.abs(at(predicted, row) - at(actual, row))),
  bias: (actual: Numbers, predicted: Numbers) =>
    meanOf(actual.length, (row) => at(predicted, row) - at(actual, row)),
  rmse: (actual: Numbers, predicted: Numbers) => {
    const { columns, of } = meanOf(actual.length, (row) => (at(predicted, row) - at(actual, row)) ** 2);
    return { columns, of: (sums: Float64Array) => Math.sqrt(of(sums)) };
  },
  r2: (actual: Numbers, predicted: Numbers) => {
    const rows = actual.length;
    // Centred first: the sum of squares minus the square of the sum would lose digits on large values.
    const centre = sum(Float64Array.from(actual)) / rows;
    const columns = [
      column(rows, (row) => (at(predicted, row) - at(actual, row)) ** 2),
      column(rows, (row) => at(actual, row) - centre),
      column(rows, (row) => (at(actual, row) - centre) ** 2),
      ones(rows),
    ];
    return { columns, of: varianceExplained };
  },
} satisfies Record<(typeof REGRESSION_METRICS)[number], (actual: Numbers, predicted: Numbers) => Summands>;

const CLASSIFICATION = {
  accuracy: (judged: Classes) =>
    meanOf(judged.actual.length, (row) => (mostProbable(judged, row) === at(judged.actual, row) ? 1 : 0)),
  log_loss: (judged: Classes) => meanOf(judged.actual.length, (row) => surprise(judged, row)),
  auc: (judged: Classes) => meanOverClasses(judged, (one) => rankSummands(judged, one)),
  f1: (judged: Classes) => meanOverClasses(judged, (one) => overlapSummands(judged, one)),
} satisfies Record<(typeof CLASSIFICATION_METRICS)[number], (judged: Classes) => Summands>;

function varianceExplained(sums: Numbers): number {
  const [residual, deviation, square, rows] = [at(sums, 0), at(sums, 1), at(sums, 2), at(sums, 3)];
  const total = square - deviation ** 2 / rows;
  return total > 0 ? 1 - residual / total : Number.NaN;
}

/** The first of the most probable classes. */
export function mostProbable({ probabilities, width }: Classes, row: number): number {
  let best = 0;
  for (let index = 1; index < width; index++) {
    if (at(probabilities, row * width + index) > at(probabilities, row * width + best)) best = index;
  }
  return best;
}

/** -log of the probability given to the true class; probabilities are scaled to sum to 1 and kept off 0. */
function surprise({ actual, probabilities, width }: Classes, row: number): number {
  let total = 0;
  for (let index = 0; index < width; index++) total += clip(at(probabilities, row * width + index));
  const given = at(actual, row) < 0 ? 0 : at(probabilities, row * width + at(actual, row));
  return -Math.log(clip(given) / total);
}

function clip(probability: number): number {
  return Math.min(1 - Number.EPSILON, Math.max(Number.EPSILON, probability));
}

/** The one positive class of a binary task; else the mean over all classes, each against the rest. */
function meanOverClasses(judged: Classes, build: (one: number) => Summands): Summands {
  if (judged.positive !== null) return build(judged.positive);
  const parts = Array.from({ length: judged.width }, (_, one) => build(one));
  const size = parts[0]?.columns.length ?? 0;
  return {
    columns: parts.flatMap((part) => part.columns),
    of: (sums) => {
      let total = 0;
      for (const [index, part] of parts.entries()) {
        total += part.of(sums.subarray(index * size, (index + 1) * size));
      }
      return total / parts.length;
    },
  };
}

function overlapSummands(judged: Classes, one: number): Summands {
  const rows = judged.actual.length;
  const isActual = (row: number) => at(judged.actual, row) === one;
  const isPredicted = (row: number) => mostProbable(judged, row) === one;
  return {
    columns: [
      column(rows, (row) => (isActual(row) && isPredicted(row) ? 1 : 0)),
      column(rows, (row) => (isActual(row) ? 1 : 0) + (isPredicted(row) ? 1 : 0)),
    ],
    of: (sums) => (at(sums, 1) > 0 ? (2 * at(sums, 0)) / at(sums, 1) : 0),
  };
}

/**
 * AUC through placement values (DeLong et al. 1988): for a row of the class, the share of other rows ranked
 * below it; for another row, the share of the class ranked above it; ties count half. Both averages are the
 * AUC; their sum less the AUC is its first-order expansion under resampling, and exact on the rows themselves.
 */
function rankSummands(judged: Classes, one: number): Summands {
  const rows = judged.actual.length;
  const score = column(rows, (row) => at(judged.probabilities, row * judged.width + one));
  const isOne = (row: number) => at(judged.actual, row) === one;
  const scores = { of: sorted(score, isOne), rest: sorted(score, (row) => !isOne(row)) };
  const columns = [
    column(rows, (row) => (isOne(row) ? shareBelow(scores.rest, at(score, row)) : 0)),
    column(rows, (row) => (isOne(row) ? 1 : 0)),
    column(rows, (row) => (isOne(row) ? 0 : 1 - shareBelow(scores.of, at(score, row)))),
    column(rows, (row) => (isOne(row) ? 0 : 1)),
  ];
  const [ranked, count] = [columns[0], columns[1]];
  const area = ranked && count ? sum(ranked) / sum(count) : Number.NaN;
  return {
    columns,
    of: (sums) => at(sums, 0) / at(sums, 1) + at(sums, 2) / at(sums, 3) - area,
  };
}

function sorted(score: Float64Array, keep: (row: number) => boolean): Float64Array {
  return score.filter((_, row) => keep(row)).sort();
}

function shareBelow(sortedValues: Float64Array, value: number): number {
  const below = countWhere(sortedValues, (other) => other < value);
  const notAbove = countWhere(sortedValues, (other) => other <= value);
  return (below + notAbove) / 2 / sortedValues.length;
}

/** How many of ascending values pass a test that holds for the first ones and for no later one. */
function countWhere(sortedValues: Float64Array, test: (value: number) => boolean): number {
  let [low, high] = [0, sortedValues.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (test(at(sortedValues, middle))) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A mean over rows. */
export function meanOf(rows: number, summand: (row: number) => number): Summands {
  return { columns: [column(rows, summand), ones(rows)], of: (sums) => at(sums, 0) / at(sums, 1) };
}

function column(rows: number, value: (row: number) => number): Float64Array {
  const values = new Float64Array(rows);
  for (let row = 0; row < rows; row++) values[row] = value(row);
  return values;
}

function ones(rows: number): Float64Array {
  return new Float64Array(rows).fill(1);
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] ?? Number.NaN;
}
