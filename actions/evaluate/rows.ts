import { join } from 'node:path';
import { parseKeySet } from '#lib/data/content.ts';
import { readParquet } from '#lib/data/duckdb.ts';
import type { Table } from '#lib/data/table.ts';
import type { DataResult } from '#lib/lifecycle/data-evidence.ts';
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
