import {
  decideFormat,
  type FormatFacts,
  formatsShapedLike,
  formatWords,
  hasOffset,
} from '../../lifecycle/time-formats.ts';
import { UserError } from '../../lifecycle/user-error.ts';
import type { Session } from '../duckdb.ts';
import { quoteName, quoteText, type SqlColumn } from '../table-io.ts';
import { askNumbers, askTexts } from './ask.ts';

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

const EARLIEST = "TIMESTAMP '1800-01-01'";
const LATEST = "TIMESTAMP '2200-01-01'";
const SOME_ROWS = 2_000;

/** Finds out how the columns make a time. Throws a UserError that names the row and the value that are no time. */
export async function planTime(question: TimeQuestion): Promise<TimeRule | null> {
  const { time } = question;
  if (time.length === 0) return null;
  const found = time.map((name) => columnNamed(question, name));
  const [first, second] = found;
  if (first === undefined) return null;
  if (second === undefined) return oneColumn(question, first);
  if (await isYear(question, first)) return partsOfTime(question, found);
  if (found.length > 2) {
    throw new UserError(`--time ${time.join(',')}: "${first.name}" is no year`, {
      fix: 'give year,month,day,hour in this order, or a day and an hour, or one column',
    });
  }
  return dayAndClock(question, first, second);
}

function columnNamed({ columns, label }: TimeQuestion, name: string): SqlColumn {
  const found = columns.find((column) => column.name === name);
  if (found) return found;
  throw new UserError(`${label}: there is no column "${name}" for the time`, {
    fix: `it has: ${columns.map((column) => column.name).join(', ')}`,
  });
}

async function oneColumn(question: TimeQuestion, column: SqlColumn): Promise<TimeRule> {
  const one = quoteName(column.name);
  const rule = (sql: string, format: string, notes: string[] = []) => ({
    columns: [column.name],
    sql,
    format,
    notes,
  });
  if (question.format !== null) return rule(...(await asked(question, column, question.format)));
  if (column.kind === 'time') {
    return column.type === 'TIMESTAMP WITH TIME ZONE'
      ? rule(`timezone('UTC', ${one})`, 'with its offset, in UTC')
      : rule(`${one}::timestamp`, 'as it stands');
  }
  if (column.kind === 'number') return rule(...(await ofNumber(question, column)));
  const { format, note } = await formatOf(question, column);
  return rule(parsed(one, format), formatWords(format), note === null ? [] : [`"${column.name}": ${note}`]);
}

function parsed(text: string, format: string, parse = 'strptime'): string {
  const call = `${parse}(${text}, ${quoteText(format)})`;
  return hasOffset(format) ? `timezone('UTC', ${call})` : call;
}

async function asked(question: TimeQuestion, column: SqlColumn, format: string): Promise<[string, string]> {
  const text = column.kind === 'text' ? quoteName(column.name) : `${quoteName(column.name)}::varchar`;
  await refuseOthers(question, column, { text, format });
  return [parsed(text, format), formatWords(format)];
}

const NUMBERS: { words: string; sql: (one: string) => string; holds: string }[] = [
  {
    words: 'yyyymmdd',
    sql: (one) => `strptime(${one}::bigint::varchar, '%Y%m%d')`,
    holds: `x BETWEEN 18000101 AND 22001231 AND try_strptime(x::bigint::varchar, '%Y%m%d') IS NOT NULL`,
  },
  {
    words: 'yyyymmddhh',
    sql: (one) => `strptime(${one}::bigint::varchar, '%Y%m%d%H')`,
    holds: `x BETWEEN 1800010100 AND 2200123123 AND try_strptime(x::bigint::varchar, '%Y%m%d%H') IS NOT NULL`,
  },
  {
    words: 'yyyymm',
    sql: (one) => `strptime(${one}::bigint::varchar, '%Y%m')`,
    holds: 'x BETWEEN 180001 AND 220012 AND x % 100 BETWEEN 1 AND 12',
  },
  {
    words: 'yyyy',
    sql: (one) => `make_date(${one}, 1, 1)::timestamp`,
    holds: 'x BETWEEN 1800 AND 2200 AND x = trunc(x)',
  },
  {
    words: 'seconds since 1970',
    sql: (one) => `make_timestamp((${one} * 1000000)::bigint)`,
    holds: 'x BETWEEN 100000000 AND 7258118400',
  },
  {
    words: 'milliseconds since 1970',
    sql: (one) => `make_timestamp((${one} * 1000)::bigint)`,
    holds: 'x BETWEEN 100000000000 AND 7258118400000',
  },
  {
    words: 'microseconds since 1970',
    sql: (one) => `make_timestamp(${one}::bigint)`,
    holds: 'x BETWEEN 100000000000000 AND 7258118400000000',
  },
];

