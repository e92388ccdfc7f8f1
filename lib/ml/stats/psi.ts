const TARGET_BINS = 10;
const MOST_CATEGORIES = 50;
/** Empty bins count as this share, so that their logarithm is finite. */
const FLOOR = 1e-4;

/** How values fall into bins; the last bin is for missing values. */
export type Bins<Cell> = { count: number; place(cell: Cell): number };

/**
 * Bins of numbers: a value that a tenth of the rows have gets a bin of its own (a column that is mostly one
 * value would else fall into one bin with everything near it); the rest is cut at its distinct quantiles.
 */
export function numberBins(reference: Float64Array): Bins<number> {
  const sorted = reference.filter((value) => !Number.isNaN(value)).sort();
  const masses = massesOf(sorted);
  const rest = masses.length === 0 ? sorted : sorted.filter((value) => !masses.includes(value));
  const wanted = Math.max(1, TARGET_BINS - masses.length);
  const edges: number[] = [];
  for (let cut = 1; cut < wanted && rest.length > 0; cut++) {
    const edge = rest[Math.floor((cut * rest.length) / wanted)] ?? 0;
    if (edge > (edges.at(-1) ?? rest[0] ?? 0)) edges.push(edge);
  }
  const count = masses.length + edges.length + 2;
  return {
    count,
    place(cell) {
      if (Number.isNaN(cell)) return count - 1;
      const mass = masses.indexOf(cell);
      if (mass >= 0) return mass;
      const above = edges.findIndex((edge) => cell < edge);
      return masses.length + (above < 0 ? edges.length : above);
    },
  };
}

function massesOf(sorted: Float64Array): number[] {
  const masses: number[] = [];
  const least = Math.max(2, sorted.length / TARGET_BINS);
  for (let from = 0; from < sorted.length; ) {
    let until = from + 1;
    while (until < sorted.length && sorted[until] === sorted[from]) until++;
    if (until - from >= least) masses.push(sorted[from] ?? 0);
    from = until;
  }
  return masses;
}

/** Bins of categories: the 50 most frequent values of the reference, and one for all others. */
export function categoryBins(reference: readonly (string | null)[]): Bins<string | null> {
  const counts = new Map<string, number>();
  for (const value of reference) if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
  const frequent = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, MOST_CATEGORIES);
  const places = new Map(frequent.map(([value], place) => [value, place]));
  const count = places.size + 2;
  return { count, place: (cell) => (cell === null ? count - 1 : (places.get(cell) ?? count - 2)) };
}

/** Population stability index of two histograms over the same bins: sum of (c - r) ln(c / r) over their shares. */
export function psi(reference: ArrayLike<number>, current: ArrayLike<number>): number {
  const [all, now] = [total(reference), total(current)];
  let index = 0;
  for (let bin = 0; bin < reference.length; bin++) {
    const [r, c] = [reference[bin] ?? 0, current[bin] ?? 0];
    if (r === 0 && c === 0) continue;
    const [before, after] = [Math.max(r / all, FLOOR), Math.max(c / now, FLOOR)];
    index += (after - before) * Math.log(after / before);
  }
  return index;
}

function total(counts: ArrayLike<number>): number {
  let sum = 0;
  for (let bin = 0; bin < counts.length; bin++) sum += counts[bin] ?? 0;
  return sum;
}
