import { describe, expect, test } from 'vitest';
import { probabilitiesOf } from '#lib/data/prediction-log.ts';
import type { Column, Table } from '#lib/data/table.ts';
import type { Signature } from '#lib/lifecycle/bundle.ts';
import { problemSchema, type Task } from '#lib/lifecycle/problem.ts';
import { livePerformance } from '#lib/ml/live-performance.ts';
import { predictedClasses } from '#lib/ml/served-answers.ts';

const HOUR_MS = 3_600_000;

function problemOf(task: Task) {
  return problemSchema.parse({
    version: 1,
    model: 'm',
    title: 't',
    objective: 'o',
    decision: 'd',
    task,
    target: 'label',
    success: [{ metric: 'accuracy', direction: 'maximize', threshold: 0.5 }],
    stakeholders: [{ login: 'a', role: 'product-owner' }],
  });
}

/** Rows an hour apart: label, the log's one number, and the probabilities where the log has them. */
function snapshot(labels: (string | number)[], last: number[], probabilities?: (string | null)[]): Table {
  const texts = labels.some((label) => typeof label === 'string');
  const columns: [string, Column][] = [
    ['event_time', { kind: 'time', values: Float64Array.from(labels, (_, row) => row * HOUR_MS) }],
    ['prediction', { kind: 'number', values: Float64Array.from(last), integer: false }],
    [
      'label',
      texts
        ? { kind: 'text', values: labels.map(String) }
        : { kind: 'number', values: Float64Array.from(labels.map(Number)), integer: true },
    ],
  ];
  if (probabilities) columns.push(['probabilities', { kind: 'text', values: probabilities }]);
  return { rows: labels.length, columns: new Map(columns) };
}

function measured(task: Task, classes: NonNullable<Signature['classes']>, labelled: Table) {
  const { performance } = livePerformance({
    problem: problemOf(task),
    data: { unit: 'row' },
    signature: { inputs: [], outputs: [], classes } as unknown as Signature,
    reference: { metrics: {}, trivial_prediction: classes.map((_, index) => (index === 0 ? 1 : 0)) },
    labelled,
    seed: 1,
  });
  return Object.fromEntries(performance.map(({ metric, served }) => [metric, served.estimate]));
}

describe('live performance of classes', () => {
  const classes = [0, 1, 2];
  const cells = [
    probabilitiesOf(classes, [0.7, 0.2, 0.1]),
    probabilitiesOf(classes, [0.1, 0.3, 0.6]),
    // A version with classes in another order, one of them unknown to it.
    probabilitiesOf([2, 0], [0.9, 0.1]),
    null,
  ];

  test('multiclass: by class, whatever order the version answered in; rows without classes are left out', () => {
    const table = snapshot([0, 1, 2, 0], [0.1, 0.6, 0.1, 0.9], cells);
    const { accuracy, log_loss } = measured({ kind: 'multiclass' }, classes, table);
    expect(accuracy).toBeCloseTo(2 / 3, 12);
    expect(log_loss).toBeCloseTo(-(Math.log(0.7) + Math.log(0.3) + Math.log(0.9)) / 3, 12);
    expect(predictedClasses(table)).toEqual({ kind: 'text', values: ['0', '2', '2', null] });
  });

  test('multiclass: a snapshot of an older server is not measured', () => {
    expect(measured({ kind: 'multiclass' }, classes, snapshot([0, 1], [0.1, 0.2]))).toEqual({});
  });

  test('a class that the model never saw is always wrong', () => {
    const table = snapshot(
      ['a', 'new'],
      [0.1, 0.9],
      [probabilitiesOf(['a', 'b'], [0.9, 0.1]), probabilitiesOf(['a', 'b'], [0.1, 0.9])],
    );
    expect(measured({ kind: 'multiclass' }, ['a', 'b'], table).accuracy).toBe(0.5);
  });

  test('binary: the one number of an older log and the probabilities say the same', () => {
    const task: Task = { kind: 'binary', positive: 'yes' };
    const labels = ['yes', 'no', 'no', 'yes'];
    const positive = [0.8, 0.4, 0.7, 0.9];
    const old = measured(task, ['no', 'yes'], snapshot(labels, positive));
    const texts = positive.map((p) => probabilitiesOf(['no', 'yes'], [1 - p, p]));
    expect(measured(task, ['no', 'yes'], snapshot(labels, positive, texts))).toEqual(old);
    expect(old.accuracy).toBe(0.75);
  });
});
