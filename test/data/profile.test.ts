import { expect, test } from 'vitest';
import { profileOf, quantile, spanOf } from '#lib/data/profile.ts';
import { tableOf } from './tables.ts';

const many = (counts: Record<string, number>) =>
  Object.entries(counts).flatMap(([value, count]) => Array<string>(count).fill(value));

function only(cells: Parameters<typeof tableOf>[0][string], category = false) {
  const [column] = profileOf(tableOf({ x: cells }), {
    columns: [{ name: 'x', category }],
    time: null,
  }).columns;
  return column;
}

test('quantiles interpolate as type 7 of Hyndman and Fan does', () => {
  // numpy.quantile([1, 2, 4, 8, 16], [0, .1, .25, .5, .9, 1]) with its default, linear
  const sorted = Float64Array.of(1, 2, 4, 8, 16);
  expect([0, 0.1, 0.25, 0.5, 0.9, 1].map((share) => quantile(sorted, share))).toEqual([
    1, 1.4, 2, 4, 12.8, 16,
  ]);
});

test('numbers: moments and quantiles without the missing', () => {
  const column = only([...Array.from({ length: 201 }, (_, at) => 200 - at), null]);
  expect(column).toMatchObject({ kind: 'number', count: 201, missing: 1, distinct: 201, categories: null });
  expect(column?.number?.mean).toBe(100);
  expect(column?.number?.sd).toBeCloseTo(Math.sqrt((201 * 202) / 12), 9);
  expect(column?.number?.quantiles).toHaveLength(101);
  for (const percent of [5, 25, 50, 95]) expect(column?.number?.quantiles[percent]).toBe(2 * percent);
});

test('numbers: the ends are cut at the tenth value, so that no row shows', () => {
  const usual = Array.from({ length: 2000 }, (_, at) => at % 100);
  const extremes = Array.from({ length: 9 }, (_, at) => 1_000_000 + at);
  const column = only([...usual, ...extremes, ...extremes.map((value) => -value)]);
  expect(column?.number?.quantiles[0]).toBe(0);
  expect(column?.number?.quantiles[100]).toBe(99);
  expect(column?.number?.quantiles).toEqual(column?.number?.quantiles.toSorted((a, b) => a - b));
  expect(JSON.stringify(column?.number?.quantiles)).not.toContain('100000');
});

test.each([
  [1, null],
  [19, null],
  [20, [10, 11]],
])('of %i numbers, the ends are %j', (rows, ends) => {
  const { number } = only(Array.from({ length: rows }, (_, at) => at + 1)) ?? { number: null };
  expect(number && [number.quantiles[0], number.quantiles[100]]).toEqual(ends);
});

test('a column with nothing in it has no moments', () => {
  expect(only([null, null, 3].slice(0, 2) as null[])).toMatchObject({
    count: 0,
    missing: 2,
    distinct: 0,
    number: null,
  });
});

test('categories: cells under 10 are merged, so that none points to a person', () => {
  const column = only([...many({ rare: 9, some: 10, most: 30 }), null]);
  expect(column).toMatchObject({ kind: 'category', count: 49, missing: 1, distinct: 3 });
  expect(column?.categories).toEqual({
    values: [
      { value: 'most', count: 30 },
      { value: 'some', count: 10 },
    ],
    other: 9,
  });
  expect(JSON.stringify(column)).not.toContain('rare');
});

test('at most 50 categories are named, ties in the order of their names', () => {
  const counts = Object.fromEntries(
    Array.from({ length: 60 }, (_, at) => [`c${String(at).padStart(2, '0')}`, 10]),
  );
  const column = only(many(counts));
  expect(column?.categories?.values).toHaveLength(50);
  expect(column?.categories?.values[0]?.value).toBe('c00');
  expect(column?.categories?.other).toBe(100);
});

test('numbers that stand for categories are counted by value', () => {
  expect(only([...Array<number>(12).fill(3), 4], true)?.categories).toEqual({
    values: [{ value: '3', count: 12 }],
    other: 1,
  });
});

test('the span of the times', () => {
  const table = tableOf({ t: [new Date('2011-01-02T00:00:00Z'), null, new Date('2011-01-01T00:00:00Z')] });
  expect(profileOf(table, { columns: [], time: 't' }).time).toEqual({
    from: '2011-01-01T00:00:00.000Z',
    until: '2011-01-02T00:00:00.000Z',
  });
  expect(spanOf(Float64Array.of(Number.NaN))).toBeNull();
});