async function ofNumber(
  { session, table, label }: TimeQuestion,
  column: SqlColumn,
): Promise<[string, string]> {
  const one = quoteName(column.name);
  const from = `(SELECT ${one} AS x FROM ${quoteName(table)} WHERE ${one} IS NOT NULL)`;
  const select = Object.fromEntries(
    NUMBERS.map(({ words, holds }) => [words, `coalesce(bool_and(${holds}), false)::int`]),
  );
  const fits = await askNumbers(session, { select, from });
  const form = NUMBERS.find(({ words }) => fits[words] === 1);
  if (form) return [form.sql(one), form.words];
  const range = await askNumbers(session, { select: { low: 'min(x)', high: 'max(x)' }, from });
  throw new UserError(
    `${label}: the column "${column.name}" is a number (${range.low} to ${range.high}), and no time that is known`,
    {
      fix: 'a time is a date, 20120131, or seconds or milliseconds since 1970; leave --time out to go by the order of the file',
    },
  );
}

type Format = { format: string; note: string | null };

async function formatOf(question: TimeQuestion, column: SqlColumn): Promise<Format> {
  const { label } = question;
  const candidates = await formatsThatRead(question, column);
  const decision = decideFormat(await factsOf(question, column, candidates));
  const name = column.name;
  switch (decision.kind) {
    case 'read':
      return decision;
    case 'broken':
      await refuseOthers(question, column, { text: quoteName(name), format: decision.format });
      throw new Error(`"${name}" is read by ${decision.format} after all`);
    case 'ambiguous': {
      const [one, other] = decision.formats;
      throw new UserError(
        `${label}: every "${name}" can be read as ${formatWords(one)} and as ${formatWords(other)}, and the order of the rows does not tell`,
        { fix: `say which with --time-format '${one}' or --time-format '${other}'` },
      );
    }
    case 'unknown': {
      const [example = ''] = await askTexts(question.session, firstTexts(question, column, 1));
      throw new UserError(
        `${label}: "${name}" has values such as "${shown(example)}", and no form of a time that is known`,
        {
          fix: "say its form with --time-format, such as '%d/%m/%Y %H:%M', or give another column",
        },
      );
    }
  }
}

function firstTexts({ table }: TimeQuestion, { name }: SqlColumn, count: number): string {
  const one = quoteName(name);
  return `SELECT ${one} FROM ${quoteName(table)} WHERE ${one} IS NOT NULL ORDER BY rowid LIMIT ${count}`;
}

/** Forms worth a look at every row: those that read some of the first and of the last texts. */
async function formatsThatRead({ session, table }: TimeQuestion, { name }: SqlColumn): Promise<string[]> {
  const one = quoteName(name);
  const some = (order: string) =>
    `(SELECT ${one} AS x FROM ${quoteName(table)} WHERE ${one} IS NOT NULL ORDER BY rowid ${order} LIMIT 100)`;
  const all = `SELECT * FROM ${some('ASC')} UNION ALL SELECT * FROM ${some('DESC')}`;
  const shaped = formatsShapedLike(await askTexts(session, all));
  if (shaped.length === 0) return [];
  const found = await askNumbers(session, {
    from: `(${all})`,
    select: Object.fromEntries(
      shaped.map((format) => [format, `count(*) FILTER (WHERE ${reads('x', format)})`]),
    ),
  });
  const most = Math.max(...Object.values(found));
  return most === 0 ? [] : shaped.filter((format) => (found[format] ?? 0) >= most / 2);
}

function reads(text: string, format: string): string {
  return `coalesce(${parsed(text, format, 'try_strptime')} BETWEEN ${EARLIEST} AND ${LATEST}, false)`;
}

