import type { ColumnFacts, Order } from '../../lifecycle/columns.ts';
import type { Session } from '../duckdb.ts';
import { quoteName, type SqlColumn } from '../table-io.ts';
import { askNumbers, askTexts } from './ask.ts';

/** Rows on which the order of values is looked at: evenly over the file, which keeps runs and slopes. */
const ORDER_ROWS = 100_000;

export type FactsQuestion = {
  session: Session;
  /** A table, not a view: its rows are in the file's order. */
  table: string;
  columns: readonly SqlColumn[];
  rows: number;
  /** Its column of times; null without. */
  time: string | null;
};

/** Facts of the columns, in their order: counts over all rows. */
export async function columnFacts(question: FactsQuestion): Promise<ColumnFacts[]> {
  const { session, table, columns } = question;
  const select: Record<string, string> = {};
  for (const [index, { name, kind }] of columns.entries()) {
    const one = quoteName(name);
    select[`${index} known`] = `count(${one})`;
    if (kind === 'number') {
      select[`${index} minimum`] = `min(${one})`;
      select[`${index} maximum`] = `max(${one})`;
    }
    if (kind === 'text')
      select[`${index} words`] =
        `avg(1 + length(trim(${one}::varchar)) - length(replace(trim(${one}::varchar), ' ', '')))`;
  }
  const found = await askNumbers(session, { select, from: quoteName(table) });
  const orders = await ordersOf(question);
  const facts: ColumnFacts[] = [];
  for (const [index, column] of columns.entries()) {
    const counts = await valueCounts(question, column);
    const cell = (what: string) => found[`${index} ${what}`] ?? Number.NaN;
    const { name, type, kind, integer } = column;
    facts.push({
      ...{ name, type, kind, integer },
      ...counts,
      missing: question.rows - cell('known'),
      minimum: cell('minimum'),
      maximum: cell('maximum'),
      words: kind === 'text' ? cell('words') || 0 : 0,
      ...orders[index],
      inFile: orders[index]?.inFile ?? NO_ORDER,
      inTime: orders[index]?.inTime ?? null,
    });
  }
  return facts;
}

const NO_ORDER: Order = { rising: 0, falling: 0, changing: 1 };
/** One-hot columns that a category gets, the most frequent values first; and the rows that each has at least. */
const MOST_COMMON = 256;
const LEAST_COMMON = 10;

async function valueCounts(
  { session, table }: FactsQuestion,
  { name, kind }: SqlColumn,
): Promise<Pick<ColumnFacts, 'distinct' | 'top' | 'common'>> {
  const one = quoteName(name);
  const groups = `(SELECT count(*) AS n FROM ${quoteName(table)} WHERE ${one} IS NOT NULL GROUP BY ${one})`;
  const { distinct = 0, top = 0 } = await askNumbers(session, {
    select: { distinct: 'count(*)', top: 'coalesce(max(n), 0)' },
    from: groups,
  });
  if (kind !== 'text') return { distinct, top, common: 0 };
  const { common = 0 } = await askNumbers(session, {
    select: { common: 'coalesce(sum(n), 0)' },
    from: `(SELECT n FROM ${groups} WHERE n >= ${LEAST_COMMON} ORDER BY n DESC LIMIT ${MOST_COMMON})`,
  });
  return { distinct, top, common };
}

type Orders = { inFile: Order; inTime: Order | null };

