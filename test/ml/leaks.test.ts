import { describe, expect, test } from 'vitest';
import type { Table } from '#lib/data/table.ts';
import { judgeLeaks } from '#lib/lifecycle/leaks.ts';
import { findLeaks, type LeakQuestion } from '#lib/ml/leaks/find.ts';
import { randomOf } from '#lib/ml/stats/random.ts';

const ROWS = 600;
const random = randomOf(7);
const normal = () => random.uniform() + random.uniform() + random.uniform() - 1.5;
/** Sixty columns of noise: what is planted has to be found among them. */
const noise = Object.fromEntries(
  Array.from({ length: 57 }, (_, index) => [`noise ${index}`, column(() => normal() * 10)]),
);
const a = column(() => Math.round(random.uniform() * 500));
const b = column(() => Math.round(random.uniform() * 300));
const c = column(() => Math.round(random.uniform() * 100));

function column(value: (row: number) => number): number[] {
  return Array.from({ length: ROWS }, (_, row) => value(row));
}

function tableOf(columns: Record<string, (number | string | null)[]>): Table {
  return {
    rows: ROWS,
    columns: new Map(
      Object.entries(columns).map(([name, values]) => [
        name,
        typeof values.find((value) => value !== null) === 'string'
          ? { kind: 'text', values: values as string[] }
          : {
              kind: 'number',
              integer: false,
              values: Float64Array.from(values as number[], (value) => value ?? Number.NaN),
            },
      ]),
    ),
  };
}

function leaksOf(
  columns: Record<string, (number | string | null)[]>,
  kind: LeakQuestion['task']['kind'],
  time: string | null = null,
  presences: string[] = [],
) {
  const names = Object.keys(columns).filter(
    (name) => name !== 'y' && name !== time && !presences.includes(name),
  );
  const table = tableOf(columns);
  if (time !== null) {
    const times = table.columns.get(time);
    if (times?.kind === 'number') table.columns.set(time, { kind: 'time', values: times.values });
  }
  return judgeLeaks(findLeaks(table, { task: { kind }, target: 'y', columns: names, presences, time }));
}

describe('sums that give the target back', () => {
  test.each<[string, (row: number) => number, string[], string]>([
    ['one column on another scale', (row) => 2 * (a[row] ?? 0) + 7, ['a'], '2 × a + 7'],
    ['two columns', (row) => (a[row] ?? 0) + (b[row] ?? 0), ['a', 'b'], 'a + b'],
    ['two with a sign', (row) => (a[row] ?? 0) - (b[row] ?? 0), ['a', 'b'], 'a - b'],
    [
      'three with signs',
      (row) => (a[row] ?? 0) - (b[row] ?? 0) + (c[row] ?? 0),
      ['a', 'b', 'c'],
      'a + c - b',
    ],
    ['a rounded share', (row) => Math.round(0.3 * (a[row] ?? 0) + (b[row] ?? 0)), ['a', 'b'], 'b + 0.3 × a'],
    [
      'a few wrong rows',
      (row) => (row % 150 === 3 ? 9999 : (a[row] ?? 0) + (b[row] ?? 0)),
      ['a', 'b'],
      'a + b',
    ],
    ['a product', (row) => ((a[row] ?? 0) + 1) * ((b[row] ?? 0) + 1), ['a1', 'b1'], 'a1 × b1'],
    ['a quotient', (row) => ((a[row] ?? 0) + 1) / ((b[row] ?? 0) + 1), ['a1', 'b1'], 'a1 / b1'],
  ])('%s', (_, y, expected, formula) => {
    const plus = { a1: a.map((value) => value + 1), b1: b.map((value) => value + 1) };
    const columns = expected.includes('a1') ? plus : { a, b, c };
    const { leaks } = leaksOf({ ...noise, ...columns, y: column(y) }, 'regression');
    expect(leaks).toHaveLength(1);
    expect(leaks[0]?.columns.toSorted()).toEqual(expected);
    expect(leaks[0]?.reason).toContain(`${formula} gives the target on`);
    expect(leaks[0]?.score).toBeGreaterThan(0.99);
  });

  test('are seen where a column has gaps', () => {
    const gaps = a.map((value, row) => (row % 3 === 0 ? null : value));
    const y = column((row) => (a[row] ?? 0) + (b[row] ?? 0));
    expect(leaksOf({ ...noise, gaps, b, y }, 'regression').leaks).toMatchObject([{ score: 1 }]);
  });

  test('are seen where the target has two values', () => {
    const y = column((row) => Number((row * 7) % 10 < 3));
    const less = column((row) => (y[row] ?? 0) - (a[row] ?? 0));
    const { leaks } = leaksOf({ ...noise, a, less, y }, 'binary');
    expect(leaks).toMatchObject([{ score: 1, columns: expect.arrayContaining(['a', 'less']) }]);
  });

  test('a sum with noise of its own is none', () => {
    const y = column((row) => (a[row] ?? 0) + (b[row] ?? 0) + normal() * 20);
    expect(leaksOf({ ...noise, a, b, y }, 'regression')).toEqual({ leaks: [], suspicious: [] });
  });
});

