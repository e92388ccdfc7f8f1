import type { Session } from '#lib/data/duckdb.ts';
import { type Amounts, amountsOf, codesOf, sentinelsOf } from '#lib/data/inspect/cleaning.ts';
import type { TableFormat } from '#lib/data/table-file.ts';
import { quoteName, quoteText, type SqlColumn } from '#lib/data/table-io.ts';
import {
  type CodeDecision,
  type CodeFacts,
  decideCodes,
  decideSentinel,
  type SentinelDecision,
} from '#lib/lifecycle/missing-codes.ts';

/** What is done to values before anybody looks at them. */
export type Cleaning = {
  codes: CodeDecision[];
  sentinels: SentinelDecision[];
  amounts: Amounts[];
  /** The SQL of columns that are not taken as they are. */
  expressions: Map<string, string>;
};

type Raw = {
  table: string;
  columns: readonly SqlColumn[];
  format: TableFormat;
  target: string;
  /** Makes the table anew by another format. */
  reload: (format: TableFormat) => Promise<SqlColumn[]>;
};

/** Decides which texts and numbers stand for nothing. Codes of a CSV become words of its source; the rest is SQL. */
export async function cleanedFile(
  session: Session,
  { table, columns: raw, format: written, target, reload }: Raw,
): Promise<{ cleaning: Cleaning; format: TableFormat }> {
  const facts = await codesOf({ session, table, columns: raw, target });
  const codes = facts.map(decideCodes);
  const applied = codes.some((decision) => decision.applied.length > 0);
  const expressions = new Map<string, string>();
  let format = written;
  let columns = raw;
  if (applied && written.kind === 'csv') {
    format = { kind: 'csv', dialect: { ...written.dialect, ...missingWords(codes) } };
    columns = await reload(format);
  } else if (applied) {
    for (const fact of facts) {
      const decision = codes.find(({ column }) => column === fact.column);
      if (decision && decision.applied.length > 0)
        expressions.set(fact.column, withoutCodes(fact, decision.applied));
    }
  }
  const looking = { session, table, columns, target };
  const decimal = format.kind === 'csv' ? format.dialect.decimal : '.';
  const amounts = await amountsOf({ ...looking, decimal });
  for (const { column, sql } of amounts) expressions.set(column, sql);
  const sentinels = (await sentinelsOf(looking)).flatMap((one) => decideSentinel(one) ?? []);
  for (const { column, value, applied: yes } of sentinels) {
    const before = expressions.get(column) ?? quoteName(column);
    if (yes) expressions.set(column, `nullif(${before}, ${value})`);
  }
  return { cleaning: { codes, sentinels, amounts, expressions }, format };
}

/** In every column where no column keeps the code as a value; else column by column. */
function missingWords(codes: readonly CodeDecision[]) {
  const kept = new Set(codes.flatMap((one) => one.kept));
  const everywhere = new Set(codes.flatMap(({ applied }) => applied).filter((code) => !kept.has(code)));
  const single = codes.flatMap(({ column, applied }): [string, string[]][] => {
    const own = applied.filter((code) => !everywhere.has(code));
    return own.length === 0 ? [] : [[column, own]];
  });
  return { missing: [...everywhere].sort(), missing_by_column: Object.fromEntries(single) };
}

function withoutCodes({ column, numbers }: CodeFacts, codes: readonly string[]): string {
  const one = quoteName(column);
  const sql = `CASE WHEN ${one} NOT IN (${codes.map(quoteText).join(', ')}) THEN ${one} END`;
  return numbers ? `cast(${sql} as double)` : sql;
}
