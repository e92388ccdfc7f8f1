import { DOUBLE, type DuckDBConnection, DuckDBDataChunk, DuckDBTypeId, VARCHAR } from '@duckdb/node-api';
import type { Column, Table } from './table.ts';

/** SQL name quoted as an identifier. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Text quoted as an SQL literal. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A column as DuckDB has it, and what it becomes in memory. */
export type SqlColumn = { name: string; type: string; kind: Column['kind']; integer: boolean; wide: boolean };

const SMALL_INTEGERS = new Set([
  DuckDBTypeId.TINYINT,
  DuckDBTypeId.SMALLINT,
  DuckDBTypeId.INTEGER,
  DuckDBTypeId.UTINYINT,
  DuckDBTypeId.USMALLINT,
  DuckDBTypeId.UINTEGER,
]);
const WIDE_INTEGERS = new Set([
  DuckDBTypeId.BIGINT,
  DuckDBTypeId.UBIGINT,
  DuckDBTypeId.HUGEINT,
  DuckDBTypeId.UHUGEINT,
]);
const FRACTIONS = new Set([DuckDBTypeId.FLOAT, DuckDBTypeId.DOUBLE, DuckDBTypeId.DECIMAL]);
const TIMES = new Set([
  DuckDBTypeId.DATE,
  DuckDBTypeId.TIMESTAMP,
  DuckDBTypeId.TIMESTAMP_S,
  DuckDBTypeId.TIMESTAMP_MS,
  DuckDBTypeId.TIMESTAMP_NS,
  DuckDBTypeId.TIMESTAMP_TZ,
]);

/** Columns of a relation (a table name or a parenthesised SELECT) in its order. */
export async function describe(connection: DuckDBConnection, relation: string): Promise<SqlColumn[]> {
  const statement = await connection.prepare(`SELECT * FROM ${relation}`);
  try {
    return Array.from({ length: statement.columnCount }, (_, index) => {
      const id = statement.columnTypeId(index);
      const wide = WIDE_INTEGERS.has(id);
      const integer = wide || SMALL_INTEGERS.has(id);
      const number = integer || FRACTIONS.has(id);
      const kind = number ? 'number' : TIMES.has(id) ? 'time' : 'text';
      return {
        name: statement.columnName(index),
        type: String(statement.columnType(index)),
        kind,
        integer,
        wide,
      };
    });
  } finally {
    statement.destroySync();
  }
}

/**
 * Reads a relation into memory, in its order. Whole numbers beyond 2^53 have no exact float64: a column that
 * holds one becomes text, so that two keys never fall together.
 */
export async function readRelation(
  connection: DuckDBConnection,
  relation: string,
  wanted?: readonly string[],
): Promise<Table> {
  const all = await describe(connection, relation);
  const chosen = wanted === undefined ? all : wanted.map((name) => columnNamed(all, name));
  const columns = await widen({ connection, relation, columns: chosen });
  const rows = await countRows(connection, relation);
  const targets = columns.map((column) => emptyColumn(column, rows));
  const casts = columns.map(castOf).join(', ');
  const stream = await connection.stream(`SELECT ${casts || 'NULL'} FROM ${relation}`);
  let offset = 0;
  for (
    let chunk = await stream.fetchChunk();
    chunk !== null && chunk.rowCount > 0;
    chunk = await stream.fetchChunk()
  ) {
    for (const [index, target] of targets.entries()) fill({ target, chunk, index, offset });
    offset += chunk.rowCount;
  }
  return { rows, columns: new Map(columns.map(({ name }, index) => [name, targets[index] as Column])) };
}

function columnNamed(columns: readonly SqlColumn[], name: string): SqlColumn {
  const found = columns.find((column) => column.name === name);
  if (found) return found;
  throw new Error(
    `there is no column ${name}; there are: ${columns.map((column) => column.name).join(', ')}`,
  );
}

type Selection = { connection: DuckDBConnection; relation: string; columns: SqlColumn[] };

