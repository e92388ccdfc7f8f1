import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openSession, type Session } from '#lib/data/duckdb.ts';
import { askNumbers } from '#lib/data/inspect/ask.ts';
import { type ClassCount, columnFacts, doubles, frequentValues } from '#lib/data/inspect/facts.ts';
import type { TimeRule } from '#lib/data/inspect/time-rule.ts';
import { planTime, timesSuggested } from '#lib/data/inspect/times.ts';
import {
  detectTable,
  loadTable,
  type PlacedMisfit,
  placeMisfits,
  plainPath,
  type TableFormat,
} from '#lib/data/table-file.ts';
import { quoteName, type SqlColumn } from '#lib/data/table-io.ts';
import type { ColumnFacts } from '#lib/lifecycle/columns.ts';
import { durationMs } from '#lib/lifecycle/duration.ts';
import { PART_LENGTHS, type TimeSpread } from '#lib/lifecycle/split-choice.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { fullDisk } from '#lib/store/durable-file.ts';
import { checkTarget, targetOf } from './bad-columns.ts';
import { type Cleaning, cleanedFile } from './cleaned-file.ts';
import type { ModelRequest } from './request.ts';

/** The rows as the pipeline that `init` writes will give them, under their own names, and the time. */
export const DATA = 'data';
/** The time in `DATA`: no column of a file can be called so, because names end before a line does. */
export const TIME = 'time\n';

/** What `init` needs to know of a file: counts and ranges, never a row. */
export type FileFacts = {
  format: TableFormat;
  /** What the reader did that a person may not expect. */
  notes: string[];
  cleaning: Cleaning;
  /** Rows of the file, those without a target, and those with a target and without a time. */
  rows: { all: number; unlabelled: number; timeless: number; kept: number };
  columns: ColumnFacts[];
  /** Later columns that say what an earlier one says. */
  doubles: Map<string, string>;
  time: TimeRule | null;
  /** Columns that look like a time; empty where the user named one. */
  suggested: string[];
  /** Rows are told apart by the time alone. */
  uniqueTime: boolean;
  spread: TimeSpread | null;
  /** First and last time. */
  from: string | null;
  until: string | null;
  /** The most frequent values of the target. */
  classes: ClassCount[];
  /** Mean absolute error of always answering the median; NaN for classes. */
  medianError: number;
};

export type Inspected<Result> = FileFacts & { more: Result };

/**
 * Reads a file's facts in a locked-down DuckDB, by the reader of the data stage: what `init` writes down is
 * what that stage will find. `more` looks at the same rows before the session closes.
 */
export async function inspectFile<Result>(
  file: string,
  request: ModelRequest,
  { scratch, more }: { scratch: string; more: (session: Session, facts: FileFacts) => Promise<Result> },
): Promise<Inspected<Result>> {
  const { target, time, asked, key } = request;
  const format = await detectTable(file, { label: file, asked, names: [target, ...time, ...key] });
  const path = join(scratch, `inspected.${format.kind}`);
  await copyFile(file, path).catch((error) => {
    throw fullDisk(error, scratch) ?? error;
  });
  const session = await openSession({ folder: scratch });
  try {
    const facts = await factsOf(session, { file, path, request, format });
    return { ...facts, more: await more(session, facts) };
  } finally {
    session.close();
    for (const each of [path, plainPath(path)]) await rm(each, { force: true });
  }
}

type Reading = { file: string; path: string; request: ModelRequest; format: TableFormat };
const HISTORY = 'history';

async function factsOf(session: Session, reading: Reading): Promise<FileFacts> {
  const { file, path, request } = reading;
  const { target } = request;
  const load = (format: TableFormat) => loadTable({ session, path, format, label: file, table: HISTORY });
  let loaded = await load(reading.format);
  const raw = await session.columns(HISTORY);
  for (const name of [target, ...request.key]) targetOf(raw, { file, target: name, format: reading.format });
  const { cleaning, format } = await cleanedFile(session, {
    table: HISTORY,
    ...{ columns: raw, format: reading.format, target },
    reload: async (changed) => {
      await session.run(`DROP TABLE ${HISTORY}`);
      loaded = await load(changed);
      return session.columns(HISTORY);
    },
  });
  const columns = await session.columns(HISTORY);
  const place = async (row: number) => {
    const [placed] = await placeMisfits({ path, format }, [{ column: target, as: 'time', row, value: '' }]);
    const line = placed?.line ?? null;
    return line === null ? `row ${row + 1}` : `line ${line}`;
  };
  const asking = { session, table: HISTORY, columns, label: file, place };
  const time = await planTime({ ...asking, time: request.time, format: request.timeFormat });
  const suggested = time === null ? await timesSuggested(asking) : [];
  const rows = await makeRows(session, { columns, cleaning, time, target });
  await checkLoadedTarget(session, { request, file, cleaning, misfits: loaded.misfits, columns });
  if (rows.kept === 0) {
    throw new UserError(`${file}: no row has a value of "${target}"${time ? ' and a time' : ''}`, {
      fix: 'give another --target, or a file with answers',
    });
  }
  const made = (await session.columns(DATA)).filter(({ name }) => name !== TIME);
  const facts = await columnFacts({
    ...{ session, table: DATA, columns: made, rows: rows.kept },
    time: time && TIME,
  });
  const spread = time && (await spreadOf(session, rows.kept));
  return {
    format,
    notes: loaded.notes,
    cleaning,
    rows,
    columns: facts,
    doubles: await doubles(session, { table: DATA, facts: facts.filter(({ name }) => name !== target) }),
    time,
    // A time that some rows lack is something that happened to them.
    suggested: suggested.filter(
      (name) => name !== target && !facts.some((one) => one.name === name && one.missing > rows.kept / 20),
    ),
    uniqueTime: spread?.unique ?? false,
    spread: spread?.spread ?? null,
    from: spread?.from ?? null,
    until: spread?.until ?? null,
    classes: await frequentValues(session, { table: DATA, column: target, most: 101 }),
    medianError: await medianError(session, made, target),
  };
}

