import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { METRICS } from '#lib/lifecycle/problem.ts';
import { type Judged, lossOf, measure } from '#lib/ml/metrics.ts';

type Known = { actual: number[] } & Record<string, unknown>;
const known = JSON.parse(
  readFileSync(new URL('../reference/statistics.json', import.meta.url), 'utf8'),
) as Record<'regression' | 'classes', Known[]>;

function judgedOf(row: Known): Judged {
  if ('predicted' in row)
    return { kind: 'numbers', actual: row.actual, predicted: row.predicted as number[] };
  return {
    kind: 'classes',
    actual: row.actual,
    probabilities: row.probabilities as number[],
    width: row.width as number,
    positive: row.positive as number | null,
  };
}

describe('metrics agree with scikit-learn to 1e-9', () => {
  for (const row of [...known.regression, ...known.classes]) {
    for (const metric of METRICS.filter((name) => name in row)) {
      it(`${metric} on ${row.actual.length} rows${'width' in row ? ` of ${row.width} classes` : ''}`, () => {
        const expected = row[metric] as number;
        const value = measure(metric, judgedOf(row));
        expect(Math.abs(value - expected)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(expected)));
      });
    }
  }
});

describe('metrics at the edges', () => {
  it('gives NaN where a metric is undefined', () => {
    const one = { kind: 'numbers', actual: [3, 3], predicted: [1, 2] } as const;
    expect(measure('r2', one)).toBeNaN();
    expect(measure('mae', { kind: 'numbers', actual: [], predicted: [] })).toBeNaN();
    const sameClass: Judged = {
      kind: 'classes',
      actual: [1, 1],
      probabilities: [0.4, 0.6, 0.3, 0.7],
      width: 2,
      positive: 1,
    };
    expect(measure('auc', sameClass)).toBeNaN();
  });

  it('keeps log loss finite where the true class got no chance', () => {
    const sure: Judged = { kind: 'classes', actual: [0], probabilities: [0, 1], width: 2, positive: 1 };
    expect(measure('log_loss', sure)).toBeCloseTo(-Math.log(Number.EPSILON), 9);
  });

  it('refuses a metric of the other task', () => {
    expect(() => measure('auc', { kind: 'numbers', actual: [1], predicted: [1] })).toThrow(
      /auc is a metric of classes/,
    );
  });

  it.each([
    ['mae', 3, 3],
    ['bias', -3, 3],
    ['r2', 0.75, 0.25],
    ['accuracy', 0.75, 0.25],
    ['log_loss', 0.75, 0.75],
  ] as const)('%s of %d is a loss of %d', (metric, value, loss) => expect(lossOf(metric, value)).toBe(loss));
});

it('ranks a constant answer over many rows in good time: its auc is 0.5', () => {
  const rows = 200_000;
  const actual = Float64Array.from({ length: rows }, (_, row) => row % 2);
  const probabilities = new Float64Array(rows * 2).fill(0.5);
  expect(measure('auc', { kind: 'classes', actual, probabilities, width: 2, positive: 1 })).toBe(0.5);
});
