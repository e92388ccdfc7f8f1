import type { Column, Table } from '#lib/data/table.ts';
import type { Input } from '#lib/lifecycle/data.ts';
import type { Candidate } from '#lib/lifecycle/model.ts';

type Cells = readonly (number | string | null)[];

/** A table from lists of cells: text where a cell is text, else numbers; null is missing. */
export function tableOf(columns: Record<string, Cells>, whole: readonly string[] = []): Table {
  const lists = Object.entries(columns);
  return {
    rows: lists[0]?.[1].length ?? 0,
    columns: new Map(lists.map(([name, cells]) => [name, columnOf(cells, whole.includes(name))])),
  };
}

function columnOf(cells: Cells, integer: boolean): Column {
  if (cells.some((cell) => typeof cell === 'string'))
    return { kind: 'text', values: cells.map((cell) => (cell === null ? null : String(cell))) };
  return { kind: 'number', integer, values: Float64Array.from(cells, (cell) => Number(cell ?? Number.NaN)) };
}

export function input(type: Input['type']): Input {
  return { from: 'request', type, meaning: '', unit: '' };
}

/** A linear candidate, or a network where `hidden` is given. */
export function candidate(
  changes: { hidden?: number[] } & Partial<Omit<Candidate, 'trainer'>> = {},
): Candidate {
  const { hidden, ...rest } = changes;
  const common = {
    name: 'c',
    epochs: 30,
    learning_rate: 0.05,
    batch_size: 64,
    l2: 0,
    loss: 'mse',
    ...rest,
  } as const;
  return hidden === undefined ? { ...common, trainer: 'linear' } : { ...common, trainer: 'mlp', hidden };
}