/** Forms that read the same times are one: the first stands for them. */
async function factsOf(
  { session, table }: TimeQuestion,
  { name }: SqlColumn,
  formats: readonly string[],
): Promise<FormatFacts[]> {
  const one = quoteName(name);
  const facts = new Map<number, FormatFacts>();
  for (const format of formats) {
    const time = parsed('x', format, 'try_strptime');
    const from = `(SELECT ${reads('x', format)} AS ok, ${time} AS t, lag(${time}) OVER (ORDER BY row) AS before, row FROM (SELECT ${one} AS x, rowid AS row FROM ${quoteName(table)} WHERE ${one} IS NOT NULL))`;
    const found = await askNumbers(session, {
      from,
      select: {
        reads: 'avg(ok::int)',
        rising: 'coalesce(avg((t >= before)::int), 1)',
        // The sum of all times tells two readings apart: they would have to err by the same amount both ways.
        sum: 'sum(epoch(t) * (1 + row % 7))',
      },
    });
    const sum = found.sum ?? 0;
    if (!facts.has(sum)) facts.set(sum, { format, reads: found.reads ?? 0, rising: found.rising ?? 0 });
  }
  return [...facts.values()];
}

/** Throws where a text is no time in this form: the first such row. */
async function refuseOthers(
  { session, table, label, place }: TimeQuestion,
  { name }: SqlColumn,
  { text, format }: { text: string; format: string },
): Promise<void> {
  const bad = `FROM ${quoteName(table)} WHERE ${quoteName(name)} IS NOT NULL AND NOT ${reads(text, format)}`;
  const [value] = await askTexts(session, `SELECT ${text} ${bad} ORDER BY rowid LIMIT 1`);
  if (value === undefined) return;
  const { row = 0, rows } = await askNumbers(session, {
    select: { row: 'min(rowid)', rows: 'count(*)' },
    from: bad.slice(5),
  });
  throw new UserError(
    `${label}: ${await place(row)}: "${name}" is "${shown(value)}", which is no ${formatWords(format)}`,
    {
      fix:
        rows === 1
          ? 'mend that value, or leave the row out'
          : `mend these ${rows} values, or say another form with --time-format, such as '%d/%m/%Y'`,
    },
  );
}

function shown(value: string): string {
  return value.length > 40 ? `${value.slice(0, 40)}…` : value;
}

async function isYear({ session, table }: TimeQuestion, { name, kind }: SqlColumn): Promise<boolean> {
  if (kind !== 'number') return false;
  const select = { year: `coalesce(bool_and(${quoteName(name)} BETWEEN 1800 AND 2200), false)::int` };
  return (await askNumbers(session, { select, from: quoteName(table) })).year === 1;
}

const PARTS = ['year', 'month', 'day', 'hour', 'minute', 'second'] as const;
const RANGES = [
  [1800, 2200],
  [1, 12],
  [1, 31],
  [0, 23],
  [0, 59],
  [0, 60],
] as const;

async function partsOfTime(question: TimeQuestion, found: readonly SqlColumn[]): Promise<TimeRule> {
  const { label } = question;
  if (found.length > PARTS.length)
    throw new UserError(`${label}: --time has ${found.length} columns, and a time has six parts`, {
      fix: `give ${PARTS.join(',')} in this order, as many as there are`,
    });
  for (const [index, column] of found.entries()) await checkPart(question, column, index);
  const part = (index: number, usual: number) => {
    const column = found[index];
    return column === undefined ? String(usual) : `${quoteName(column.name)}::bigint`;
  };
  const sql = `make_timestamp(${part(0, 0)}, ${part(1, 1)}, ${part(2, 1)}, ${part(3, 0)}, ${part(4, 0)}, ${part(5, 0)})`;
  await checkDays(question, found);
  return {
    columns: found.map(({ name }) => name),
    sql,
    format: PARTS.slice(0, found.length).join(', '),
    notes: [],
  };
}

async function checkPart(
  { session, table, label, place }: TimeQuestion,
  { name, kind, type }: SqlColumn,
  index: number,
) {
  const [low = 0, high = 0] = RANGES[index] ?? [];
  const one = quoteName(name);
  if (kind !== 'number')
    throw new UserError(`${label}: "${name}" is ${type}, and the ${PARTS[index]} is a number`, {
      fix: `give ${PARTS.join(',')} in this order`,
    });
  const bad = `${quoteName(table)} WHERE ${one} NOT BETWEEN ${low} AND ${high} OR ${one} <> trunc(${one})`;
  const {
    rows = 0,
    row = 0,
    value,
  } = await askNumbers(session, {
    select: { rows: 'count(*)', row: 'min(rowid)', value: `arg_min(${one}, rowid)` },
    from: bad,
  });
  if (rows === 0) return;
  throw new UserError(
    `${label}: ${await place(row)}: "${name}" is ${value}, and a ${PARTS[index]} is ${low} to ${high}`,
    {
      fix: `give ${PARTS.join(',')} in this order, or mend the ${rows} rows`,
    },
  );
}

