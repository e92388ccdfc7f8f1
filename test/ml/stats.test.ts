import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quantile } from '#lib/data/profile.ts';
import { estimateOf, pairedLoss } from '#lib/ml/evaluate-compare.ts';
import { type Judged, type Summands, summandsOf } from '#lib/ml/metrics.ts';
import { influenceOf, resample, simultaneousIntervals } from '#lib/ml/stats/bootstrap.ts';
import { normalCdf, studentQuantile } from '#lib/ml/stats/distributions.ts';
import { benjaminiHochberg } from '#lib/ml/stats/fdr.ts';
import { kolmogorovSmirnov } from '#lib/ml/stats/kolmogorov-smirnov.ts';
import { categoryBins, numberBins, psi } from '#lib/ml/stats/psi.ts';
import { type Random, randomOf, shuffle, xoshiro } from '#lib/ml/stats/random.ts';
import { firstZero, unitsOf } from '#lib/ml/stats/units.ts';

type Reference = {
  xoshiro: { state: [number, number, number, number]; values: number[] };
  distances: { reference: number[]; current: number[]; statistic: number }[];
  normal: { x: number; cdf: number }[];
  student: { p: number; df: number; quantile: number }[];
  quantiles: { values: number[]; q: number; quantile: number }[];
  false_discovery: { p: number[]; adjusted: number[] }[];
};
const known = JSON.parse(
  readFileSync(new URL('../reference/statistics.json', import.meta.url), 'utf8'),
) as Reference;
const HOUR = 3_600_000;

function within(actual: number, expected: number): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(expected)));
}

function ascending(values: number[]): Float64Array {
  return Float64Array.from(values).sort();
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform());
}

/** A stationary series of variance 1 in which each value keeps `phi` of the one before. */
function autoregressive(phi: number, rows: number, random: Random): Float64Array {
  let state = normal(random);
  return Float64Array.from({ length: rows }, () => {
    const value = state;
    state = phi * state + Math.sqrt(1 - phi * phi) * normal(random);
    return value;
  });
}

function hourly(rows: number): Float64Array {
  return Float64Array.from({ length: rows }, (_, row) => row * HOUR);
}

describe('agreement with scipy to 1e-9', () => {
  it.each(known.distances)('Kolmogorov-Smirnov distance %#', ({ reference, current, statistic }) =>
    within(kolmogorovSmirnov(ascending(reference), ascending(current)), statistic),
  );
  it.each(known.normal)('normal distribution at $x', ({ x, cdf }) => within(normalCdf(x), cdf));
  it.each(known.student)("Student's t: $p with $df degrees", ({ p, df, quantile: expected }) =>
    within(studentQuantile(p, df), expected),
  );
  it.each(known.quantiles)('quantile $q', ({ values, q, quantile: expected }) =>
    within(quantile(ascending(values), q), expected),
  );
  it.each(known.false_discovery)('false discovery rate %#', ({ p, adjusted }) => {
    for (const [index, value] of benjaminiHochberg(p).entries()) within(value, adjusted[index] ?? Number.NaN);
  });
});

describe('random numbers', () => {
  it('are those of the published generator', () => {
    const { uint32 } = xoshiro(known.xoshiro.state);
    expect(known.xoshiro.values.map(() => uint32())).toEqual(known.xoshiro.values);
  });
  it('repeat for a seed and differ between seeds', () => {
    const draw = (seed: number) => {
      const random = randomOf(seed);
      return Array.from({ length: 5 }, () => random.uint32());
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });
  it('shuffle into a permutation', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 0, max: 50 }), (seed, length) => {
        const values = Int32Array.from({ length }, (_, index) => index);
        expect(shuffle(values.slice(), randomOf(seed)).sort()).toEqual(values);
      }),
    );
  });
});

