import { join } from 'node:path';
import { parseKeySet } from '#lib/data/content.ts';
import { readParquet } from '#lib/data/duckdb.ts';
import { type Column, columnOf, type Table } from '#lib/data/table.ts';
import type { DataResult } from '#lib/lifecycle/evidence.ts';
import type { Part } from '#lib/lifecycle/plan.ts';
import type { StageDeps } from '../kit/stage.ts';

type PartName = keyof DataResult['parts'];

/** Rows and key sets of one data statement, as the data stage left them. */
export type Rows = {
  part(name: PartName): Part;
  /** Null where the data stage had no reason to make the part. */
  table(name: PartName): Promise<Table | null>;
  require(name: PartName): Promise<Table>;
  keys(name: PartName): Promise<Set<string>>;
};

export function openRows(parts: DataResult['parts'], { exchange, scratch }: StageDeps): Rows {
  const partOf = (name: PartName): Part => {
    const part = parts[name];
    if (part) return part;
    throw new Error(`the data evidence has no part ${name}`);
  };
  const table = async (name: PartName) => {
    const part = parts[name];
    if (!part) return null;
    return readParquet(
      await exchange.getFile(`${pathOf(name)}.parquet`, part.object, join(scratch, `${name}.parquet`)),
    );
  };
  return {
    part: partOf,
    table,
    async require(name) {
      return (await table(name)) ?? Promise.reject(new Error(`the data evidence has no part ${name}`));
    },
    async keys(name) {
      return parseKeySet(await exchange.get(`${pathOf(name)}.keys`, partOf(name).keys));
    },
  };
}

function pathOf(name: PartName): string {
  return name === 'train' || name === 'validation' || name === 'full' ? `train/${name}` : `holdout/${name}`;
}

/** The rows of both, one after the other; columns are those of the first. */
export function stack(first: Table, second: Table): Table {
  const columns = [...first.columns].map(([name, upper]): [string, Column] => {
    const lower = columnOf(second, name);
    if (upper.kind === 'text' || lower.kind === 'text') {
      return [name, { kind: 'text', values: [...textsOf(upper), ...textsOf(lower)] }];
    }
    const values = new Float64Array(first.rows + second.rows);
    values.set(upper.values);
    values.set(lower.values, first.rows);
    return [name, { ...upper, values }];
  });
  return { rows: first.rows + second.rows, columns: new Map(columns) };
}

function textsOf(column: Column): (string | null)[] {
  if (column.kind === 'text') return column.values;
  return Array.from(column.values, (value) => (Number.isNaN(value) ? null : String(value)));
}
