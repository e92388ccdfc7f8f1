import type { Digest } from '../lifecycle/scalars.ts';
import type { Build } from './build.ts';
import { contentDigest, renderKeySet } from './content.ts';
import { OUTPUT, partColumns } from './pipeline.ts';
import { spanOf } from './profile.ts';
import { columnOf, isMissing, type Table, take, timesOf } from './table.ts';
import { quoteName } from './table-io.ts';

export type PartFile = {
  table: Table;
  content: Digest;
  /** The key set as an object of the store. */
  keys: string;
  from: string | null;
  until: string | null;
};

const PICKED = 'roundhouse_picked';

/** Writes the chosen rows of an output, with the columns that stages need, as Parquet at `path`. */
export async function writePart(build: Build, rows: Int32Array, path: string): Promise<PartFile> {
  const { session, data } = build;
  const columns = partColumns(data);
  await session.write(PICKED, {
    rows: rows.length,
    columns: new Map([['row', { kind: 'number', values: Float64Array.from(rows), integer: true }]]),
  });
  const names = columns.map(quoteName).join(', ');
  const relation = `(SELECT ${names} FROM ${OUTPUT} WHERE rowid IN (SELECT "row" FROM ${PICKED}) ORDER BY rowid)`;
  await session.copy(relation, path);
  await session.run(`DROP TABLE ${PICKED}`);
  const table = take(build.table, { rows, columns });
  const span = data.time === null ? null : spanOf(timesOf(table, data.time));
  return {
    table,
    content: contentDigest(table),
    keys: renderKeySet(Array.from(rows, (row) => build.keys[row] ?? '')),
    from: span && new Date(span.from).toISOString(),
    until: span && new Date(span.until).toISOString(),
  };
}

/** Numbers of the labelled rows whose key is in the set. */
export function rowsWithKeys(build: Build, wanted: ReadonlySet<string>): Int32Array {
  const target = columnOf(build.table, build.data.target);
  const rows: number[] = [];
  for (const [row, key] of build.keys.entries()) {
    if (wanted.has(key) && !isMissing(target, row)) rows.push(row);
  }
  return Int32Array.from(rows);
}
