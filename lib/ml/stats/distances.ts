/** Distances between two samples of numbers. Both arguments ascending, without NaN; NaN where one is empty. */

/** Kolmogorov-Smirnov: the largest difference between the two empirical distribution functions. */
export function kolmogorovSmirnov(reference: Float64Array, current: Float64Array): number {
  if (reference.length === 0 || current.length === 0) return Number.NaN;
  let largest = 0;
  walk(reference, current, ({ difference }) => {
    largest = Math.max(largest, Math.abs(difference));
  });
  return largest;
}

/** Wasserstein-1 (earth mover's) distance in the values' unit: the area between the two functions. */
export function wasserstein(reference: Float64Array, current: Float64Array): number {
  if (reference.length === 0 || current.length === 0) return Number.NaN;
  let area = 0;
  walk(reference, current, ({ difference, width }) => {
    area += Math.abs(difference) * width;
  });
  return area;
}

/** Visits each distinct value: the difference of the functions from it on, and how far it is to the next. */
function walk(
  reference: Float64Array,
  current: Float64Array,
  visit: (step: { difference: number; width: number }) => void,
): void {
  let [i, j] = [0, 0];
  while (i < reference.length || j < current.length) {
    const value = Math.min(reference[i] ?? Number.POSITIVE_INFINITY, current[j] ?? Number.POSITIVE_INFINITY);
    while (i < reference.length && reference[i] === value) i++;
    while (j < current.length && current[j] === value) j++;
    const next = Math.min(reference[i] ?? Number.POSITIVE_INFINITY, current[j] ?? Number.POSITIVE_INFINITY);
    const difference = i / reference.length - j / current.length;
    visit({ difference, width: next === Number.POSITIVE_INFINITY ? 0 : next - value });
  }
}