/** The 31st of April would stop the pipeline: it is told here, with its row. */
async function checkDays(
  { session, table, label, place }: TimeQuestion,
  found: readonly SqlColumn[],
): Promise<void> {
  const [year, month, day] = found.map(({ name }) => `${quoteName(name)}::bigint`);
  if (day === undefined) return;
  const bad = `${quoteName(table)} WHERE ${day} > date_part('day', last_day(make_date(${year}, ${month}, 1)))`;
  const { rows = 0, row = 0 } = await askNumbers(session, {
    select: { rows: 'count(*)', row: 'min(rowid)' },
    from: bad,
  });
  if (rows === 0) return;
  throw new UserError(`${label}: ${await place(row)}: this month has no such day`, {
    fix: `mend the ${rows} rows, or leave them out`,
  });
}

/** A day, and behind it an hour (0 to 23), hours and minutes as one number (1745), or a time of day. */
async function dayAndClock(question: TimeQuestion, first: SqlColumn, second: SqlColumn): Promise<TimeRule> {
  const day = await oneColumn(question, first);
  const one = quoteName(second.name);
  const rule = (sql: string, words: string): TimeRule => ({
    ...day,
    columns: [first.name, second.name],
    sql,
    format: `${day.format}, then ${words}`,
  });
  if (second.kind === 'number') {
    const {
      low = 0,
      high = 0,
      minutes,
    } = await askNumbers(question.session, {
      select: { low: `min(${one})`, high: `max(${one})`, minutes: `max(${one} % 100)` },
      from: quoteName(question.table),
    });
    if (second.integer && low >= 0 && high <= 24) return rule(`(${day.sql} + to_hours(${one}))`, 'hours');
    if (second.integer && low >= 0 && high < 2400 && (minutes ?? 60) < 60)
      return rule(`(${day.sql} + to_hours(${one} // 100) + to_minutes(${one} % 100))`, 'hhmm');
    throw new UserError(
      `${question.label}: "${second.name}" goes from ${low} to ${high}, and an hour is 0 to 23`,
      {
        fix: 'give an hour, hours and minutes as 1745, or a time of day as the second column',
      },
    );
  }
  const bad = `FROM ${quoteName(question.table)} WHERE ${one} IS NOT NULL AND TRY_CAST(${one} AS TIME) IS NULL`;
  const [value] = await askTexts(question.session, `SELECT ${one} ${bad} ORDER BY rowid LIMIT 1`);
  if (value === undefined) return rule(`(${day.sql}::date + ${one}::time)`, 'a time of day');
  throw new UserError(`${question.label}: "${second.name}" is "${shown(value)}", which is no time of day`, {
    fix: 'give an hour or a time such as 17:45 as the second column',
  });
}

/** Columns that look like a time, for "did you mean"; the ones a person would name first. */
export async function timesSuggested(question: Omit<TimeQuestion, 'time' | 'format'>): Promise<string[]> {
  const { session, columns } = question;
  const names = columns.map(({ name }) => name);
  const parts = ['year', 'month', 'day', 'hour'].map((part) =>
    names.find((name) => name.toLowerCase() === part),
  );
  const found: string[] = columns.filter(({ kind }) => kind === 'time').map(({ name }) => name);
  for (const column of columns) {
    if (column.kind !== 'text' || !/date|time|day|stamp|when|month/i.test(column.name)) continue;
    const texts = await askTexts(
      session,
      firstTexts({ ...question, time: [], format: null }, column, SOME_ROWS),
    );
    if (texts.length === 0) continue;
    const formats = await formatsThatRead({ ...question, time: [], format: null }, column);
    if (formats.length > 0) found.push(column.name);
  }
  if (parts[0] !== undefined && parts[1] !== undefined) {
    const end = parts.indexOf(undefined);
    found.push(parts.slice(0, end === -1 ? parts.length : end).join(','));
  }
  return found;
}
