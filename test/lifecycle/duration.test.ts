import { expect, test } from 'vitest';
import { durationMs, durationOf } from '#lib/lifecycle/duration.ts';

test.each([
  ['P1D', 86_400_000],
  ['P2W', 14 * 86_400_000],
  ['PT10M', 600_000],
  ['P1DT2H3M4S', 93_784_000],
])('%s is %i ms', (text, ms) => expect(durationMs(text)).toBe(ms));

test.each([
  [0, 'PT0S'],
  [86_400_000, 'P1D'],
  [129_600_000, 'P1DT12H'],
  [3_600_000, 'PT1H'],
  [93_784_000, 'P1DT2H3M4S'],
])('%i ms is %s', (ms, text) => expect(durationOf(ms)).toBe(text));
