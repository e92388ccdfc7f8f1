import type { Session } from '../duckdb.ts';
import type { SqlColumn } from '../table-io.ts';

/** How the time of a row is made of its columns. */
export type TimeRule = {
  columns: string[];
  /** An SQL expression of type TIMESTAMP, UTC; NULL where a part is missing. */
  sql: string;
  /** How the columns are read, for people. */
  format: string;
  notes: string[];
};

export type TimeQuestion = {
  session: Session;
  /** Table of the file's rows, in its order. */
  table: string;
  columns: readonly SqlColumn[];
  /** Columns as the user named them: one; a day and an hour or a time of day; or year, month, day … */
  time: readonly string[];
  /** The user's own form, in words of strptime. */
  format: string | null;
  /** The file as the user knows it, and what rowid 0 is called there: `line 2`. */
  label: string;
  place: (row: number) => Promise<string>;
};
