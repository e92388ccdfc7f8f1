import { copyFile, rm } from 'node:fs/promises';
import { extname, join } from 'node:path';
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
    await load(session, { file, path, format, delimiter });
    const columns = await session.columns('data');
    const found = columns.find(({ name }) => name === target);
    if (!found) {
      throw new UserError(
        `${file} has no column "${target}"; it has: ${columns.map(({ name }) => name).join(', ')}`,
        {
          fix: 'give one of them as --target',
        },
      );
    }
    const rows = await session.count('data');
    const facts = await Promise.all(columns.map((column) => columnFacts({ session, column, target: found })));
    const time = timeOf(columns);
    const one = quoteName(target);
    const numeric = found.kind === 'number' && distinctOf(facts, target) > 2;
    return {
      format,
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

type Loading = { file: string; path: string; format: FileFacts['format']; delimiter: string | null };

async function load(session: Session, { file, path, format, delimiter }: Loading): Promise<void> {
  const delim = delimiter === null ? '' : `, delim = ${quoteText(delimiter)}`;
  const reader =
    format === 'parquet'
      ? `read_parquet(${quoteText(path)})`
      : `read_csv(${quoteText(path)}, header = true, sample_size = -1${delim})`;
  try {
    await session.run(`CREATE TABLE data AS SELECT * FROM ${reader}`);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : 'unknown';
    throw new UserError(`${file} cannot be read as ${format}: ${reason}`, {
      fix: 'give a CSV with a header line, or Parquet; --delimiter sets what stands between values',
      cause,
    });
  }
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