describe('units', () => {
  it('are blocks as long as the errors hang together', () => {
    const time = hourly(24 * 60);
    const slow = Float64Array.from(time, (at) => Math.sin((2 * Math.PI * at) / (20 * 24 * HOUR)));
    const zero = firstZero({ time, summand: slow, step: HOUR });
    // A wave of 20 days crosses zero correlation after a quarter of it.
    expect(zero / (24 * HOUR)).toBeCloseTo(5, 0);
    expect(unitsOf({ kind: 'block', block: 'P1D', time }, slow).count).toBe(
      Math.ceil((60 * 24 * HOUR) / zero),
    );
    const fast = Float64Array.from(time, (_, row) => (row % 2 === 0 ? 1 : -1));
    expect(unitsOf({ kind: 'block', block: 'P1D', time }, fast)).toMatchObject({ length: 'P1D', count: 60 });
  });
  it('keep groups whole', () => {
    const units = unitsOf(
      { kind: 'group', column: 'user', values: ['b', 'a', 'b', null] },
      new Float64Array(4),
    );
    expect(units).toEqual({ kind: 'group', length: 'user', count: 3, index: Int32Array.from([0, 1, 0, 2]) });
  });
});

describe('intervals', () => {
  const numbers = (predicted: Float64Array): Judged => ({
    kind: 'numbers',
    actual: new Float64Array(predicted.length),
    predicted,
  });

  it('cover the truth in 92 to 97 % of series with autocorrelated errors', () => {
    const random = randomOf(11);
    for (const { phi, days } of [
      { phi: 0, days: 40 },
      { phi: 0.5, days: 60 },
      { phi: 0.9, days: 120 },
    ]) {
      let [covered, told] = [0, 0];
      for (let round = 0; round < 300; round++) {
        const errors = autoregressive(phi, days * 24, random);
        const sampling = { kind: 'block', block: 'P1D', time: hourly(errors.length) } as const;
        const { estimate } = estimateOf(summandsOf('bias', numbers(errors)), { sampling, seed: round });
        if (estimate.lower === null || estimate.upper === null) continue;
        told += 1;
        if (estimate.lower <= 0 && estimate.upper >= 0) covered += 1;
      }
      expect(told).toBeGreaterThan(270);
      expect(covered / told).toBeGreaterThanOrEqual(0.92);
      expect(covered / told).toBeLessThanOrEqual(0.97);
    }
  });

  it('would cover far less if hours were taken for independent', () => {
    const random = randomOf(3);
    let covered = 0;
    for (let round = 0; round < 40; round++) {
      const { estimate } = estimateOf(summandsOf('bias', numbers(autoregressive(0.9, 24 * 40, random))), {
        sampling: { kind: 'row' },
        seed: round,
      });
      if ((estimate.lower ?? 1) <= 0 && (estimate.upper ?? -1) >= 0) covered += 1;
    }
    expect(covered).toBeLessThan(26);
  });

  it('have no bounds under 20 units', () => {
    const errors = autoregressive(0, 24 * 19, randomOf(1));
    const sampling = { kind: 'block', block: 'P1D', time: hourly(errors.length) } as const;
    const { estimate, units } = estimateOf(summandsOf('mae', numbers(errors)), { sampling, seed: 1 });
    expect(units.count).toBe(19);
    expect(estimate).toMatchObject({ lower: null, upper: null });
  });

  it('are paired: a model is exactly as good as itself, and shared noise cancels', () => {
    const random = randomOf(4);
    const one = autoregressive(0, 2000, random);
    const shifted = one.map((error) => error + 0.01 * Math.sign(error));
    const basis = { sampling: { kind: 'row' }, seed: 1 } as const;
    const loss = (errors: Float64Array) => summandsOf('mae', numbers(errors));
    expect(estimateOf(pairedLoss('mae', loss(one), loss(one)), basis).estimate).toEqual({
      estimate: 0,
      lower: 0,
      upper: 0,
    });
    const { estimate } = estimateOf(pairedLoss('mae', loss(shifted), loss(one)), basis);
    expect(estimate.lower).toBeCloseTo(0.01, 6);
    expect(estimate.upper).toBeCloseTo(0.01, 6);
  });

  it('are the same for the same seed, and lie around the estimate', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 30, maxLength: 60 }),
        (values) => {
          const summands = summandsOf('rmse', numbers(Float64Array.from(values)));
          const basis = { sampling: { kind: 'row' }, seed: 9 } as const;
          const { estimate } = estimateOf(summands, basis);
          expect(estimateOf(summands, basis).estimate).toEqual(estimate);
          expect(estimate.lower).toBeLessThanOrEqual(estimate.estimate + 1e-9);
          expect(estimate.upper).toBeGreaterThanOrEqual(estimate.estimate - 1e-9);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('merge more units than can be drawn in good time without changing their width', () => {
    const errors = autoregressive(0, 50_000, randomOf(8));
    const { estimate } = estimateOf(summandsOf('bias', numbers(errors)), {
      sampling: { kind: 'row' },
      seed: 1,
    });
    const half = ((estimate.upper ?? 0) - (estimate.lower ?? 0)) / 2;
    expect(half / (1.96 / Math.sqrt(50_000))).toBeGreaterThan(0.9);
    expect(half / (1.96 / Math.sqrt(50_000))).toBeLessThan(1.1);
  });

  it('are wider when many hold together', () => {
    const errors = autoregressive(0, 3000, randomOf(2));
    const of: Summands['of'] = (sums) => (sums[0] ?? 0) / (sums[1] ?? 1);
    const parts = Array.from({ length: 10 }, (_, part) => [
      errors.map((error, row) => (row % 10 === part ? Math.abs(error) : 0)),
      errors.map((_, row) => (row % 10 === part ? 1 : 0)),
    ]).flat();
    const replicates = resample({
      columns: parts,
      statistics: Array.from(
        { length: 10 },
        (_, part) => (sums: Float64Array) => of(sums.subarray(2 * part, 2 * part + 2)),
      ),
      units: unitsOf({ kind: 'row' }, errors),
      random: randomOf(1),
    });
    const alone = simultaneousIntervals(replicates.slice(0, 1), { units: [300], stretch: 1 });
    const together = simultaneousIntervals(replicates, { units: new Array(10).fill(300), stretch: 1 });
    const width = (estimate = alone[0]) => (estimate?.upper ?? 0) - (estimate?.lower ?? 0);
    expect(width(together[0]) / width(alone[0])).toBeGreaterThan(1.25);
    const few = simultaneousIntervals(replicates, { units: [5, ...new Array(9).fill(300)], stretch: 1 });
    expect(few[0]).toMatchObject({ lower: null, upper: null });
    expect(few[1]?.lower).not.toBeNull();
  });

  it('take the block length from what the statistic is about', () => {
    const errors = Float64Array.from([1, -2, 3, -4]);
    const influence = influenceOf(summandsOf('mae', numbers(errors)));
    const [first = 0] = influence;
    const differences = Array.from(influence, (value) => (value - first) * 4);
    expect(differences.map((value) => Math.round(value * 1e6) / 1e6)).toEqual([0, 1, 2, 3]);
  });
});

