import { copyFile, rm } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { type Csv, csvFault, csvReader, guessDelimiter } from '#lib/data/csv.ts';
import { openSession, type Session } from '#lib/data/duckdb.ts';
import { quoteName, quoteText, type SqlColumn } from '#lib/data/table-io.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';

export type ColumnFacts = Pick<SqlColumn, 'name' | 'type' | 'kind' | 'integer'> & {
  distinct: number;
  missing: number;
  /** Of numbers; NaN for others and where there are none. */
  minimum: number;
  maximum: number;
  /** Pearson correlation with a target that is a number; NaN where there is none. */
  correlation: number;
};

/** What `init` needs to know of a file: counts and ranges, never a row. */
export type FileFacts = {
  format: 'csv' | 'parquet';
  /** Of a CSV: what stands between its values. */
  delimiter: string | null;
  rows: number;
  columns: ColumnFacts[];
  /** Rows are told apart by the time alone. */
  uniqueTime: boolean;
  /** Days between the first and the last row; 0 without time. */
  days: number;
  /** Values of the target when there are at most 20, sorted as text. */
  classes: string[];
  /** Mean absolute error of always answering the median; or the share of the most frequent class. */
  trivial: number;
};

/** Reads a file's facts in a locked-down DuckDB. `timeOf` makes the SQL of the time from the columns. */
export async function inspectFile(
  file: string,
  {
    target,
    delimiter,
    scratch,
    timeOf,
  }: {
    target: string;
    delimiter: string | null;
    scratch: string;
    timeOf: (columns: readonly SqlColumn[]) => string | null;
  },
): Promise<FileFacts> {
  const format = extname(file).toLowerCase() === '.parquet' ? 'parquet' : 'csv';
  const path = join(scratch, `inspected.${format}`);
  await copyFile(file, path);
  const session = await openSession({ folder: scratch });
  try {
    const csv = format === 'csv' ? await csvOf(session, path, delimiter) : null;
    await load(session, { file, path, csv });
    const columns = await session.columns('data');
    const found = targetOf(columns, { file, target, csv });
    const rows = await session.count('data');
    const facts = await Promise.all(columns.map((column) => columnFacts({ session, column, target: found })));
    const time = timeOf(columns);
    const one = quoteName(target);
    const numeric = found.kind === 'number' && distinctOf(facts, target) > 2;
    return {
      format,
      delimiter: csv?.delimiter ?? null,
      rows,
      columns: facts,
      classes: distinctOf(facts, target) > 20 ? [] : await classesOf(session, one),
      uniqueTime: time !== null && (await number(session, `count(distinct ${time}) = count(*)`)) === 1,
      days: time === null ? 0 : await number(session, `date_diff('day', min(${time}), max(${time}))`),
      trivial: numeric
        ? await number(
            session,
            `(select avg(abs(${one} - m)) from data, (select median(${one}) as m from data))`,
          )
        : (await number(session, `(select max(n) from (select count(*) as n from data group by ${one}))`)) /
          rows,
    };
  } finally {
    session.close();
    await rm(path, { force: true });
  }
}

async function csvOf(session: Session, path: string, asked: string | null): Promise<Csv> {
  return { path, delimiter: asked ?? (await guessDelimiter(session, path)) ?? ',' };
}

/** By the reader of the data stage: what `init` writes down is what that stage will find. */
async function load(
  session: Session,
  { file, path, csv }: { file: string; path: string; csv: Csv | null },
): Promise<void> {
  const reader = csv ? csvReader(csv) : `read_parquet(${quoteText(path)})`;
  try {
    await session.run(`CREATE TABLE data AS SELECT * FROM ${reader}`);
  } catch (cause) {
    const place = csv && (await csvFault(session, csv));
    const reason = place ?? (cause instanceof Error ? cause.message.split('\n')[0] : 'unknown');
    throw new UserError(`${file} cannot be read as ${csv ? 'csv' : 'parquet'}: ${reason}`, {
      fix: 'give a CSV with a header line, or Parquet; --delimiter sets what stands between values',
      cause,
    });
  }
}

function targetOf(
  columns: readonly SqlColumn[],
  { file, target, csv }: { file: string; target: string; csv: Csv | null },
): SqlColumn {
  const found = columns.find(({ name }) => name === target);
  if (found !== undefined) return found;
  throw new UserError(
    `${file} has no column "${target}"; it has: ${columns.map(({ name }) => name).join(', ')}`,
    {
      fix:
        csv !== null && columns.length === 1
          ? `say what stands between its values with --delimiter: "${csv.delimiter}" gives one column`
          : 'give one of them as --target',
    },
  );
}

async function columnFacts({
  session,
  column: { name, type, kind, integer },
  target,
}: {
  session: Session;
  column: SqlColumn;
  target: SqlColumn;
}): Promise<ColumnFacts> {
  const column = quoteName(name);
  const isNumber = kind === 'number';
  const both = isNumber && target.kind === 'number';
  return {
    name,
    type,
    kind,
    integer,
    distinct: await number(session, `count(distinct ${column})`),
    missing: await number(session, `count(*) - count(${column})`),
    minimum: isNumber ? await number(session, `min(${column})`) : Number.NaN,
    maximum: isNumber ? await number(session, `max(${column})`) : Number.NaN,
    correlation: both ? await number(session, `corr(${column}, ${quoteName(target.name)})`) : Number.NaN,
  };
}

function distinctOf(columns: readonly ColumnFacts[], name: string): number {
  return columns.find((column) => column.name === name)?.distinct ?? 0;
}

async function number(session: Session, expression: string): Promise<number> {
  const from = expression.startsWith('(') ? '' : ' FROM data';
  const { columns } = await session.read(`(SELECT (${expression})::DOUBLE AS value${from})`);
  const column = columns.get('value');
  return column?.kind === 'number' ? (column.values[0] ?? Number.NaN) : Number.NaN;
}

async function classesOf(session: Session, column: string): Promise<string[]> {
  const { columns } = await session.read(
    `(SELECT DISTINCT ${column}::VARCHAR AS value FROM data WHERE ${column} IS NOT NULL ORDER BY 1)`,
  );
  const values = columns.get('value');
  return values?.kind === 'text' ? values.values.flatMap((value) => value ?? []) : [];
}
