import { describe, expect, it } from 'vitest';
import type { Column, Table } from '#lib/data/table.ts';
import { checkDrift, type DriftQuestion, driftVerdict, type Sample } from '#lib/ml/drift.ts';
import { livePerformance } from '#lib/ml/live-performance.ts';
import { type Random, randomOf } from '#lib/ml/stats/random.ts';
import { unitsOf } from '#lib/ml/stats/units.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform());
}

function hours(from: number, days: number): Float64Array {
  return Float64Array.from({ length: days * 24 }, (_, row) => from * DAY + row * HOUR);
}

function sample(time: Float64Array): Sample {
  return { units: unitsOf({ kind: 'block', block: 'P1D', time }, new Float64Array(time.length)), time };
}

function column(time: Float64Array, value: (at: number) => number): Column {
  return { kind: 'number', values: Float64Array.from(time, value), integer: false };
}

/** A reference of `days` days and the window of 90 days after it, both made by `value(time)`. */
function question(
  days: number,
  value: (at: number) => number,
  live: (at: number) => number = value,
): DriftQuestion {
  const [before, now] = [hours(0, days), hours(days, 90)];
  return {
    columns: [
      {
        name: 'x',
        role: 'input',
        category: false,
        reference: column(before, value),
        current: column(now, live),
      },
    ],
    reference: sample(before),
    current: sample(now),
    window: 90 * DAY,
    threshold: 0.2,
    fdr: 0.05,
    seed: 1,
  };
}

function noise(seed: number): () => number {
  const random = randomOf(seed);
  return () => normal(random);
}

const season = (at: number) => 3 * Math.sin((2 * Math.PI * at) / (365 * DAY));

describe('one column', () => {
  it('is stable where nothing moves: the index is corrected to about 0', () => {
    const [found] = checkDrift(question(365, noise(2)));
    expect(found).toMatchObject({ verdict: 'stable', seasonal: false });
    expect(found?.psi.estimate).toBeLessThan(0.01);
    expect(found?.p).toBeGreaterThan(0.01);
    expect(found?.ks).toBeLessThan(0.06);
  });

  it('has drifted where it moves by more than it ever did', () => {
    const next = noise(3);
    const [found] = checkDrift(question(365, next, () => next() + 1));
    expect(found).toMatchObject({ verdict: 'drifted', seasonal: false });
    expect(found?.psi.lower).toBeGreaterThan(0.5);
  });

  it('moves with the season, which is no drift', () => {
    const next = noise(4);
    const [found] = checkDrift(question(365, (at) => season(at) + next()));
    expect(found).toMatchObject({ verdict: 'inconclusive', seasonal: true });
    expect(found?.psi.lower).toBeGreaterThan(0.2);
    expect(found?.psi_null).toBeGreaterThan(found?.psi.estimate ?? 0);
  });

  it('has drifted where a sensor breaks, season or not', () => {
    const next = noise(5);
    const [found] = checkDrift(
      question(
        365,
        (at) => season(at) + next(),
        () => -9,
      ),
    );
    expect(found).toMatchObject({ verdict: 'drifted', seasonal: false });
  });

  it('can not know the season where the past is shorter than two windows', () => {
    const next = noise(6);
    const [found] = checkDrift(question(120, (at) => season(at) + next()));
    expect(found).toMatchObject({ verdict: 'drifted', seasonal: false });
  });

  it('is inconclusive with few days', () => {
    const asked = question(365, noise(7));
    const now = hours(365, 10);
    const next = noise(8);
    const moved = column(now, () => next() + 3);
    const [found] = checkDrift({
      ...asked,
      columns: asked.columns.map((one) => ({ ...one, current: moved })),
      current: sample(now),
    });
    expect(found?.verdict).toBe('inconclusive');
    expect(found?.psi).toMatchObject({ lower: null, upper: null });
  });

  it('tells missing values and new categories', () => {
    const asked = question(365, () => 0);
    const text = (time: Float64Array, value: (row: number) => string | null): Column => ({
      kind: 'text',
      values: Array.from(time, (_, row) => value(row)),
    });
    const [before, now] = [hours(0, 365), hours(365, 90)];
    const [found] = checkDrift({
      ...asked,
      columns: [
        {
          name: 'kind',
          role: 'input',
          category: true,
          reference: text(before, (row) => (row % 2 === 0 ? 'a' : 'b')),
          current: text(now, (row) => (row % 4 === 0 ? null : row % 4 === 1 ? 'new' : 'a')),
        },
      ],
    });
    expect(found).toMatchObject({ verdict: 'drifted', ks: null, missing: { reference: 0, current: 0.25 } });
  });

  it('never turns from stable to drifted with ten times the rows, only surer', () => {
    for (const shift of [0, 0.3, 1]) {
      const verdicts = [3, 24, 240].map((perDay) => {
        const next = noise(10);
        const every = (from: number, days: number) =>
          Float64Array.from({ length: days * perDay }, (_, row) => from * DAY + (row * DAY) / perDay);
        const [before, now] = [every(0, 365), every(365, 90)];
        const asked = question(365, next);
        const [found] = checkDrift({
          ...asked,
          columns: [
            {
              name: 'x',
              role: 'input',
              category: false,
              reference: column(before, next),
              current: column(now, () => next() + shift),
            },
          ],
          reference: sample(before),
          current: sample(now),
        });
        return found?.verdict;
      });
      expect(new Set(verdicts.filter((verdict) => verdict !== 'inconclusive')).size).toBeLessThanOrEqual(1);
    }
  });
});

