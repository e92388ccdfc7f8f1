import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Random, shuffle } from '#lib/ml/stats/random.ts';
import { packageRoot } from '../../../templates/load.ts';
import type { LiveRow } from './traffic-client.ts';

export const BIKES_CSV = join('templates', 'starter-data', 'bike_sharing_hour.csv');
/** The columns that a client of the bikes model sends. */
const INPUTS = [
  'hr',
  'weekday',
  'workingday',
  'holiday',
  'weathersit',
  'temp',
  'atemp',
  'hum',
  'windspeed',
] as const;

/** What is wanted of the file's two years, to show that nothing is staged (used by tests). */
export type Variant = 'real' | 'permuted-labels' | 'replayed-2011';

export function bikesCsv(): Buffer {
  return readFileSync(join(packageRoot(), BIKES_CSV));
}

/** The hours of 2012 as requests with their later truth, in order of time. The file has no quotes and no gaps within rows. */
export function liveRows(variant: Variant, random: Random): LiveRow[] {
  const [header = '', ...lines] = bikesCsv().toString('utf8').trim().split(/\r?\n/);
  const names = header.split(',');
  const rows = lines.map((line) =>
    Object.fromEntries(line.split(',').map((value, index) => [names[index] ?? '', value])),
  );
  const year = variant === 'replayed-2011' ? '2011' : '2012';
  const live = rows.filter(({ dteday }) => dteday?.startsWith(year)).map(liveRow);
  if (variant === 'replayed-2011') return live.map((row) => ({ ...row, at: row.at + 365 * 86_400_000 }));
  if (variant === 'permuted-labels') return permuteLabels(live, random);
  return live;
}

function liveRow(row: Record<string, string>): LiveRow {
  const at = Date.parse(`${row.dteday}T${String(row.hr).padStart(2, '0')}:00:00Z`);
  return {
    at,
    inputs: Object.fromEntries(INPUTS.map((name) => [name, Number(row[name])])),
    label: Number(row.cnt),
  };
}

function permuteLabels(rows: LiveRow[], random: Random): LiveRow[] {
  const order = shuffle(Int32Array.from(rows.keys()), random);
  return rows.map((row, index) => ({ ...row, label: rows[order[index] ?? index]?.label ?? 0 }));
}