/** A target whose texts are all amounts is one of numbers, and no text among them is a mistake. */
async function checkLoadedTarget(
  session: Session,
  loaded: {
    request: ModelRequest;
    file: string;
    cleaning: Cleaning;
    misfits: readonly PlacedMisfit[];
    columns: readonly SqlColumn[];
  },
): Promise<void> {
  const { request, file, cleaning, misfits, columns } = loaded;
  const column = columns.find(({ name }) => name === request.target);
  if (column === undefined) return;
  const { distinct = 0 } = await askNumbers(session, {
    select: { distinct: `count(DISTINCT ${quoteName(request.target)})` },
    from: HISTORY,
  });
  const isAmount = cleaning.expressions.has(request.target);
  checkTarget(file, {
    column: { ...column, distinct },
    task: request.task,
    misfits: isAmount ? [] : misfits,
  });
}

/** The rows as the pipeline will give them. */
async function makeRows(
  session: Session,
  made: { columns: readonly SqlColumn[]; cleaning: Cleaning; time: TimeRule | null; target: string },
): Promise<FileFacts['rows']> {
  const { columns, cleaning, time, target } = made;
  const expressions = columns.map(({ name }) => {
    const sql = cleaning.expressions.get(name);
    return sql === undefined ? quoteName(name) : `${sql} AS ${quoteName(name)}`;
  });
  const timed = time === null ? [] : [`${time.sql} AS ${quoteName(TIME)}`];
  const label = cleaning.expressions.get(target) ?? quoteName(target);
  const filters = [`${label} IS NOT NULL`, ...(time === null ? [] : [`${time.sql} IS NOT NULL`])];
  const counted = await askNumbers(session, {
    from: HISTORY,
    select: {
      all: 'count(*)',
      labelled: `count(${label})`,
      kept: `count(*) FILTER (WHERE ${filters.join(' AND ')})`,
    },
  });
  await session.run(
    `CREATE TABLE ${DATA} AS SELECT ${[...expressions, ...timed].join(', ')} FROM ${HISTORY} WHERE ${filters.join(' AND ')}`,
  );
  const { all = 0, labelled = 0, kept = 0 } = counted;
  return { all, unlabelled: all - labelled, timeless: labelled - kept, kept };
}

async function spreadOf(session: Session, rows: number) {
  const time = quoteName(TIME);
  const newest = `(SELECT max(epoch_ms(${time})) FROM ${DATA})`;
  const age = `${newest} - epoch_ms(${time})`;
  const select: Record<string, string> = {
    first: `min(epoch_ms(${time}))`,
    last: `max(epoch_ms(${time}))`,
    distinct: `count(DISTINCT ${time})`,
  };
  for (const length of PART_LENGTHS) {
    select[`${length} last`] = `count(*) FILTER (WHERE ${age} < ${durationMs(length)})`;
    select[`${length} before`] =
      `count(*) FILTER (WHERE ${age} >= ${durationMs(length)} AND ${age} < ${2 * durationMs(length)})`;
  }
  const found = await askNumbers(session, { select, from: DATA });
  const { first = 0, last = 0, distinct } = found;
  const spread: TimeSpread = {
    rows,
    spanMs: last - first,
    newest: PART_LENGTHS.map((length) => ({
      length,
      last: found[`${length} last`] ?? 0,
      before: found[`${length} before`] ?? 0,
    })),
  };
  return {
    spread,
    unique: distinct === rows,
    from: new Date(first).toISOString(),
    until: new Date(last).toISOString(),
  };
}

async function medianError(session: Session, columns: readonly SqlColumn[], target: string): Promise<number> {
  if (columns.find(({ name }) => name === target)?.kind !== 'number') return Number.NaN;
  const one = quoteName(target);
  const from = `${DATA}, (SELECT median(${one}) AS middle FROM ${DATA})`;
  const { error = Number.NaN } = await askNumbers(session, {
    select: { error: `avg(abs(${one} - middle))` },
    from,
  });
  return error;
}