describe('one column that answers', () => {
  const classes = column((row) => row % 3).map((value) => `class ${value}`);
  const yes = column((row) => Number(row % 9 === 0));
  test.each<
    [string, (number | string | null)[], (number | string | null)[], LeakQuestion['task']['kind'], number]
  >([
    ['a curve', a.map((value) => Math.exp(value / 60)), a, 'regression', 1],
    ['a curve that turns', a.map((value) => (value - 250) ** 2), a, 'regression', 1],
    ['a curve with noise', a.map((value) => Math.exp(value / 60) + normal() * 300), a, 'regression', 0],
    ['a code for each class', classes, classes.map((value) => `code of ${value}`), 'multiclass', 1],
    [
      'a code with one mistake in two hundred',
      classes,
      classes.map((value, row) => (row % 200 === 1 ? 'code of class 0' : value)),
      'multiclass',
      1,
    ],
    [
      'a name of its own in each row',
      classes,
      column((row) => row).map((row) => `row ${row}`),
      'multiclass',
      0,
    ],
    [
      'a score above a bound',
      yes,
      column((row) => (yes[row] === 1 ? 60 : 0) + random.uniform() * 50),
      'binary',
      1,
    ],
    ['a value that only the rare class has', yes, yes.map((value) => (value === 1 ? 3 : null)), 'binary', 1],
    ['a strong, honest score', yes, column((row) => (yes[row] ?? 0) * 1.5 + normal()), 'binary', 0],
  ])('%s', (_, y, x, kind, leaks) => {
    const found = leaksOf({ 'noise 1': noise['noise 1'] ?? [], x, y }, kind);
    expect(found.leaks.map(({ columns }) => columns)).toEqual(leaks === 1 ? [['x']] : []);
  });

  test('a date that only one class has gives it away, one that some of all have does not', () => {
    const closed = yes.map((value, row) => (value === 1 ? `2024-01-${row}` : null));
    const called = column((row) => row % 4).map((value) => (value === 1 ? `day ${value}` : null));
    const found = leaksOf({ a, closed, called, y: yes }, 'binary', null, ['closed', 'called']);
    expect(found).toMatchObject({ leaks: [{ columns: ['closed'] }], suspicious: [] });
    expect(found.leaks[0]?.reason).toMatch(/^whether it has a value/);
  });

  test('with a time later rows judge: what only grows gives nothing away', () => {
    const t = column((row) => row * 3_600_000);
    const y = column((row) => Math.floor(row / 6) + normal());
    const x = column((row) => row % 50);
    const counter = column((row) => row + normal());
    expect(leaksOf({ x, counter, t, y }, 'regression', 't')).toEqual({ leaks: [], suspicious: [] });
    expect(leaksOf({ x, counter, y }, 'regression').leaks).toHaveLength(1);
  });
});

test('too few rows say nothing', () => {
  const table: Table = { rows: 40, columns: new Map(Object.entries(tableOf({ x: a, y: a }).columns)) };
  expect(
    findLeaks(
      {
        ...table,
        columns: new Map([['y', { kind: 'number', integer: true, values: new Float64Array(40) }]]),
      },
      { task: { kind: 'regression' }, target: 'y', columns: [], presences: [], time: null },
    ),
  ).toEqual([]);
});
