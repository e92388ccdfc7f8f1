import {
  ABSENCES,
  ANSWERS,
  type CodeFacts,
  mayBeSentinel,
  type SentinelFacts,
} from '../../lifecycle/missing-codes.ts';
import type { Session } from '../duckdb.ts';
import { quoteName, quoteText, type SqlColumn } from '../table-io.ts';
import { askNumbers, askTexts } from './ask.ts';

type Looking = { session: Session; table: string; columns: readonly SqlColumn[]; target: string };

const CODES = [...ABSENCES, ...ANSWERS].map(quoteText).join(', ');
/** More different spellings of nothing than this are no codes. */
const MOST_CODES = 20;

/** Columns of text that hold codes for a missing value, with what else they hold. */
export async function codesOf({ session, table, columns, target }: Looking): Promise<CodeFacts[]> {
  const found: CodeFacts[] = [];
  for (const { name, kind, type } of columns) {
    if (kind !== 'text' || type !== 'VARCHAR') continue;
    const one = quoteName(name);
    const isCode = `lower(trim(${one})) IN (${CODES})`;
    const { columns: read } = await session.read(
      `(SELECT ${one} AS code, count(*) AS n FROM ${quoteName(table)} WHERE ${isCode} GROUP BY ${one} ORDER BY n DESC, code LIMIT ${MOST_CODES})`,
    );
    const [codes, rows] = [read.get('code'), read.get('n')];
    if (codes?.kind !== 'text' || rows?.kind !== 'number' || codes.values.length === 0) continue;
    const others = `${quoteName(table)} WHERE ${one} IS NOT NULL AND NOT ${isCode}`;
    const {
      rest = 0,
      numbers,
      abbreviations,
      letters = 0,
    } = await askNumbers(session, {
      select: {
        rest: 'count(*)',
        numbers: `count(try_cast(${one} AS DOUBLE))`,
        abbreviations: `count(*) FILTER (WHERE regexp_full_match(${one}, '[A-Z0-9]{2,3}'))`,
        letters: `count(*) FILTER (WHERE regexp_full_match(${one}, '[A-Z]{2,3}'))`,
      },
      from: others,
    });
    found.push({
      column: name,
      codes: codes.values.map((code, index) => ({ code: code ?? '', rows: rows.values[index] ?? 0 })),
      numbers: rest > 0 && numbers === rest,
      abbreviations: abbreviations === rest && letters > rest / 2,
      target: name === target,
    });
  }
  return found;
}

/** Numbers of nines at either end of a column, with the range of all others. */
export async function sentinelsOf({ session, table, columns, target }: Looking): Promise<SentinelFacts[]> {
  const found: SentinelFacts[] = [];
  for (const { name } of columns.filter(({ kind }) => kind === 'number')) {
    const one = quoteName(name);
    const from = quoteName(table);
    const { low = 0, high = 0 } = await askNumbers(session, {
      select: { low: `min(${one})`, high: `max(${one})` },
      from,
    });
    const nines = [low, high].filter(
      (value, index, all) => mayBeSentinel(value) && all.indexOf(value) === index,
    );
    for (const value of nines) {
      const rest = `FILTER (WHERE ${one} NOT IN (${nines.join(', ')}))`;
      const {
        rows = 0,
        others = 0,
        distinct = 0,
        minimum = 0,
        maximum = 0,
      } = await askNumbers(session, {
        select: {
          rows: `count(*) FILTER (WHERE ${one} = ${value})`,
          others: `count(${one}) ${rest}`,
          distinct: `count(DISTINCT ${one}) ${rest}`,
          minimum: `min(${one}) ${rest}`,
          maximum: `max(${one}) ${rest}`,
        },
        from,
      });
      found.push({ column: name, target: name === target, value, rows, others, distinct, minimum, maximum });
    }
  }
  return found;
}

type Decimal = '.' | ',';

/**
 * An amount as people write it: with the sign of a currency or of hundredths, the other mark between thousands,
 * and in brackets below zero, as accounts have it.
 */
function amountPattern(decimal: Decimal): string {
  const [point, group] = decimal === '.' ? ['[.]', '[,]'] : ['[,]', '[.]'];
  const grouped = String.raw`\s*[-+]?\s*[$€£¥]?\s*[-+]?\d{1,3}(${group}\d{3})+(${point}\d+)?\s*[%€]?\s*`;
  const plain = String.raw`\s*[-+]?\s*[$€£¥]?\s*[-+]?(\d+(${point}\d*)?|${point}\d+)\s*[%€]?\s*`;
  const unsigned = `${grouped}|${plain}`.replaceAll('[-+]?', '');
  return `${grouped}|${plain}|${String.raw`\s*[(](${unsigned})[)]\s*`}`;
}

/** `example`: how they are written, each digit a 9; `init` puts it into files of the repository, where no value belongs. */
export type Amounts = { column: string; example: string; sql: string };

/** Texts that are numbers written for people, `$1,200.50`, `12 %` or `1.200,50 €`, and the SQL that reads them. */
export async function amountsOf({
  session,
  table,
  columns,
  decimal,
}: Looking & { decimal: Decimal }): Promise<Amounts[]> {
  const pattern = amountPattern(decimal);
  const found: Amounts[] = [];
  for (const { name, kind, type } of columns) {
    if (kind !== 'text' || type !== 'VARCHAR') continue;
    const one = quoteName(name);
    const {
      known = 0,
      amounts,
      bracketed = 0,
    } = await askNumbers(session, {
      select: {
        known: `count(${one})`,
        amounts: `count(*) FILTER (WHERE regexp_full_match(${one}, ${quoteText(pattern)}))`,
        bracketed: `count(*) FILTER (WHERE contains(${one}, '('))`,
      },
      from: quoteName(table),
    });
    if (known === 0 || amounts !== known) continue;
    const signed = bracketed > 0 ? `replace(${one}, '(', '-')` : one;
    const kept = `regexp_replace(${signed}, '[^0-9${decimal}+-]', '', 'g')`;
    const plain = `try_cast(${one} AS DOUBLE) IS NULL AND ${one} IS NOT NULL`;
    const [example] = await askTexts(
      session,
      `SELECT ${one} FROM ${quoteName(table)} WHERE ${plain} ORDER BY rowid LIMIT 1`,
    );
    if (example === undefined) continue;
    found.push({
      column: name,
      example: example.replaceAll(/\d/g, '9'),
      sql: `cast(${decimal === '.' ? kept : `replace(${kept}, ',', '.')`} as double)`,
    });
  }
  return found;
}
