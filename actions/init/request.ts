import type { Dialect } from '#lib/lifecycle/data-source.ts';

/** The model that `init` is asked to make of a file. */
export type ModelRequest = {
  name: string;
  target: string;
  /** One column; a day and an hour; or year, month, day and so on. */
  time: string[];
  /** The form of the time in words of strptime, where the user says it. */
  timeFormat: string | null;
  /** Columns that name a row; empty: the time where it is unique, else the number of the row. */
  key: string[];
  task: 'regression' | 'binary' | 'multiclass' | null;
  positive: string | null;
  /** What the user says of a CSV; the rest is found out. */
  asked: Partial<Dialect>;
};
