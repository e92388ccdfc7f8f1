import { LEAST_SHARE, type LeakFinding, type Term } from '#lib/lifecycle/leaks.ts';
import { leastSquares, type Solved, spread, take } from './least-squares.ts';

export type Found = Extract<LeakFinding, { terms: Term[] }>;

export const LEAST_ROWS = 50;

type Named = { name: string; values: Float64Array };

type Fitting = {
  kind: Found['kind'];
  set: Named[];
  target: Float64Array;
  rows: Int32Array;
  tolerance: number;
};

/** Fits on the sample, then once more on the rows that it meets best, so that a few wrong ones don't bend it. */
export function fitSet(fitting: Fitting): Found | null {
  const { kind, set, target, rows } = fitting;
  const change = kind === 'sum' ? (value: number) => value : Math.log;
  let chosen = rows;
  for (let round = 0; round < 2; round++) {
    const xs = set.map(({ values }) => take(values, chosen).map(change));
    const solved = leastSquares(xs, take(target, chosen).map(change));
    if (solved === null) return null;
    const raw = foundOf(fitting, solved);
    for (const found of [roundedOff(raw, spread(take(target, rows))), raw]) {
      if (reproduced(fitting, found, rows) < LEAST_SHARE) continue;
      const share = reproduced(fitting, found, null);
      if (share >= LEAST_SHARE) return { ...found, share };
    }
    chosen = nearest(fitting, raw);
  }
  return null;
}

function foundOf({ kind, set }: Fitting, { slopes, constant }: Solved): Found {
  const terms = set.map(({ name }, index) => ({ column: name, coefficient: slopes[index] ?? 0 }));
  return { kind, terms, constant: kind === 'sum' ? constant : Math.exp(constant), share: 0 };
}

/** Coefficients as a person would write them: a fit of rounded values gives 1.00002 for 1. */
function roundedOff({ kind, terms, constant, share }: Found, sd: number): Found {
  const round = (value: number, off: number) =>
    [0, 1, 2]
      .map((digits) => Number(value.toFixed(digits)))
      .find((short) => Math.abs(value - short) <= off) ?? value;
  return {
    kind,
    share,
    terms: terms.map(({ column, coefficient }) => ({ column, coefficient: round(coefficient, 2e-3) })),
    constant: round(constant, kind === 'sum' ? 0.02 * sd : 2e-3),
  };
}

/** Share of rows on which a sum or product of these columns meets the target: of those given, or of all (null). */
function reproduced({ set, target, tolerance }: Fitting, found: Found, rows: Int32Array | null): number {
  let [known, met] = [0, 0];
  const count = rows?.length ?? target.length;
  for (let index = 0; index < count; index++) {
    const row = rows?.[index] ?? index;
    const off = Math.abs(valueAt(found, set, row) - (target[row] ?? Number.NaN));
    if (Number.isNaN(off)) continue;
    known += 1;
    if (off <= tolerance) met += 1;
  }
  return known < LEAST_ROWS ? 0 : met / known;
}

function valueAt({ kind, terms, constant }: Found, set: readonly Named[], row: number): number {
  let value = constant;
  for (const [index, { coefficient }] of terms.entries()) {
    const x = set[index]?.values[row] ?? Number.NaN;
    value = kind === 'sum' ? value + coefficient * x : value * x ** coefficient;
  }
  return value;
}

function nearest({ set, target, rows }: Fitting, found: Found): Int32Array {
  const off = Float64Array.from(rows, (row) =>
    Math.abs(valueAt(found, set, row) - (target[row] ?? Number.NaN)),
  );
  const bound = off.slice().sort()[Math.floor(rows.length * 0.9)] ?? Number.POSITIVE_INFINITY;
  return rows.filter((_, index) => (off[index] ?? 0) <= bound);
}
