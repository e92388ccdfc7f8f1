import type { Dialect } from '../lifecycle/data-source.ts';
import { MAX_RECORD_BYTES } from './csv-scan.ts';
import type { Session } from './duckdb.ts';
import { quoteName, quoteText, type SqlColumn } from './table-io.ts';

/** A CSV file that was scanned: UTF-8, one kind of line ends, rows of equal length. */
export type ScannedCsv = {
  path: string;
  dialect: Pick<Dialect, 'delimiter' | 'quote' | 'decimal' | 'missing' | 'missing_by_column'>;
  names: readonly string[];
  /** Line ends before the first row. */
  skip: number;
  /** Some lines end in another way than others. */
  hasMixedEnds: boolean;
};

/**
 * Table function of a scanned file. Nothing of its dialect is left to DuckDB, whose own guess drops rows at
 * the top, without a word, when a longer one follows. Types are guessed from all rows, so that none depends
 * on where a sample fell; `types` says some of them.
 */
function reader(
  { path, dialect, names, skip, hasMixedEnds }: ScannedCsv,
  types: ReadonlyMap<string, string>,
): string {
  const { delimiter, quote, decimal, missing } = dialect;
  const said = [...types].map(([name, type]) => `${quoteText(name)}: ${quoteText(type)}`);
  return `read_csv(${[
    quoteText(path),
    `delim = ${quoteText(delimiter)}, quote = ${quoteText(quote)}, escape = ${quoteText(quote)}`,
    `header = false, names = [${names.map(quoteText).join(', ')}], skip = ${skip}`,
    ...(said.length > 0 ? [`types = {${said.join(', ')}}`] : []),
    ...(decimal === ',' ? [`decimal_separator = ','`] : []),
    `nullstr = [${['', ...missing].map(quoteText).join(', ')}]`,
    `max_line_size = ${2 * MAX_RECORD_BYTES}`,
    // The scan was strict already; DuckDB's strictness forbids nothing else but mixed line ends.
    `comment = '', sample_size = -1, strict_mode = ${!hasMixedEnds}, null_padding = false, ignore_errors = false`,
  ].join(', ')})`;
}

/**
 * Makes a table of a scanned file; rows keep the file's order. The notes say which columns stay text although
 * their values look like numbers or times.
 */
export async function createFromCsv(session: Session, table: string, csv: ScannedCsv): Promise<string[]> {
  const types = new Map<string, string>();
  const notes: string[] = [];
  await createTable({ session, table, csv, types, notes });
  const wide = await wideIntegers({ session, table, csv });
  const guessed = await guessedTypes({ session, table, csv });
  if (wide.length + guessed.length > 0) {
    for (const name of wide) {
      types.set(name, 'VARCHAR');
      notes.push(`"${name}" stays text: it has whole numbers too long to be kept exactly as numbers`);
    }
    for (const { name, why } of guessed) {
      types.set(name, 'VARCHAR');
      if (why !== null) notes.push(`"${name}" stays text: ${why}`);
    }
    await session.run(`DROP TABLE ${quoteName(table)}`);
    await createTable({ session, table, csv, types, notes });
  }
  for (const [name, codes] of Object.entries(csv.dialect.missing_by_column))
    await dropCodes({ session, table, csv }, name, codes);
  return notes;
}

type Creating = { session: Session; table: string; csv: ScannedCsv };

async function createTable({
  session,
  table,
  csv,
  types,
  notes,
}: Creating & { types: Map<string, string>; notes: string[] }): Promise<void> {
  for (;;) {
    try {
      await session.run(`CREATE TABLE ${quoteName(table)} AS SELECT * FROM ${reader(csv, types)}`);
      return;
    } catch (error) {
      const name = unconvertible(error, csv.names);
      if (name === null || types.has(name)) throw error;
      types.set(name, 'VARCHAR');
      notes.push(`"${name}" stays text: its values are not all written in one way`);
    }
  }
}

/** The column whose guessed type does not fit all of its values: dates in two formats, mostly. */
function unconvertible(error: unknown, names: readonly string[]): string | null {
  const name = /^Error when converting column "(.*)"\. Could not convert/m.exec(String(error))?.[1];
  return names.find((each) => each === name) ?? null;
}

