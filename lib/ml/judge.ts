import { quantile } from '#lib/data/profile.ts';
import type { Table } from '#lib/data/table.ts';
import type { Signature } from '#lib/lifecycle/bundle.ts';
import type { Metric, Task } from '#lib/lifecycle/problem.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { classIndices, targetNumbers } from './labels.ts';
import type { Judged } from './metrics.ts';

type Question = { task: Task; classes: Signature['classes'] };

/** A target column, as metrics take it: numbers, or indices into the signature's classes, -1 = never seen. */
export type Actual = { kind: 'numbers' | 'classes'; values: Float64Array };

export function actualOf(table: Table, target: string, { classes }: Pick<Question, 'classes'>): Actual {
  if (classes === null) return { kind: 'numbers', values: targetNumbers(table, target) };
  return { kind: 'classes', values: Float64Array.from(classIndices(table, target, classes)) };
}

/** `predicted` is row-major: one number per row, or a probability per class. */
export function judgedOf(actual: Actual, predicted: ArrayLike<number>, question: Question): Judged {
  if (actual.kind === 'numbers') return { kind: 'numbers', actual: actual.values, predicted };
  const { task, classes } = question;
  const names = (classes ?? []).map(String);
  const wanted = task.kind === 'binary' ? String(task.positive) : null;
  const positive = wanted === null ? null : names.indexOf(wanted);
  if (positive === -1) {
    throw new UserError(
      `the training rows never had the positive class "${wanted}", only ${names.join(', ')}`,
      {
        fix: 'check `task.positive` in problem.yml, or widen the training window',
      },
    );
  }
  return { kind: 'classes', actual: actual.values, probabilities: predicted, width: names.length, positive };
}

/** The same answer for every one of `rows` rows. */
export function constant(answer: readonly number[], rows: number): Float64Array {
  const values = new Float64Array(rows * answer.length);
  for (let row = 0; row < rows; row++) values.set(answer, row * answer.length);
  return values;
}

/** Probabilities in another order of classes; a class that the model doesn't know gets none. */
export function reorder(
  probabilities: ArrayLike<number>,
  from: Signature['classes'],
  to: Signature['classes'],
): ArrayLike<number> {
  if (from === null || to === null) return probabilities;
  const places = to.map((name) => from.map(String).indexOf(String(name)));
  const rows = probabilities.length / from.length;
  return Float64Array.from({ length: rows * to.length }, (_, cell) => {
    const place = places[cell % to.length] ?? -1;
    return place < 0 ? 0 : (probabilities[Math.floor(cell / to.length) * from.length + place] ?? 0);
  });
}

/** What one says without looking at the row: the median or the mean of the training target, or its class shares. */
export function trivialAnswer(training: Actual, metric: Metric, classes: number): number[] {
  const { kind, values } = training;
  if (kind === 'classes') {
    const shares = new Array<number>(classes).fill(0);
    for (const value of values) shares[value] = (shares[value] ?? 0) + 1 / values.length;
    return shares;
  }
  if (metric === 'mae') return [quantile(values.slice().sort(), 0.5)];
  return [values.reduce((total, value) => total + value, 0) / values.length];
}