describe('many columns', () => {
  it('that stand still give hardly a false alarm', () => {
    const next = noise(20);
    const time = { before: hours(0, 365), now: hours(365, 90) };
    const found = checkDrift({
      ...question(365, next),
      threshold: 0.005,
      columns: Array.from({ length: 40 }, (_, index) => ({
        name: `x${index}`,
        role: 'input' as const,
        category: false,
        reference: column(time.before, next),
        current: column(time.now, next),
      })),
    });
    expect(found.filter(({ verdict }) => verdict === 'drifted').length).toBeLessThanOrEqual(1);
  });

  it('sum up to the worst, and leave the season out', () => {
    const next = noise(21);
    const [still] = checkDrift(question(365, next));
    const [seasonal] = checkDrift(question(365, (at) => season(at) + next()));
    const [moved] = checkDrift(question(365, next, () => next() + 1));
    if (!still || !seasonal || !moved) throw new Error('a column each');
    expect(driftVerdict([still, seasonal])).toBe('stable');
    expect(driftVerdict([still, moved])).toBe('drifted');
    expect(driftVerdict([{ ...still, verdict: 'inconclusive' }])).toBe('inconclusive');
    expect(driftVerdict([])).toBe('inconclusive');
  });
});

describe('performance on labels', () => {
  const time = hours(0, 60);
  const next = noise(30);
  const values = Float64Array.from(time, next);
  const rows = (columns: Record<string, Column>): Table => ({
    rows: time.length,
    columns: new Map([['event_time', { kind: 'time', values: time }], ...Object.entries(columns)]),
  });
  const common = {
    data: { unit: { block: 'P1D' } },
    signature: { inputs: [], outputs: [], classes: null },
    seed: 1,
  };
  type Live = Parameters<typeof livePerformance>[0];

  it('is the error of what was served, beside baseline, holdout and threshold', () => {
    const { performance, value } = livePerformance({
      ...common,
      problem: {
        task: { kind: 'regression' },
        success: [{ metric: 'mae', direction: 'minimize', threshold: 60, slice: null }],
        gates: [],
        value: { kind: 'numbers', under: 2, over: 1, unit: 'USD', per: 'x', note: '' },
      } as unknown as Live['problem'],
      reference: { metrics: { mae: 1.5 }, trivial_prediction: [0] },
      labelled: rows({
        label: { kind: 'number', values, integer: false },
        prediction: { kind: 'number', values: values.map((one) => one - 3), integer: false },
      }),
    });
    const [mae] = performance;
    expect(mae).toMatchObject({
      metric: 'mae',
      reference: 1.5,
      threshold: 60,
      unit: { kind: 'block', length: 'P1D', count: 60 },
    });
    expect(mae?.served.estimate).toBeCloseTo(3, 9);
    expect(mae?.trivial).toBeCloseTo(values.reduce((sum, one) => sum + Math.abs(one), 0) / values.length, 9);
    expect(value?.served.estimate).toBeCloseTo(6000, 6);
  });

  it('reads the probability of the positive class of a binary task', () => {
    const { performance } = livePerformance({
      ...common,
      signature: { inputs: [], outputs: [], classes: ['no', 'yes'] },
      problem: {
        task: { kind: 'binary', positive: 'yes' },
        success: [{ metric: 'accuracy', direction: 'maximize', threshold: 0.9 }],
        gates: [],
        value: null,
      } as unknown as Live['problem'],
      reference: { metrics: {}, trivial_prediction: [0.5, 0.5] },
      labelled: rows({
        label: { kind: 'text', values: Array.from(values, (one) => (one > 0 ? 'yes' : 'no')) },
        prediction: { kind: 'number', values: values.map((one) => (one > 1 ? 0.9 : 0.1)), integer: false },
      }),
    });
    const wrong = values.filter((one) => one > 0 && one <= 1).length / values.length;
    expect(performance[0]?.served.estimate).toBeCloseTo(1 - wrong, 9);
  });
});
