import type { Session } from './duckdb.ts';
import { quoteName } from './table-io.ts';

/** The first value that keeps a column of numbers or times from being one; `row` counts from 0. */
export type Misfit = { column: string; as: 'number' | 'time'; row: number; value: string };

/** From these shares of its values on, a text column is one of numbers, or of times, with mistakes in it. */
const MOSTLY_NUMBERS = 0.5;
const MOSTLY_TIMES = 0.1;
const TYPE = { number: 'DOUBLE', time: 'TIMESTAMP' } as const;
const SHOWN_CHARACTERS = 40;

/** Text columns of a loaded table that would be numbers or times but for some values. */
export async function findMisfits(session: Session, table: string): Promise<Misfit[]> {
  const texts = (await session.columns(quoteName(table))).filter(({ type }) => type === 'VARCHAR');
  const found: Misfit[] = [];
  for (const { name } of texts) {
    const as = await almost(session, table, name);
    const misfit = as && (await firstMisfit({ session, table, column: name, as }));
    if (misfit) found.push(misfit);
  }
  return found;
}

async function almost(session: Session, table: string, column: string): Promise<Misfit['as'] | null> {
  const name = quoteName(column);
  const shares = (['number', 'time'] as const).map(
    (as) => `count(TRY_CAST(${name} AS ${TYPE[as]})) / greatest(count(${name}), 1) AS ${quoteName(as)}`,
  );
  const { columns } = await session.read(`(SELECT ${shares.join(', ')} FROM ${quoteName(table)})`);
  const share = (as: Misfit['as']) => Number(columns.get(as)?.values[0] ?? 0);
  if (share('number') >= MOSTLY_NUMBERS) return 'number';
  return share('time') >= MOSTLY_TIMES ? 'time' : null;
}

/** The first value of a column that can't be read as a number or time; null where all can. */
export async function firstMisfit({
  session,
  table,
  column,
  as,
}: Pick<Misfit, 'column' | 'as'> & { session: Session; table: string }): Promise<Misfit | null> {
  const name = quoteName(column);
  const isMisfit = `${name} IS NOT NULL AND TRY_CAST(${name} AS ${TYPE[as]}) IS NULL`;
  const first = `SELECT rowid AS "row", left(CAST(${name} AS VARCHAR), ${SHOWN_CHARACTERS}) AS "value" FROM ${quoteName(table)} WHERE ${isMisfit} ORDER BY rowid LIMIT 1`;
  const { rows, columns } = await session.read(`(${first})`);
  if (rows === 0) return null;
  return {
    column,
    as,
    row: Number(columns.get('row')?.values[0]),
    value: String(columns.get('value')?.values[0]),
  };
}