async function widen({ connection, relation, columns }: Selection): Promise<SqlColumn[]> {
  const wide = columns.filter((column) => column.wide).map(({ name }) => quoteName(name));
  if (wide.length === 0) return columns;
  const tests = wide.map(
    (name) => `coalesce(max(${name}) > 9007199254740991 OR min(${name}) < -9007199254740991, false)`,
  );
  const reader = await connection.runAndReadAll(`SELECT ${tests.join(', ')} FROM ${relation}`);
  const beyond = new Set(wide.filter((_, index) => reader.getRows()[0]?.[index] === true));
  return columns.map((column) =>
    beyond.has(quoteName(column.name)) ? { ...column, kind: 'text', integer: false } : column,
  );
}

/** Nulls and infinities become NaN, in SQL: testing validity per value is slower than the whole read. */
function castOf({ name, kind }: SqlColumn): string {
  const column = quoteName(name);
  if (kind === 'text') return `CAST(${column} AS VARCHAR)`;
  const number = kind === 'time' ? `epoch_us(${column}) / 1000.0` : `CAST(${column} AS DOUBLE)`;
  return `CASE WHEN isfinite(${number}) THEN ${number} ELSE 'NaN'::DOUBLE END`;
}

function emptyColumn({ kind, integer }: SqlColumn, rows: number): Column {
  if (kind === 'number') return { kind, values: new Float64Array(rows), integer };
  if (kind === 'time') return { kind, values: new Float64Array(rows) };
  return { kind, values: new Array<string | null>(rows).fill(null) };
}

type Filling = { target: Column; chunk: DuckDBDataChunk; index: number; offset: number };

function fill({ target, chunk, index, offset }: Filling): void {
  const vector = chunk.getColumnVector(index);
  const { values } = target;
  for (let row = 0; row < chunk.rowCount; row += 1) values[offset + row] = vector.getItem(row) as never;
}

export async function countRows(connection: DuckDBConnection, relation: string): Promise<number> {
  const reader = await connection.runAndReadAll(`SELECT count(*) FROM ${relation}`);
  return Number(reader.getRows()[0]?.[0]);
}

const CHUNK_ROWS = 2048;

/** Writes a table of memory into a new DuckDB table, with times as TIMESTAMP and integers as BIGINT. */
export async function writeRelation(connection: DuckDBConnection, name: string, table: Table): Promise<void> {
  const entries = [...table.columns];
  const staged = `${name}_staged`;
  const types = entries.map(([, { kind }]) => (kind === 'text' ? VARCHAR : DOUBLE));
  const definitions = entries.map(
    ([column, { kind }]) => `${quoteName(column)} ${kind === 'text' ? 'VARCHAR' : 'DOUBLE'}`,
  );
  await connection.run(`CREATE TEMP TABLE ${quoteName(staged)} (${definitions.join(', ')})`);
  const appender = await connection.createAppender(staged, null, 'temp');
  for (let from = 0; from < table.rows; from += CHUNK_ROWS) {
    const until = Math.min(from + CHUNK_ROWS, table.rows);
    const chunk = DuckDBDataChunk.create(types, until - from);
    for (const [index, [, column]] of entries.entries())
      chunk.setColumnValues(index, cellsOf(column, from, until));
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
  const select = entries.map(([column, { kind, ...rest }]) => {
    const quoted = quoteName(column);
    if (kind === 'time') return `make_timestamp(CAST(round(${quoted} * 1000) AS BIGINT)) AS ${quoted}`;
    return 'integer' in rest && rest.integer ? `CAST(${quoted} AS BIGINT) AS ${quoted}` : quoted;
  });
  await connection.run(
    `CREATE TABLE ${quoteName(name)} AS SELECT ${select.join(', ')} FROM ${quoteName(staged)}`,
  );
  await connection.run(`DROP TABLE ${quoteName(staged)}`);
}

function cellsOf(column: Column, from: number, until: number): (string | number | null)[] {
  if (column.kind === 'text') return column.values.slice(from, until);
  return Array.from(column.values.subarray(from, until), (value) => (Number.isNaN(value) ? null : value));
}
