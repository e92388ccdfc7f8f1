import type { Unit } from './data.ts';
import type { Split } from './data-split.ts';
import { durationMs } from './duration.ts';

/** Lengths of a holdout that are tried, the shortest first. */
export const PART_LENGTHS = [
  'PT1H',
  'PT6H',
  'PT12H',
  'P1D',
  'P2D',
  'P3D',
  'P7D',
  'P14D',
  'P28D',
  'P56D',
  'P91D',
  'P182D',
  'P365D',
  'P730D',
  'P1825D',
] as const;

export type TimeSpread = {
  rows: number;
  /** From the first row to the last. */
  spanMs: number;
  /** By length: rows that are younger than this before the newest row, and those between one and two lengths old. */
  newest: readonly { length: string; last: number; before: number }[];
};

const DAY = durationMs('P1D');
const USUAL = 'P28D';
const LEAST_ROWS = 40;
/** Blocks of time that a bootstrap has to draw from: with fewer no interval is given. */
const LEAST_BLOCKS = 20;

export type SplitChoice = { split: Split; unit: Unit; why: string };

const BY_KEY: Split = { by: 'key', recent: 0.2, validation: 0.1 };

/**
 * Which rows judge. With a time, the newest: four weeks where the file is long enough, else about a tenth of
 * its span with enough rows on both sides. Where no length leaves enough rows, a share of them by their key.
 */
export function chooseSplit(spread: TimeSpread | null): SplitChoice {
  if (spread === null)
    return {
      split: BY_KEY,
      unit: 'row',
      why: 'A fifth of the rows judges, chosen by a hash of the key; there is no time to go by.',
    };
  const { rows, spanMs, newest } = spread;
  const enough = Math.max(LEAST_ROWS, Math.min(rows / 20, 2_000));
  const holds = ({ last, before }: TimeSpread['newest'][number], least: number) =>
    Math.min(last, before) >= least;
  const usual = newest.find(({ length }) => length === USUAL);
  const chosen =
    usual !== undefined && spanMs >= 5 * durationMs(USUAL) && holds(usual, 100)
      ? usual
      : newest.find((one) => {
          const ms = durationMs(one.length);
          return ms >= spanMs / 15 && ms <= spanMs / 3 && holds(one, enough);
        });
  if (chosen === undefined) {
    const why = `No length of time leaves ${Math.ceil(enough)} rows to judge and to validate on: a fifth of the rows judges, chosen by a hash of the key.`;
    return { split: BY_KEY, unit: 'row', why };
  }
  const block = blockOf(durationMs(chosen.length), rows / Math.max(1, spanMs / DAY));
  return {
    split: { by: 'time', recent: chosen.length, embargo: block, validation: chosen.length },
    unit: { block },
    why: `The newest rows judge, and nobody trains on them: ${chosen.last} rows here.`,
  };
}

/** A day, unless the part has too few days; weeks or months where days have no row. */
function blockOf(partMs: number, rowsPerDay: number): string {
  const fits = (block: string) => partMs >= LEAST_BLOCKS * durationMs(block);
  if (rowsPerDay < 1) return ['P30D', 'P7D'].find(fits) ?? 'P1D';
  return ['P1D', 'PT1H'].find(fits) ?? 'PT1M';
}
