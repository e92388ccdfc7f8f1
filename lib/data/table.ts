/**
 * Columns in memory. Numbers are float64 with NaN for missing; time is milliseconds since the epoch (UTC)
 * with NaN for missing; text has null for missing. All columns of a table have `rows` values.
 */
export type NumberColumn = { kind: 'number'; values: Float64Array; integer: boolean };
export type TimeColumn = { kind: 'time'; values: Float64Array };
export type TextColumn = { kind: 'text'; values: (string | null)[] };
export type Column = NumberColumn | TimeColumn | TextColumn;
export type Table = { rows: number; columns: Map<string, Column> };