describe('population stability index', () => {
  it('is 0 of equal shares, and the sum over bins of (c - r) ln(c / r)', () => {
    expect(psi([10, 30], [1, 3])).toBe(0);
    expect(psi([50, 50], [20, 80])).toBeCloseTo(-0.3 * Math.log(0.4) + 0.3 * Math.log(1.6), 12);
  });
  it('sees a column leave the one value that it mostly has', () => {
    const mostly = Float64Array.from({ length: 1000 }, (_, row) => (row % 25 === 0 ? row : 0));
    const moved = mostly.map((value, row) => (row % 3 === 0 ? 0.5 : value));
    const bins = numberBins(mostly);
    const count = (values: Float64Array) => {
      const counts = new Float64Array(bins.count);
      for (const value of values) counts[bins.place(value)] = (counts[bins.place(value)] ?? 0) + 1;
      return counts;
    };
    expect(psi(count(mostly), count(moved))).toBeGreaterThan(1);
  });
  it('puts every number into a bin, and missing ones into the last', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, noDefaultInfinity: true })),
        fc.double(),
        (values, cell) => {
          const bins = numberBins(Float64Array.from(values));
          const place = bins.place(cell);
          expect(place >= 0 && place < bins.count).toBe(true);
          expect(place === bins.count - 1).toBe(Number.isNaN(cell));
        },
      ),
    );
  });
  it('keeps values that were never seen apart from missing ones', () => {
    const bins = categoryBins(['a', 'a', 'b', null]);
    expect(['a', 'b', 'new', null].map(bins.place)).toEqual([0, 1, 2, 3]);
  });
});
