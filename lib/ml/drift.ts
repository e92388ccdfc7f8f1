import { quantile, spanOf } from '#lib/data/profile.ts';
import type { Column } from '#lib/data/table.ts';
import type { DriftColumn, MonitorResult } from '#lib/lifecycle/evidence.ts';
import { expandedTail, MIN_UNITS } from './stats/bootstrap.ts';
import { benjaminiHochberg } from './stats/fdr.ts';
import { kolmogorovSmirnov } from './stats/kolmogorov-smirnov.ts';
import { type Bins, categoryBins, numberBins, psi } from './stats/psi.ts';
import { type Random, randomOf } from './stats/random.ts';
import type { Units } from './stats/units.ts';

const DRAWS = 999;
/** Windows are taken from the reference's past every sixth of their length. */
const STEPS_PER_WINDOW = 6;
const FEWEST_PAST_WINDOWS = 4;

/** Rows of one sample and how they hang together: units of a day or a group, and their times where they have one. */
export type Sample = { units: Units; time: Float64Array | null };

export type DriftQuestion = {
  columns: {
    name: string;
    role: DriftColumn['role'];
    category: boolean;
    reference: Column;
    current: Column;
  }[];
  reference: Sample;
  current: Sample;
  /** Samples of the columns whose rows are others, such as the target, known of labelled rows only. */
  currentOf?: Partial<Record<DriftColumn['role'], Sample>>;
  /** Length of the window in milliseconds. */
  window: number;
  threshold: number;
  fdr: number;
  seed: number;
};

/**
 * Per column: the population stability index, corrected for its bias by the bootstrap, with an interval over
 * units; a p value against pseudo-windows made of the reference's own blocks; and what the reference's own past
 * windows of the same length show, which is the season.
 *
 * Drifted: the lower bound is over the threshold, the p value survives the false-discovery control over all
 * columns, and the past never moved as much. Stable: the upper bound is under the threshold.
 */
export function checkDrift(question: DriftQuestion): DriftColumn[] {
  const measured = question.columns.map((column, index) => measureColumn(column, question, index));
  const adjusted = benjaminiHochberg(measured.map(({ p }) => p));
  return measured.map((found, index) => {
    const { lower, upper } = found.psi;
    const isStable = upper !== null && upper < question.threshold;
    const isMoved = lower !== null && lower > question.threshold && (adjusted[index] ?? 1) <= question.fdr;
    const seasonal = !isStable && found.hasPast && found.raw <= found.psi_null;
    const { hasPast: _hasPast, raw: _raw, ...column } = found;
    return {
      ...column,
      seasonal,
      verdict: isStable ? 'stable' : isMoved && !seasonal ? 'drifted' : 'inconclusive',
    };
  });
}

/** Over all columns. One that moves as the season does leaves the rest to decide. */
export function driftVerdict(columns: readonly DriftColumn[]): MonitorResult['drift_verdict'] {
  if (columns.some(({ verdict }) => verdict === 'drifted')) return 'drifted';
  const open = columns.some(({ verdict, seasonal }) => verdict === 'inconclusive' && !seasonal);
  return columns.length === 0 || open ? 'inconclusive' : 'stable';
}

type Measured = Omit<DriftColumn, 'verdict' | 'seasonal'> & { hasPast: boolean; raw: number };

function measureColumn(
  { name, role, category, reference, current }: DriftQuestion['columns'][number],
  question: DriftQuestion,
  index: number,
): Measured {
  const random = randomOf(question.seed + index);
  const place = placer(reference, category);
  const places = { reference: place(reference), current: place(current) };
  const before = histograms(places.reference, place.count, question.reference.units);
  const now = histograms(places.current, place.count, (question.currentOf?.[role] ?? question.current).units);
  const raw = psi(before.total, now.total);
  const past = pastWindows(places.reference, before.total, question.reference.time, question.window);
  const noise = blockNull(before, now.units, random);
  const known = past.length >= FEWEST_PAST_WINDOWS ? past : noise;
  return {
    column: name,
    role,
    raw,
    hasPast: known === past,
    psi: correctedPsi({ before, now, raw, random }),
    psi_null: quantile(known, 0.99),
    ks: category ? null : ksOf(reference, current),
    p: (1 + noise.filter((value) => value >= raw).length) / (noise.length + 1),
    missing: {
      reference: shareMissing(places.reference, place.count),
      current: shareMissing(places.current, place.count),
    },
  };
}

type Placer = { (column: Column): Int32Array; count: number };

