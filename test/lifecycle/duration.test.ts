import { expect, test } from 'vitest';
import { durationMs } from '#lib/lifecycle/duration.ts';

test.each([
  ['P1D', 86_400_000],
  ['P2W', 14 * 86_400_000],
  ['PT10M', 600_000],
  ['P1DT2H3M4S', 93_784_000],
])('%s is %i ms', (text, ms) => expect(durationMs(text)).toBe(ms));
