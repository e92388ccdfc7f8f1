import { spread } from './least-squares.ts';

/**
 * How far off counts as met: half of the last digit that the target is written with, but never more than a
 * hundredth of its spread, and the rounding of 32-bit numbers.
 */
export function toleranceOf(target: Float64Array): number {
  const known = target.filter((value) => Number.isFinite(value));
  const sd = spread(known);
  const largest = known.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const float32 = Math.min(1e-6 * largest, 1e-3 * sd);
  return Math.min(0.5 * lastDigit(known), 0.01 * sd) + float32;
}

/** 1 for whole numbers, 0.01 for cents; 0 where values have more than six decimals. */
function lastDigit(values: Float64Array): number {
  for (let decimals = 0; decimals <= 6; decimals++) {
    const scale = 10 ** decimals;
    const written = (value: number) =>
      Math.abs(value * scale - Math.round(value * scale)) < 1e-6 * Math.max(1, Math.abs(value));
    if (values.every(written)) return 1 / scale;
  }
  return 0;
}
