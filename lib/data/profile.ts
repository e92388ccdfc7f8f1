import { type Column, columnOf, isMissing, type Table, timesOf } from './table.ts';

/**
 * What a set of rows looks like, without any row: counts, quantiles, categories. It is published with a release,
 * so no figure is about fewer than 10 rows: smaller cells are merged, and quantiles are cut at the tenth smallest
 * and the tenth largest value.
 */
export type ColumnProfile = {
  name: string;
  kind: 'number' | 'category' | 'time';
  count: number;
  missing: number;
  distinct: number;
  /**
   * Numbers: moments and the 101 quantiles 0 %, 1 % ... 100 % (linear interpolation, type 7 of Hyndman & Fan 1996),
   * all between the tenth smallest and the tenth largest value. Null where there are fewer than 20 values.
   */
  number: { mean: number; sd: number; quantiles: number[] } | null;
  /** Categories: the most frequent values with their counts, at most 50; `other` counts the rest and every cell under 10. */
  categories: { values: { value: string; count: number }[]; other: number } | null;
};
export type Profile = {
  kind: 'roundhouse-profile';
  rows: number;
  time: { from: string; until: string } | null;
  columns: ColumnProfile[];
};

const MOST_CATEGORIES = 50;
/** What is said of fewer rows could point to a person: such cells are merged into `other`, and such ends cut off. */
const SMALLEST_CELL = 10;

/** Profile of the named columns; `category` columns are counted by value, also where they hold numbers. */
export function profileOf(
  table: Table,
  { columns, time }: { columns: { name: string; category: boolean }[]; time: string | null },
): Profile {
  const span = time === null ? null : spanOf(timesOf(table, time));
  return {
    kind: 'roundhouse-profile',
    rows: table.rows,
    time: span && { from: new Date(span.from).toISOString(), until: new Date(span.until).toISOString() },
    columns: columns.map(({ name, category }) => profileColumn(name, columnOf(table, name), category)),
  };
}

/** First and last of some times, NaN left out; null when there are none. */
export function spanOf(times: Float64Array): { from: number; until: number } | null {
  let from = Number.POSITIVE_INFINITY;
  let until = Number.NEGATIVE_INFINITY;
  for (const time of times) {
    if (time < from) from = time;
    if (time > until) until = time;
  }
  return from > until ? null : { from, until };
}

function profileColumn(name: string, column: Column, category: boolean): ColumnProfile {
  if (category || column.kind === 'text') return categoryProfile(name, column);
  const sorted = column.values.filter((value) => !Number.isNaN(value)).sort();
  return {
    name,
    kind: column.kind,
    count: sorted.length,
    missing: column.values.length - sorted.length,
    distinct: sorted.reduce((count, value, index) => count + (value === sorted[index - 1] ? 0 : 1), 0),
    number: column.kind === 'number' && sorted.length >= 2 * SMALLEST_CELL ? numberProfile(sorted) : null,
    categories: null,
  };
}

/** `sd` is that of a sample (n - 1). */
function numberProfile(sorted: Float64Array): NonNullable<ColumnProfile['number']> {
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  const squares = sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const sd = Math.sqrt(squares / (sorted.length - 1));
  const least = sorted[SMALLEST_CELL - 1] ?? Number.NaN;
  const most = sorted[sorted.length - SMALLEST_CELL] ?? Number.NaN;
  const quantiles = Array.from({ length: 101 }, (_, percent) =>
    Math.min(most, Math.max(least, quantile(sorted, percent / 100))),
  );
  return { mean, sd, quantiles };
}

/** Quantile of ascending values by linear interpolation: type 7 of Hyndman & Fan 1996. */
export function quantile(sorted: Float64Array, share: number): number {
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

function categoryProfile(name: string, column: Column): ColumnProfile {
  const counts = new Map<string, number>();
  let missing = 0;
  for (let row = 0; row < column.values.length; row += 1) {
    if (isMissing(column, row)) missing += 1;
    else {
      const value = String(column.values[row]);
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
  }
  const count = column.values.length - missing;
  const values = [...counts]
    .filter(([, cell]) => cell >= SMALLEST_CELL)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, MOST_CATEGORIES)
    .map(([value, cell]) => ({ value, count: cell }));
  const other = count - values.reduce((sum, cell) => sum + cell.count, 0);
  return {
    name,
    kind: 'category',
    count,
    missing,
    distinct: counts.size,
    number: null,
    categories: { values, other },
  };
}
