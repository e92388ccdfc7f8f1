/**
 * Kolmogorov-Smirnov distance of two samples: the largest difference between their empirical distribution
 * functions. Both ascending and without NaN; NaN where one is empty.
 */
export function kolmogorovSmirnov(reference: Float64Array, current: Float64Array): number {
  if (reference.length === 0 || current.length === 0) return Number.NaN;
  let [i, j, largest] = [0, 0, 0];
  while (i < reference.length && j < current.length) {
    const value = Math.min(reference[i] ?? Number.NaN, current[j] ?? Number.NaN);
    while (reference[i] === value) i++;
    while (current[j] === value) j++;
    largest = Math.max(largest, Math.abs(i / reference.length - j / current.length));
  }
  return largest;
}
