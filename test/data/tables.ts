import type { Column, Table } from '#lib/data/table.ts';

type Cell = number | string | Date | null;

/** A table from columns of plain values: dates make times, strings make text, whole numbers make integers. */
export function tableOf(columns: Record<string, Cell[]>): Table {
  const entries = Object.entries(columns).map(([name, cells]): [string, Column] => [name, columnFrom(cells)]);
  return { rows: Object.values(columns)[0]?.length ?? 0, columns: new Map(entries) };
}

function columnFrom(cells: Cell[]): Column {
  const numbers = () => new Float64Array(cells.map((cell) => (cell === null ? Number.NaN : Number(cell))));
  const present = cells.filter((cell) => cell !== null);
  if (present.some((cell) => typeof cell === 'string'))
    return { kind: 'text', values: cells.map((cell) => (cell === null ? null : String(cell))) };
  if (present.some((cell) => cell instanceof Date)) return { kind: 'time', values: numbers() };
  return { kind: 'number', values: numbers(), integer: present.every((cell) => Number.isSafeInteger(cell)) };
}

export function cellsOf(table: Table, name: string): unknown[] {
  return [...(table.columns.get(name)?.values ?? [])];
}