function placer(reference: Column, category: boolean): Placer {
  if (category) {
    const bins: Bins<string | null> = categoryBins(textsOf(reference));
    return Object.assign((column: Column) => Int32Array.from(textsOf(column), bins.place), {
      count: bins.count,
    });
  }
  const bins = numberBins(numbersOf(reference));
  return Object.assign((column: Column) => Int32Array.from(numbersOf(column), bins.place), {
    count: bins.count,
  });
}

function textsOf(column: Column): (string | null)[] {
  if (column.kind === 'text') return column.values;
  return Array.from(column.values, (value) => (Number.isNaN(value) ? null : String(value)));
}

function numbersOf(column: Column): Float64Array {
  if (column.kind === 'text')
    return Float64Array.from(column.values, (value) => (value === null ? Number.NaN : Number(value)));
  return column.values;
}

/** Counts per bin: of all rows, and row-major of each unit. */
type Histograms = { bins: number; units: number; counts: Float64Array; total: Float64Array };

function histograms(places: Int32Array, bins: number, units: Units): Histograms {
  const counts = new Float64Array(units.count * bins);
  const total = new Float64Array(bins);
  for (let row = 0; row < places.length; row++) {
    const bin = places[row] ?? 0;
    const cell = (units.index[row] ?? 0) * bins + bin;
    counts[cell] = (counts[cell] ?? 0) + 1;
    total[bin] = (total[bin] ?? 0) + 1;
  }
  return { bins, units: units.count, counts, total };
}

function draw({ bins, units, counts }: Histograms, howMany: number, random: Random): Float64Array {
  const drawn = new Float64Array(bins);
  for (let unit = 0; unit < howMany; unit++) {
    const from = random.below(units) * bins;
    for (let bin = 0; bin < bins; bin++) drawn[bin] = (drawn[bin] ?? 0) + (counts[from + bin] ?? 0);
  }
  return drawn;
}

/**
 * Even equal distributions give a PSI of about (bins - 1)(1/n + 1/m), and more where rows hang together.
 * Resampling adds that noise once more, which tells its size (bootstrap bias correction; Efron 1990).
 */
function correctedPsi({
  before,
  now,
  raw,
  random,
}: {
  before: Histograms;
  now: Histograms;
  raw: number;
  random: Random;
}): DriftColumn['psi'] {
  const values = new Float64Array(DRAWS);
  for (let round = 0; round < DRAWS; round++) {
    values[round] = psi(draw(before, before.units, random), draw(now, now.units, random));
  }
  const bias = values.reduce((sum, value) => sum + value, 0) / DRAWS - raw;
  const estimate = Math.max(0, raw - bias);
  values.sort();
  if (now.units < MIN_UNITS) return { estimate, lower: null, upper: null };
  const tail = expandedTail(now.units);
  const bound = (share: number) => Math.max(0, quantile(values, share) - 2 * bias);
  return { estimate, lower: bound(tail), upper: bound(1 - tail) };
}

/** PSI of pseudo-windows put together from the reference's own blocks: what chance and dependence alone give. Ascending. */
function blockNull(before: Histograms, howMany: number, random: Random): Float64Array {
  return Float64Array.from({ length: DRAWS }, () =>
    psi(draw(before, before.units, random), draw(before, howMany, random)),
  ).sort();
}

/**
 * PSI of each past window of the reference against all of it, which is what the live window is measured
 * against too: the reference holds the season of either. None where it is shorter than two windows. Ascending.
 */
function pastWindows(
  places: Int32Array,
  all: Float64Array,
  time: Float64Array | null,
  window: number,
): Float64Array {
  const span = time && spanOf(time);
  if (!time || !span || span.until - span.from < 2 * window) return new Float64Array();
  const found: number[] = [];
  for (let from = span.from; from + window <= span.until; from += window / STEPS_PER_WINDOW) {
    const inside = new Float64Array(all.length);
    for (let row = 0; row < places.length; row++) {
      const at = time[row] ?? Number.NaN;
      const bin = places[row] ?? 0;
      if (at >= from && at < from + window) inside[bin] = (inside[bin] ?? 0) + 1;
    }
    if (inside.some((count) => count > 0)) found.push(psi(all, inside));
  }
  return Float64Array.from(found).sort();
}

function ksOf(reference: Column, current: Column): number | null {
  const [before, now] = [reference, current].map((column) =>
    numbersOf(column)
      .filter((value) => !Number.isNaN(value))
      .sort(),
  );
  const statistic = kolmogorovSmirnov(before ?? new Float64Array(), now ?? new Float64Array());
  return Number.isNaN(statistic) ? null : statistic;
}

function shareMissing(places: Int32Array, bins: number): number {
  return places.filter((bin) => bin === bins - 1).length / Math.max(1, places.length);
}
