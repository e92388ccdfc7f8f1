import { describe, expect, test } from 'vitest';
import type { Task } from '#lib/lifecycle/problem.ts';
import { classesOf, classIndices, targetNumbers } from '#lib/ml/labels.ts';
import { tableOf } from '../data/tables.ts';

const table = tableOf({
  late: ['true', 'false', 'true'],
  code: [2, 10, 2],
  n: [1.5, 2, null],
  day: ['b', null, 'a'],
});
const binary = (positive: string | number | boolean): Task => ({ kind: 'binary', positive });

describe('classes', () => {
  test.each([
    ['numbers have none', { kind: 'regression' } as const, 'n', null],
    ['numbers sort as numbers', { kind: 'multiclass' } as const, 'code', [2, 10]],
    ['true in YAML is "true" in a text column', binary(true), 'late', ['false', 'true']],
    ['the positive class is the last', binary(false), 'late', ['true', 'false']],
    ['a number may be written as text', binary('2'), 'code', [10, 2]],
  ])('%s', (_, task, target, classes) => {
    expect(classesOf(table, target, task)).toEqual(classes);
  });

  test('are found again by their text, and an unknown one is -1', () => {
    expect([...classIndices(table, 'late', [false, true])]).toEqual([1, 0, 1]);
    expect([...classIndices(table, 'code', ['2', '3'])]).toEqual([0, -1, 0]);
  });

  test.each([
    [() => classesOf(table, 'day', { kind: 'multiclass' }), 'row 2 has no target "day"'],
    [() => classesOf(tableOf({ y: ['a', 'a'] }), 'y', { kind: 'multiclass' }), 'one class only: a'],
    [() => targetNumbers(table, 'n'), 'row 3 has no target "n"'],
    [() => targetNumbers(table, 'late'), '"late" is text, and the task is a regression'],
    [() => targetNumbers(tableOf({ y: [new Date(0)] }), 'y'), '"y" is a timestamp'],
  ])('refuse %s', (ask, message) => {
    expect(ask).toThrow(message);
  });
});
