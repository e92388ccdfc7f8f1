import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyDigests } from '#lib/data/content.ts';
import { MINIMUM_ROWS, SPLIT_PARTS, type SplitFacts, splitRows } from '#lib/data/split.ts';
import type { Split } from '#lib/lifecycle/data-split.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { tableOf } from './tables.ts';

const HOUR = 3_600_000;
const START = Date.UTC(2011, 0, 1);
const monthly: Split = { by: 'time', recent: 'P28D', embargo: 'P1D', validation: 'P28D' };

/** One row an hour from the start of 2011. */
function hourly(days: number, policy: SplitFacts['policy'], labelled = (_row: number) => true): SplitFacts {
  const times = Float64Array.from({ length: days * 24 }, (_, hour) => START + hour * HOUR);
  return { policy, times, keys: Array.from(times, String), labelled };
}

const spans = (facts: SplitFacts, parts: Record<string, Int32Array>) =>
  Object.fromEntries(
    Object.entries(parts).map(([part, rows]) => {
      const at = (row: number | undefined) =>
        new Date(facts.times?.[row ?? -1] ?? Number.NaN).toISOString().slice(0, 13);
      return [part, [rows.length, at(rows[0]), at(rows.at(-1))]];
    }),
  );

describe('by time', () => {
  test('the starter: last 28 days of the window judge, a day of embargo, 28 days to search on', () => {
    const facts = hourly(400, { window: { last: 'P365D', until: '2012-01-01T00:00:00Z' }, split: monthly });
    const { parts, window, notes } = splitRows(facts);
    expect(spans(facts, parts)).toEqual({
      train: [308 * 24, '2011-01-01T00', '2011-11-04T23'],
      validation: [28 * 24, '2011-11-05T00', '2011-12-02T23'],
      full: [365 * 24, '2011-01-01T00', '2011-12-31T23'],
      recent: [28 * 24, '2011-12-04T00', '2011-12-31T23'],
    });
    expect(window).toEqual({ from: START, until: Date.UTC(2012, 0, 1) });
    expect(notes).toEqual([
      `${35 * 24} rows lie outside the window`,
      '24 embargoed rows are used by the refit alone',
    ]);
  });

  test('a window of 90 days', () => {
    const facts = hourly(400, { window: { last: 'P90D', until: '2011-07-01T00:00:00Z' }, split: monthly });
    const { parts } = splitRows(facts);
    expect(spans(facts, parts)).toEqual({
      train: [33 * 24, '2011-04-02T00', '2011-05-04T23'],
      validation: [28 * 24, '2011-05-05T00', '2011-06-01T23'],
      full: [90 * 24, '2011-04-02T00', '2011-06-30T23'],
      recent: [28 * 24, '2011-06-03T00', '2011-06-30T23'],
    });
  });

  test('all rows: the newest one is inside', () => {
    const facts = hourly(100, { window: 'all', split: monthly });
    const { parts, window } = splitRows(facts);
    expect(parts.full.length).toBe(2400);
    expect(parts.recent.at(-1)).toBe(2399);
    expect(window?.until).toBe(START + 2399 * HOUR + 1);
  });

  test('rows without a label are in no part and are counted', () => {
    const facts = hourly(100, { window: 'all', split: monthly }, (row) => row % 4 !== 0);
    const { parts, notes } = splitRows(facts);
    for (const part of SPLIT_PARTS) expect(parts[part].every((row) => row % 4 !== 0)).toBe(true);
    expect(parts.full.length).toBe(1800);
    expect(notes).toContain('600 rows of the window have no label and are in no part');
  });

  test('the order of rows does not matter: a part is a function of each row', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(
          Array.from({ length: 1500 }, (_, at) => at),
          { minLength: 1500 },
        ),
        (order) => {
          const facts = hourly(62.5, {
            window: 'all',
            split: { ...monthly, recent: 'P10D', validation: 'P10D' },
          });
          const times = facts.times ?? new Float64Array();
          const shuffled = { ...facts, times: Float64Array.from(order, (at) => times[at] ?? 0) };
          const plain = splitRows(facts).parts;
          for (const part of SPLIT_PARTS) {
            const found = Array.from(splitRows(shuffled).parts[part], (row) => order[row] ?? -1).sort(
              (a, b) => a - b,
            );
            expect(found).toEqual(Array.from(plain[part]));
          }
        },
      ),
      { numRuns: 10 },
    );
  });
});

describe('by key', () => {
  const policy: SplitFacts['policy'] = { window: 'all', split: { by: 'key', recent: 0.2, validation: 0.1 } };
  const keys = keyDigests(tableOf({ id: Array.from({ length: 20_000 }, (_, at) => at) }), ['id']);

  test('shares come out as asked, without overlap', () => {
    const { parts, window } = splitRows({ policy, keys, times: null, labelled: () => true });
    expect(parts.recent.length / keys.length).toBeCloseTo(0.2, 1);
    expect(parts.validation.length / keys.length).toBeCloseTo(0.1, 1);
    expect(parts.train.length + parts.validation.length + parts.recent.length).toBe(keys.length);
    expect(new Set([...parts.train, ...parts.validation, ...parts.recent]).size).toBe(keys.length);
    expect(window).toBeNull();
  });

  test('a row keeps its part when others come or go', () => {
    const all = splitRows({ policy, keys, times: null, labelled: () => true }).parts;
    const half = splitRows({ policy, keys: keys.slice(0, 10_000), times: null, labelled: () => true }).parts;
    expect(Array.from(half.recent)).toEqual(Array.from(all.recent).filter((row) => row < 10_000));
  });

  test('with time, a window still bounds the rows', () => {
    const facts = hourly(100, { ...policy, window: { last: 'P50D', until: '2011-04-11T00:00:00Z' } });
    const { parts } = splitRows({ ...facts, keys: keys.slice(0, 2400) });
    expect(parts.full.length).toBe(1200);
  });
});

describe('refusals name the sizes and what to change', () => {
  test.each([
    [
      'a holdout as long as the data',
      hourly(20, { window: 'all', split: monthly }),
      /train, validation.*train 0, validation 0, full 480, recent 480/,
    ],
    [
      'a window without rows',
      hourly(100, { window: { last: 'P90D', until: '2020-01-01T00:00:00Z' }, split: monthly }),
      /in the window 2019-10-03T00:00:00.000Z to 2020-01-01.*2400 rows outside the window/,
    ],
    ['no labels', hourly(100, { window: 'all', split: monthly }, () => false), /2400 without a label/],
  ])('%s', (_name, facts, message) => {
    const attempt = () => splitRows(facts);
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(UserError);
  });

  test('one row fewer than the minimum is too few', () => {
    const hours = (recent: number): SplitFacts => ({
      ...hourly(100, { window: 'all', split: { ...monthly, recent: `PT${recent}H` } }),
    });
    expect(splitRows(hours(MINIMUM_ROWS)).parts.recent.length).toBe(MINIMUM_ROWS);
    expect(() => splitRows(hours(MINIMUM_ROWS - 1))).toThrow(/too few rows for recent/);
  });

  test('a split by time of rows without time', () => {
    expect(() => splitRows({ ...hourly(100, { window: 'all', split: monthly }), times: null })).toThrow(
      /needs the time/,
    );
  });
});
