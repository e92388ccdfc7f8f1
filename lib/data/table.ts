/**
 * Columns in memory. Numbers are float64 with NaN for missing (infinities are missing too); time is milliseconds since the epoch (UTC)
 * with NaN for missing; text has null for missing. All columns of a table have `rows` values.
 */
type NumberColumn = { kind: 'number'; values: Float64Array; integer: boolean };
type TimeColumn = { kind: 'time'; values: Float64Array };
type TextColumn = { kind: 'text'; values: (string | null)[] };
export type Column = NumberColumn | TimeColumn | TextColumn;
export type Table = { rows: number; columns: Map<string, Column> };

/** The named column, or an error that lists the ones there are. */
export function columnOf(table: Table, name: string): Column {
  const column = table.columns.get(name);
  if (column) return column;
  throw new Error(`the table has no column ${name}; it has: ${[...table.columns.keys()].join(', ')}`);
}

/** Time values of the named column: milliseconds since the epoch, NaN = missing. */
export function timesOf(table: Table, name: string): Float64Array {
  const column = columnOf(table, name);
  if (column.kind === 'time') return column.values;
  throw new Error(`column ${name} holds ${column.kind} values, not times`);
}

export function isMissing(column: Column, row: number): boolean {
  const value = column.values[row];
  return column.kind === 'text' ? value === null : Number.isNaN(value);
}

/** The chosen columns and rows, in the order given; columns that are not named are left out. */
export function take(
  table: Table,
  { rows, columns }: { rows: Int32Array; columns: readonly string[] },
): Table {
  const taken = columns.map((name): [string, Column] => {
    const column = columnOf(table, name);
    if (column.kind === 'text') {
      const values = Array.from(rows, (row) => column.values[row] ?? null);
      return [name, { kind: 'text', values }];
    }
    return [name, { ...column, values: Float64Array.from(rows, (row) => column.values[row] ?? Number.NaN) }];
  });
  return { rows: rows.length, columns: new Map(taken) };
}

/** Rows of a table that a test says yes to, with all columns. */
export function rowsWhere(table: Table, test: (row: number) => boolean): Table {
  const rows = Int32Array.from({ length: table.rows }, (_, row) => row).filter(test);
  return take(table, { rows, columns: [...table.columns.keys()] });
}

/** The rows of one table below those of the other; both have the same columns. */
export function stack(upper: Table, lower: Table): Table {
  const stacked = [...upper.columns].map(([name, column]): [string, Column] => {
    const below = columnOf(lower, name);
    if (column.kind === 'text' && below.kind === 'text')
      return [name, { kind: 'text', values: [...column.values, ...below.values] }];
    if (column.kind === 'text' || below.kind === 'text' || column.kind !== below.kind)
      throw new Error(
        `column ${name} holds ${column.kind} values in one part and ${below.kind} in the other`,
      );
    const values = new Float64Array(upper.rows + lower.rows);
    values.set(column.values);
    values.set(below.values, upper.rows);
    return [name, { ...column, values }];
  });
  return { rows: upper.rows + lower.rows, columns: new Map(stacked) };
}
