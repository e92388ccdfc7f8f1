import type { Session } from '../duckdb.ts';

/** Numbers that one SELECT gives in one row, by the names of its columns; NaN for NULL. */
export async function askNumbers(
  session: Session,
  { select, from }: { select: Readonly<Record<string, string>>; from: string },
): Promise<Record<string, number>> {
  const names = Object.keys(select);
  const found: Record<string, number> = {};
  // One statement for very many columns takes DuckDB longer to plan than to run.
  for (let start = 0; start < names.length; start += MOST_AT_ONCE) {
    const some = names.slice(start, start + MOST_AT_ONCE);
    const cells = some.map((name, index) => `CAST(${select[name]} AS DOUBLE) AS c${index}`).join(', ');
    const { columns } = await session.read(`(SELECT ${cells} FROM ${from})`);
    for (const [index, name] of some.entries()) {
      const column = columns.get(`c${index}`);
      found[name] = column?.kind === 'number' ? (column.values[0] ?? Number.NaN) : Number.NaN;
    }
  }
  return found;
}

const MOST_AT_ONCE = 200;

/** The texts of a SELECT of one column, in its order; missing ones are left out. */
export async function askTexts(session: Session, select: string): Promise<string[]> {
  const { columns } = await session.read(
    `(SELECT CAST(value AS VARCHAR) AS value FROM (${select}) AS asked(value))`,
  );
  const column = columns.get('value');
  return column?.kind === 'text' ? column.values.flatMap((value) => value ?? []) : [];
}
