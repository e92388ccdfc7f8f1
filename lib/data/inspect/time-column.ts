import { formatWords } from '../../lifecycle/time-formats.ts';
import { UserError } from '../../lifecycle/user-error.ts';
import { quoteName, type SqlColumn } from '../table-io.ts';
import { askNumbers } from './ask.ts';
import { formatOf, parsed, refuseOthers } from './time-format.ts';
import type { TimeQuestion, TimeRule } from './time-rule.ts';

export async function oneColumn(question: TimeQuestion, column: SqlColumn): Promise<TimeRule> {
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
