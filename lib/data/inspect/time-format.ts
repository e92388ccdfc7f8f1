import {
  decideFormat,
  type FormatFacts,
  formatsShapedLike,
  formatWords,
  hasOffset,
} from '../../lifecycle/time-formats.ts';
import { UserError } from '../../lifecycle/user-error.ts';
import { quoteName, quoteText, type SqlColumn } from '../table-io.ts';
import { askNumbers, askTexts } from './ask.ts';
import type { TimeQuestion } from './time-rule.ts';

const EARLIEST = "TIMESTAMP '1800-01-01'";
const LATEST = "TIMESTAMP '2200-01-01'";

export function parsed(text: string, format: string, parse = 'strptime'): string {
  const call = `${parse}(${text}, ${quoteText(format)})`;
  return hasOffset(format) ? `timezone('UTC', ${call})` : call;
}

type Format = { format: string; note: string | null };

export async function formatOf(question: TimeQuestion, column: SqlColumn): Promise<Format> {
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

export function firstTexts({ table }: TimeQuestion, { name }: SqlColumn, count: number): string {
  const one = quoteName(name);
  return `SELECT ${one} FROM ${quoteName(table)} WHERE ${one} IS NOT NULL ORDER BY rowid LIMIT ${count}`;
}

/** Forms worth a look at every row: those that read some of the first and of the last texts. */
export async function formatsThatRead(
  { session, table }: TimeQuestion,
  { name }: SqlColumn,
): Promise<string[]> {
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
export async function refuseOthers(
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

export function shown(value: string): string {
  return value.length > 40 ? `${value.slice(0, 40)}…` : value;
}
