import { UserError } from '../../lifecycle/user-error.ts';
import { quoteName, type SqlColumn } from '../table-io.ts';
import { askNumbers, askTexts } from './ask.ts';
import { oneColumn } from './time-column.ts';
import { shown } from './time-format.ts';
import type { TimeQuestion, TimeRule } from './time-rule.ts';

export async function isYear({ session, table }: TimeQuestion, { name, kind }: SqlColumn): Promise<boolean> {
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

export async function partsOfTime(question: TimeQuestion, found: readonly SqlColumn[]): Promise<TimeRule> {
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
export async function dayAndClock(
  question: TimeQuestion,
  first: SqlColumn,
  second: SqlColumn,
): Promise<TimeRule> {
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
