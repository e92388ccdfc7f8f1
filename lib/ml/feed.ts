import { columnOf, type Table } from '../data/table.ts';
import type { Signature, TensorSpec } from '../lifecycle/bundle.ts';
import { UserError } from '../lifecycle/user-error.ts';
import type { Feed } from './predictor-types.ts';

/** A missing integer category: a value of its own where training rows had it, else unseen like any other. */
export const MISSING_INTEGER = -(2n ** 63n);

type Cell = number | string | null;
export type FeedRow = Record<string, Cell>;
type Inputs = Pick<Signature, 'inputs'>;

/** The tensors of a table's rows. Columns that are no input are left out. */
export function feedOf(table: Table, { inputs }: Inputs): Feed {
  return feedFrom(inputs, table.rows, ({ name }) => {
    const column = columnOf(table, name);
    if (column.kind === 'time')
      throw new UserError(`input "${name}" is a timestamp`, {
        fix: 'make a number or a category of it in the pipeline',
      });
    return (row) => column.values[row] ?? null;
  });
}

/** The tensors of rows as a request or a prediction log holds them: null = missing. */
export function feedOfRows(rows: readonly FeedRow[], { inputs }: Inputs): Feed {
  return feedFrom(inputs, rows.length, ({ name }) => (row) => {
    const cell = rows[row]?.[name];
    if (cell !== undefined) return cell;
    throw new UserError(`row ${row + 1} has no input "${name}"`, {
      fix: `send every input, null where it is missing: ${inputs.map((input) => input.name).join(', ')}`,
    });
  });
}

function feedFrom(
  inputs: readonly TensorSpec[],
  rows: number,
  reader: (input: TensorSpec) => (row: number) => Cell,
): Feed {
  return Object.fromEntries(
    inputs.map((input) => {
      const read = reader(input);
      return [input.name, tensorOf(input, rows, read)];
    }),
  );
}

function tensorOf({ name, datatype }: TensorSpec, rows: number, read: (row: number) => Cell): Feed[string] {
  const where = (row: number) => `row ${row + 1}, input "${name}"`;
  if (datatype === 'FP32')
    return Float32Array.from({ length: rows }, (_, row) => toFloat(read(row), where(row)));
  if (datatype === 'INT64')
    return BigInt64Array.from({ length: rows }, (_, row) => toInteger(read(row), where(row)));
  return Array.from({ length: rows }, (_, row) => toText(read(row)));
}

function toFloat(cell: Cell, where: string): number {
  if (cell === null) return Number.NaN;
  if (typeof cell !== 'number') throw wrongType(where, cell, 'a number');
  const float = Math.fround(cell);
  if (Number.isFinite(float) || Number.isNaN(cell)) return float;
  throw new UserError(`${where}: ${cell} is beyond the range of 32-bit numbers`, {
    fix: 'correct it, or send null where it is missing',
  });
}

function toInteger(cell: Cell, where: string): bigint {
  if (cell === null || Number.isNaN(cell)) return MISSING_INTEGER;
  if (typeof cell === 'number' && Number.isInteger(cell)) return BigInt(cell);
  throw wrongType(where, cell, 'an integer');
}

/** The runtime ends a text at NUL, so that two categories could fall together: it is replaced on every way in. */
function toText(cell: Cell): string {
  return cell === null || Number.isNaN(cell) ? '' : String(cell).replaceAll('\0', '\ufffd');
}

function wrongType(where: string, cell: Cell, wanted: string): UserError {
  return new UserError(`${where}: ${JSON.stringify(cell)} is not ${wanted}`, {
    fix: `give ${wanted}, or null where it is missing`,
  });
}
