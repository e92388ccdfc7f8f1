import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openSession, type Session } from '#lib/data/duckdb.ts';
import { detectTable, loadTable, plainPath, type TableFormat } from '#lib/data/table-file.ts';
import { quoteName, type SqlColumn } from '#lib/data/table-io.ts';
import type { Dialect } from '#lib/lifecycle/data.ts';
import { checkTarget, checkTime, targetOf } from './bad-columns.ts';

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
  format: TableFormat;
  /** What the reader did that a person may not expect. */
  notes: string[];
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
    task,
    time: expected,
    asked,
    scratch,
    timeOf,
  }: {
    target: string;
    /** What the user says it is. */
    task: string | null;
    /** Columns that the user named for the time. */
    time: readonly string[];
    /** What the user says of a CSV; the rest is found out. */
    asked: Partial<Dialect>;
    scratch: string;
    timeOf: (columns: readonly SqlColumn[]) => string | null;
  },
): Promise<FileFacts> {
  // By the reader of the data stage: what `init` writes down is what that stage will find.
  const format = await detectTable(file, { label: file, asked, names: [target, ...expected] });
  const path = join(scratch, `inspected.${format.kind}`);
  await copyFile(file, path);
  const session = await openSession({ folder: scratch });
  try {
    const { rows, notes, misfits } = await loadTable({ session, path, format, label: file, table: 'data' });
    const columns = await session.columns('data');
    const found = targetOf(columns, { file, target, format });
    const facts = await Promise.all(columns.map((column) => columnFacts({ session, column, target: found })));
    const { distinct } = factsOf(facts, target);
    checkTarget(file, { column: { ...found, distinct }, task, misfits });
    const time = timeOf(columns);
    await checkTime(
      { session, file, path, format },
      columns.find(({ name }) => name === expected[0]),
    );
    const one = quoteName(target);
    const numeric = found.kind === 'number' && distinct > 2;
    return {
      format,
      notes,
      rows,
      columns: facts,
      classes: distinct > 20 ? [] : await classesOf(session, one),
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
    for (const each of [path, plainPath(path)]) await rm(each, { force: true });
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

function factsOf(columns: readonly ColumnFacts[], name: string): ColumnFacts {
  const found = columns.find((column) => column.name === name);
  if (found) return found;
  throw new Error(`there is no column ${name}`);
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
