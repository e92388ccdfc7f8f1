import type { Estimate } from '#lib/lifecycle/evidence.ts';
import type { Value } from '#lib/lifecycle/problem.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { costOfClass, costOfNumber } from '#lib/lifecycle/value.ts';
import { type Basis, estimateOf } from './evaluate-compare.ts';
import { type Judged, meanOf, mostProbable } from './metrics.ts';

/** Money lost per 1,000 predictions, with its interval. */
export function moneyOf(value: Value, judged: Judged, classes: readonly string[], basis: Basis): Estimate {
  const summands = meanOf(judged.actual.length, costPerRow(value, judged, classes));
  const { estimate } = estimateOf({ ...summands, of: (sums) => 1000 * summands.of(sums) }, basis);
  return estimate;
}

function costPerRow(value: Value, judged: Judged, classes: readonly string[]): (row: number) => number {
  if (value.kind === 'numbers' && judged.kind === 'numbers') {
    return (row) =>
      costOfNumber(value, judged.actual[row] ?? Number.NaN, judged.predicted[row] ?? Number.NaN);
  }
  if (value.kind === 'classes' && judged.kind === 'classes') {
    return (row) => {
      const actual = classes[judged.actual[row] ?? -1] ?? '';
      const predicted = classes[mostProbable(judged, row)] ?? '';
      const cost = costOfClass(value, actual, predicted);
      if (cost !== null) return cost;
      throw new UserError(
        `problem.yml: value.cost has no cell for actual ${actual}, predicted ${predicted}`,
        {
          fix: 'give a cost for every pair of classes; 0 where an answer costs nothing',
        },
      );
    };
  }
  throw new UserError(`problem.yml: value.kind is "${value.kind}", which does not fit the task`, {
    fix: 'use "numbers" for a regression and "classes" for a classification',
  });
}
