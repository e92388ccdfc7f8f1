import { describe, expect, test } from 'vitest';
import { decidePositive, decideSuccess, decideTask, type TargetFacts } from '#lib/lifecycle/framing.ts';

function target(
  kind: 'number' | 'text' | 'time',
  distinct: number,
  classes: Record<string, number> = {},
): TargetFacts {
  return {
    column: { name: 'y', type: kind === 'text' ? 'VARCHAR' : 'BIGINT', kind, distinct },
    classes: Object.entries(classes).map(([value, rows]) => ({ value, rows })),
  };
}

describe('the task of a target', () => {
  test.each([
    ['number', 21, null, 'regression'],
    ['number', 20, null, 'multiclass'],
    ['number', 2, null, 'binary'],
    ['text', 2, null, 'binary'],
    ['text', 30, null, 'multiclass'],
    ['number', 5, 'regression', 'regression'],
    ['number', 50, 'multiclass', 'multiclass'],
  ] as const)('%s with %d values, asked %s: %s', (kind, distinct, asked, expected) => {
    expect(decideTask(target(kind, distinct), asked)).toBe(expected);
  });
  test.each([
    ['time', 9, null, /a time is not predicted/],
    ['text', 1, null, /one class only/],
    ['text', 0, null, /no value in any row/],
    ['text', 9, 'regression', /a regression predicts a number/],
    ['number', 3, 'binary', /has 3 values, and a binary target has two/],
    ['text', 101, null, /101 different values: too many for classes/],
    ['number', 5000, 'multiclass', /too many for classes/],
  ] as const)('%s with %d values, asked %s, is refused', (kind, distinct, asked, message) => {
    expect(() => decideTask(target(kind, distinct), asked)).toThrow(message);
  });
});

describe('the positive class', () => {
  test.each([
    [{ no: 900, yes: 100 }, null, 'yes'],
    [{ kept: 900, gone: 100 }, null, 'gone'],
    [{ '0': 5, '1': 50 }, null, '1'],
    [{ '0.0': 5, '1.0': 50 }, '1', '1.0'],
    [{ a: 5, b: 5 }, null, 'b'],
    [{ a: 5, b: 9 }, 'b', 'b'],
  ])('of %j, asked %s: %s', (classes, asked, expected) => {
    expect(decidePositive(target('text', 2, classes), asked).value).toBe(expected);
  });
  test('is one of the values there are', () => {
    expect(() => decidePositive(target('text', 2, { no: 1, yes: 2 }), 'maybe')).toThrow(
      /no value "maybe"; it has: no, yes/,
    );
  });
});

test.each([
  ['regression', {}, 'mae', 90],
  ['binary', { a: 500, b: 500 }, 'accuracy', 0.55],
  ['binary', { a: 900, b: 100 }, 'auc', 0.55],
  ['multiclass', { a: 40, b: 30, c: 30 }, 'accuracy', 0.46],
  ['multiclass', { a: 900, b: 50, c: 50 }, 'log_loss', 0.355],
] as const)('success of %s with %j is %s %d', (kind, classes, metric, threshold) => {
  expect(decideSuccess(kind, target('text', 2, classes), 100)).toMatchObject({ metric, threshold });
});
