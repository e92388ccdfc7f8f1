/** What a set of rows looks like, without any row: counts, quantiles, categories. Cells under 10 are merged. */
export type ColumnProfile = {
  name: string;
  kind: 'number' | 'category' | 'time';
  count: number;
  missing: number;
  distinct: number;
  /** Numbers: moments and the 101 quantiles 0 %, 1 % ... 100 % (linear interpolation, type 7 of Hyndman & Fan 1996). */
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
