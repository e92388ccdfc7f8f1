import { expect, test } from 'vitest';
import { durationMs } from '#lib/lifecycle/duration.ts';
import { chooseSplit, PART_LENGTHS } from '#lib/lifecycle/split-choice.ts';

/** Rows spread evenly over a span. */
function spread(rows: number, span: string) {
  const spanMs = durationMs(span);
  const within = (ms: number) => Math.round(Math.min(1, ms / spanMs) * rows);
  const newest = PART_LENGTHS.map((length) => {
    const last = within(durationMs(length));
    return { length, last, before: within(2 * durationMs(length)) - last };
  });
  return { rows, spanMs, newest };
}

test.each([
  ['two years, hourly', spread(17_379, 'P731D'), 'P28D', 'P1D'],
  ['ten years, monthly', spread(600, 'P3650D'), 'P365D', 'P7D'],
  ['a month, by the minute', spread(43_200, 'P30D'), 'P2D', 'PT1H'],
  ['a day', spread(5_000, 'P1D'), 'PT6H', 'PT1M'],
])('%s: the newest %s', (_, facts, recent, block) => {
  expect(chooseSplit(facts)).toMatchObject({
    split: { by: 'time', recent, validation: recent, embargo: block },
    unit: { block },
  });
});

test('without a time, or with too few rows for one, rows are chosen by their key', () => {
  expect(chooseSplit(null).split).toMatchObject({ by: 'key' });
  expect(chooseSplit(spread(80, 'P731D'))).toMatchObject({ split: { by: 'key' }, unit: 'row' });
});