async function ordersOf({ session, table, columns, rows, time }: FactsQuestion): Promise<Orders[]> {
  const step = Math.max(1, Math.floor(rows / ORDER_ROWS));
  const orderBy = async (order: string): Promise<Order[]> => {
    const lags = columns.map(
      ({ name }, index) =>
        `${quoteName(name)} AS v${index}, lag(${quoteName(name)}) OVER (ORDER BY ${order}) AS b${index}`,
    );
    const from = `(SELECT ${lags.join(', ')} FROM ${quoteName(table)} WHERE rowid % ${step} = 0)`;
    const select: Record<string, string> = {};
    for (const index of columns.keys()) {
      select[`${index} rising`] = `coalesce(avg((v${index} >= b${index})::int), 0)`;
      select[`${index} falling`] = `coalesce(avg((v${index} <= b${index})::int), 0)`;
      select[`${index} changing`] = `coalesce(avg((v${index} <> b${index})::int), 1)`;
    }
    const found = await askNumbers(session, { select, from });
    return columns.map((_, index) => ({
      rising: found[`${index} rising`] ?? 0,
      falling: found[`${index} falling`] ?? 0,
      changing: found[`${index} changing`] ?? 1,
    }));
  };
  const inFile = await orderBy('rowid');
  const inTime = time === null ? null : await orderBy(`${quoteName(time)}, rowid`);
  return columns.map((_, index) => ({
    inFile: inFile[index] ?? NO_ORDER,
    inTime: inTime?.[index] ?? null,
  }));
}

export type ClassCount = { value: string; rows: number };

/** The most frequent values of a column, at most `most`, the most frequent first, then by value. */
export async function frequentValues(
  session: Session,
  { table, column, most }: { table: string; column: string; most: number },
): Promise<ClassCount[]> {
  const one = quoteName(column);
  const grouped = `SELECT ${one}::varchar AS value, count(*) AS n FROM ${quoteName(table)} WHERE ${one} IS NOT NULL GROUP BY ${one} ORDER BY n DESC, value LIMIT ${most}`;
  const { columns } = await session.read(`(${grouped})`);
  const [values, rows] = [columns.get('value'), columns.get('n')];
  if (values?.kind !== 'text' || rows?.kind !== 'number') return [];
  return values.values.map((value, index) => ({ value: value ?? '', rows: rows.values[index] ?? 0 }));
}

/**
 * Columns that say what an earlier one says, by name: equal in every row, or each value of one standing for one
 * value of the other (a code and its name).
 */
export async function doubles(
  session: Session,
  { table, facts }: { table: string; facts: readonly ColumnFacts[] },
): Promise<Map<string, string>> {
  const looked = facts.filter(({ kind, distinct }) => kind !== 'time' && distinct > 1);
  const sums = await checksums(session, table, looked);
  const found = new Map<string, string>();
  for (const [index, later] of looked.entries()) {
    for (const earlier of looked.slice(0, index)) {
      if (found.has(later.name) || found.has(earlier.name)) continue;
      if (earlier.distinct !== later.distinct || earlier.missing !== later.missing) continue;
      const same = sums.get(earlier.name) === sums.get(later.name);
      if (same || (await standForEachOther(session, { table, earlier, later })))
        found.set(later.name, earlier.name);
    }
  }
  return found;
}

async function checksums(
  session: Session,
  table: string,
  facts: readonly ColumnFacts[],
): Promise<Map<string, string>> {
  const sums = new Map<string, string>();
  for (const { name, kind } of facts) {
    const value = kind === 'number' ? `${quoteName(name)}::double` : `${quoteName(name)}::varchar`;
    const [sum] = await askTexts(
      session,
      `SELECT bit_xor(hash(concat(rowid, chr(0), ${value}))) FROM ${quoteName(table)}`,
    );
    sums.set(name, sum ?? '');
  }
  return sums;
}

/** Where more values are compared, numbers that never repeat would stand for each other. */
const MOST_STANDING = 1_000;
const LEAST_STANDING = 3;

async function standForEachOther(
  session: Session,
  { table, earlier, later }: { table: string; earlier: ColumnFacts; later: ColumnFacts },
): Promise<boolean> {
  const { distinct } = earlier;
  const known = earlier.top > 1 && distinct >= LEAST_STANDING && distinct <= MOST_STANDING;
  if (!known) return false;
  const pairs = `(SELECT DISTINCT ${quoteName(earlier.name)} AS a, ${quoteName(later.name)} AS b FROM ${quoteName(table)} WHERE a IS NOT NULL OR b IS NOT NULL)`;
  return (await session.count(pairs)) === distinct;
}