/** Columns whose whole numbers passed what a BIGINT holds and were rounded to DOUBLE. */
async function wideIntegers({ session, table, csv }: Creating): Promise<string[]> {
  const doubles = (await session.columns(quoteName(table))).filter(({ type }) => type === 'DOUBLE');
  const found: string[] = [];
  for (const { name } of doubles) {
    const column = quoteName(name);
    const isLarge = `(SELECT 1 FROM ${quoteName(table)} WHERE abs(${column}) > 9007199254740991 LIMIT 1)`;
    if ((await session.count(isLarge)) === 0) continue;
    const asText = reader(csv, new Map([[name, 'VARCHAR']]));
    const isWhole = `regexp_matches(${column}, '^\\s*[+-]?[0-9]{16,}\\s*$')`;
    if ((await session.count(`(SELECT 1 FROM ${asText} WHERE ${isWhole} LIMIT 1)`)) > 0) found.push(name);
  }
  return found;
}

const ISO_DAY = '[0-9]{4}-[0-9]{2}-[0-9]{2}';
const ISO_TIME = `${ISO_DAY}([ T][0-9]{2}:[0-9]{2}.*)?`;
const NOT_ISO = 'its times are not written as 2012-01-31 or 2012-01-31 17:00:00';

/** How values have to be written to be what DuckDB takes them for; `why` is told, null is nobody's surprise. */
const AS_WRITTEN: Record<string, { pattern: string; why: string | null }> = {
  DATE: { pattern: ISO_DAY, why: NOT_ISO },
  TIMESTAMP: { pattern: ISO_TIME, why: NOT_ISO },
  'TIMESTAMP WITH TIME ZONE': { pattern: ISO_TIME, why: NOT_ISO },
  BOOLEAN: { pattern: '(?i)(true|false)', why: null },
};

/**
 * Columns that DuckDB guesses beyond their text: 01/02/2011 may be January or February, 13/02/11 becomes a day
 * of 2013, and "yes" becomes true, which no request would send.
 */
async function guessedTypes({
  session,
  table,
  csv,
}: Creating): Promise<{ name: string; why: string | null }[]> {
  const columns = (await session.columns(quoteName(table))).flatMap(({ name, type }) => {
    const written = AS_WRITTEN[type];
    return written === undefined ? [] : [{ name, ...written }];
  });
  if (columns.length === 0) return [];
  const asText = reader(csv, new Map(columns.map(({ name }) => [name, 'VARCHAR'])));
  const found: { name: string; why: string | null }[] = [];
  for (const { name, pattern, why } of columns) {
    const strange = `NOT regexp_full_match(trim(${quoteName(name)}), ${quoteText(pattern)})`;
    if ((await session.count(`(SELECT 1 FROM ${asText} WHERE ${strange} LIMIT 1)`)) > 0)
      found.push({ name, why });
  }
  return found;
}

/** Types that a column may have once its codes are gone, the narrowest first: those that DuckDB guesses. */
const TYPES = ['BIGINT', 'DOUBLE', 'DATE', 'TIMESTAMP', 'VARCHAR'];

async function dropCodes(
  { session, table, csv }: Creating,
  name: string,
  codes: readonly string[],
): Promise<void> {
  const found = (await session.columns(quoteName(table))).find((column) => column.name === name);
  if (found === undefined) throw new Error(`there is no column ${name}`);
  const [column, of] = [quoteName(name), quoteName(table)];
  const isCode = `(${codes.map((code) => isCodeOf(found, column, code)).join(' OR ')})`;
  await session.run(`UPDATE ${of} SET ${column} = NULL WHERE ${isCode}`);
  if (found.type !== 'VARCHAR') return;
  for (const type of TYPES) {
    const value = type === 'DOUBLE' && csv.dialect.decimal === ',' ? `replace(${column}, ',', '.')` : column;
    const bad = `(SELECT 1 FROM ${of} WHERE ${column} IS NOT NULL AND TRY_CAST(${value} AS ${type}) IS NULL LIMIT 1)`;
    if ((await session.count(bad)) > 0) continue;
    if (type !== 'VARCHAR')
      await session.run(`ALTER TABLE ${of} ALTER ${column} TYPE ${type} USING CAST(${value} AS ${type})`);
    return;
  }
}

function isCodeOf({ type }: SqlColumn, column: string, code: string): string {
  if (type === 'VARCHAR') return `trim(${column}) = ${quoteText(code)}`;
  return `coalesce(${column} = TRY_CAST(${quoteText(code)} AS ${type}), false)`;
}
