import { describe, expect, it } from 'vitest';
import { keyDigests } from '#lib/data/content.ts';
import { type Table, take } from '#lib/data/table.ts';
import type { Signature } from '#lib/lifecycle/bundle.ts';
import type { Part } from '#lib/lifecycle/plan.ts';
import type { Problem } from '#lib/lifecycle/problem.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { type Evaluation, evaluate, metricsToCompare, samplingOf, winnerOf } from '#lib/ml/evaluate.ts';
import { goldenOf, goldenRows } from '#lib/ml/golden.ts';
import { reorder, trivialAnswer } from '#lib/ml/judge.ts';
import type { Predictor } from '#lib/ml/predictor-types.ts';
import { randomOf } from '#lib/ml/stats/random.ts';

const HOUR = 3_600_000;
const signature: Signature = {
  inputs: [
    { name: 'x', datatype: 'FP32', shape: [-1, 1] },
    { name: 'kind', datatype: 'BYTES', shape: [-1, 1] },
  ],
  outputs: [{ name: 'prediction', datatype: 'FP32', shape: [-1, 1] }],
  classes: null,
};
const problem: Problem = {
  version: 1,
  model: 'demand',
  title: 'Demand',
  objective: 'o',
  decision: 'd',
  task: { kind: 'regression' },
  target: 'y',
  success: [{ metric: 'mae', direction: 'minimize', threshold: 20, slice: null }],
  gates: [],
  value: { kind: 'numbers', under: 2, over: 1, unit: 'USD', per: 'rental', note: '' },
  baseline: { how: '', value: null },
  data: { description: '', min_rows: 0, columns: [] },
  constraints: {
    ...{ latency_p95_ms: null, size_mb: null, notes: '' },
    ...{ privacy: '', explainability: 'none' },
  },
  stakeholders: [{ login: 'a', role: 'owner' }],
  timeline: [],
  risk: 'low',
  issue: 0,
};
const data: Evaluation['data'] = {
  key: ['id'],
  time: 'ts',
  unit: { block: 'P1D' },
  target: 'y',
  holdout: { max_looks: 50 },
  inputs: {
    x: { from: 'request', type: 'number', meaning: '', unit: '' },
    kind: { from: 'request', type: 'category', meaning: '', unit: '' },
  },
};

/** y = 100 x + noise of +-10, hourly from hour `from` on. */
function demand(rows: number, from = 0): Table {
  const random = randomOf(from + 1);
  const x = Float64Array.from({ length: rows }, () => Math.fround(random.uniform()));
  return {
    rows,
    columns: new Map([
      ['id', { kind: 'number', values: Float64Array.from(x, (_, row) => from + row), integer: true }],
      ['ts', { kind: 'time', values: Float64Array.from(x, (_, row) => (from + row) * HOUR) }],
      ['x', { kind: 'number', values: x, integer: false }],
      ['kind', { kind: 'text', values: Array.from(x, (_, row) => (row % 3 === 0 ? 'a' : 'b')) }],
      [
        'y',
        {
          kind: 'number',
          values: x.map((value) => 100 * value + 20 * random.uniform() - 10),
          integer: false,
        },
      ],
    ]),
  };
}

/** A model in this process: answers `slope` * x. */
function line(slope: number): Predictor {
  return {
    async predict(feed, rows) {
      const x = feed.x as Float32Array;
      return { values: Float32Array.from({ length: rows }, (_, row) => slope * (x[row] ?? 0)), width: 1 };
    },
    close: async () => {},
  };
}

function partOf(rows: number, digit = '2'): Part {
  const digest = `sha256:${digit.repeat(64)}` as const;
  return { content: digest, object: digest, keys: digest, rows, from: null, until: null };
}

const RECENT = 30 * 24;
function evaluation(found: Partial<Evaluation> = {}): Evaluation {
  const recent = demand(RECENT, 5000);
  return {
    problem,
    data,
    training: { target: demand(500), keys: new Set(keyDigests(demand(500), ['id'])) },
    recent: { part: partOf(RECENT), candidate: recent, champion: null, look: 1 },
    anchor: null,
    signature,
    twin: line(100),
    served: null,
    servedBytes: 1000,
    champion: null,
    ...found,
  };
}

function withChampion(
  slope: number,
  seen: Iterable<string> = [],
  champion = demand(RECENT, 5000),
): Evaluation {
  const judged = evaluation();
  return {
    ...judged,
    recent: { ...judged.recent, champion },
    champion: { predictor: line(slope), signature, seen: new Set(seen) },
  };
}

describe('evaluation of a first version', () => {
  it('judges the candidate against the median of the training target', async () => {
    const { recent, trivialAnswer: answer, gates, verdict, anchor } = await evaluate(evaluation());
    const [mae] = recent.comparisons;
    expect(recent.rows).toBe(RECENT);
    expect(recent.unit).toEqual({ kind: 'block', length: 'P1D', count: 30 });
    // Noise is uniform on +-10: its mean size is 5. x is uniform: the mean distance from the median is 25.
    expect(mae?.candidate.estimate).toBeCloseTo(5, 0);
    expect(mae?.trivial.estimate).toBeGreaterThan(20);
    expect(mae?.champion).toBeNull();
    expect(answer[0]).toBeGreaterThan(40);
    expect(answer[0]).toBeLessThan(60);
    expect(anchor).toBeNull();
    expect(gates.map((gate) => gate.verdict)).toEqual(['passed', 'passed']);
    expect(verdict).toBe('passed');
  });

  it('fails a model that does no better than the median', async () => {
    const { verdict, gates } = await evaluate(evaluation({ twin: line(0) }));
    expect(gates.map((gate) => gate.verdict)).toEqual(['failed', 'failed']);
    expect(verdict).toBe('failed');
  });

  it('cannot tell after more looks at its holdout than data.yml allows', async () => {
    const { recent } = evaluation();
    const looked = (look: number) =>
      evaluate(evaluation({ data: { ...data, holdout: { max_looks: 3 } }, recent: { ...recent, look } }));
    expect(await looked(3)).toMatchObject({ verdict: 'passed' });
    const { verdict, gates } = await looked(4);
    expect(verdict).toBe('inconclusive');
    expect(gates.filter(({ verdict }) => verdict !== 'passed')).toMatchObject([
      { name: 'looks at this holdout', expected: 'at most 3 looks at a holdout' },
    ]);
  });

  it('tells how far served bytes and twin are apart, and what errors cost', async () => {
    const { refit_disagreement, value } = await evaluate(evaluation({ served: line(104) }));
    expect(refit_disagreement).toBeCloseTo(2, 0);
    // Half of the errors cost 2, half cost 1, of a size of 5 on average: 7,500 per 1,000.
    expect(value?.candidate.estimate).toBeGreaterThan(6500);
    expect(value?.candidate.estimate).toBeLessThan(8500);
    expect(value?.trivial.estimate).toBeGreaterThan(30_000);
  });

  it('finds what the model looks at, and slices with rows enough', async () => {
    const { importance, slices } = await evaluate(evaluation());
    expect(importance.map(({ column }) => column)).toEqual(['x', 'kind']);
    expect(importance[0]?.increase).toBeGreaterThan(20);
    expect(importance[1]?.increase).toBe(0);
    expect(slices.map(({ column, value, rows }) => [column, value, rows])).toEqual([
      ['kind', 'a', RECENT / 3],
      ['kind', 'b', (2 * RECENT) / 3],
    ]);
    for (const { estimate } of slices) expect(estimate.lower).toBeLessThan(estimate.estimate);
  });

  it('judges a slice that the problem names, also one by a number, and the size of what would be served', async () => {
    const on = (column: string, value: string, threshold: number) =>
      ({ metric: 'rmse', direction: 'minimize', threshold, slice: { column, value } }) as const;
    const { success, constraints } = problem;
    const named = [...success, on('kind', 'a', 20), on('kind', 'b', 1), on('x', '0.5', 20)];
    const judged = await evaluate(
      evaluation({
        problem: { ...problem, success: named, constraints: { ...constraints, size_mb: 0.0005 } },
      }),
    );
    const verdicts = Object.fromEntries(judged.gates.map(({ name, verdict }) => [name, verdict]));
    expect(verdicts).toMatchObject({
      'rmse at most 20 where kind = a': 'passed',
      'rmse at most 1 where kind = b': 'failed',
      'rmse at most 20 where x = 0.5': 'inconclusive',
      'size of the model': 'failed',
    });
    expect(judged.slices.filter(({ metric }) => metric === 'rmse')).toHaveLength(2);
  });

  it('gives the same evidence again', async () => {
    expect(await evaluate(evaluation())).toEqual(await evaluate(evaluation()));
  });

  it('refuses a holdout that the twin was trained on, and drops a few such rows', async () => {
    const keys = keyDigests(demand(RECENT, 5000), ['id']);
    const trainedOn = (count: number) =>
      evaluation({ training: { target: demand(500), keys: new Set(keys.slice(0, count)) } });
    const { recent } = await evaluate(trainedOn(24));
    expect(recent.rows).toBe(RECENT - 24);
    expect(recent.dropped).toEqual({ candidate: 0, champion: 0, seen: 24 });
    await expect(evaluate(trainedOn(200))).rejects.toThrow(UserError);
    await expect(evaluate(trainedOn(200))).rejects.toThrow(/trained on 200 of the 720 rows/);
  });
});

describe('evaluation beside a champion', () => {
  it('passes a candidate that is better on the same rows', async () => {
    const { recent, gates, verdict } = await evaluate(withChampion(80));
    const [mae] = recent.comparisons;
    expect(mae?.champion?.estimate).toBeGreaterThan(9);
    expect(mae?.candidate_minus_champion?.upper).toBeLessThan(0);
    expect(gates.at(-1)).toMatchObject({ name: 'not worse than champion', verdict: 'passed' });
    expect(verdict).toBe('passed');
  });

  it('fails one that is worse, and passes the champion itself', async () => {
    const worse = await evaluate({ ...withChampion(100), twin: line(80) });
    expect(worse.gates.at(-1)?.verdict).toBe('failed');
    const same = await evaluate(withChampion(100));
    expect(same.recent.comparisons[0]?.candidate_minus_champion).toEqual({ estimate: 0, lower: 0, upper: 0 });
    expect(same.gates.at(-1)?.verdict).toBe('passed');
  });

  it('joins on the key whatever the order, and counts rows that one pipeline dropped', async () => {
    const all = demand(RECENT, 5000);
    const rows = Int32Array.from({ length: RECENT - 10 }, (_, row) => RECENT - 1 - row);
    const champion = take(all, { rows, columns: [...all.columns.keys()] });
    const { recent } = await evaluate(withChampion(100, [], champion));
    expect(recent.rows).toBe(RECENT - 10);
    expect(recent.dropped).toEqual({ candidate: 0, champion: 10, seen: 0 });
    expect(recent.comparisons[0]?.candidate_minus_champion?.estimate).toBe(0);
  });

  it('says nothing about a champion on rows that it was trained on', async () => {
    const keys = keyDigests(demand(RECENT, 5000), ['id']);
    const few = await evaluate(withChampion(80, keys.slice(0, 48)));
    expect(few.recent.dropped.seen).toBe(48);
    expect(few.recent.comparisons[0]?.champion).not.toBeNull();
    const most = await evaluate(withChampion(80, keys));
    expect(most.recent.rows).toBe(RECENT);
    expect(most.recent.comparisons[0]?.champion).toBeNull();
    expect(most.gates.at(-1)).toMatchObject({ verdict: 'inconclusive' });
    expect(most.verdict).toBe('inconclusive');
  });

  it('is inconclusive under 20 days', async () => {
    const short = demand(19 * 24, 5000);
    const judged = withChampion(80);
    const recent = { part: partOf(short.rows), candidate: short, champion: short, look: 3 };
    const { verdict, recent: result } = await evaluate({ ...judged, recent });
    expect(result.look).toBe(3);
    expect(result.unit.count).toBe(19);
    expect(verdict).toBe('inconclusive');
  });

  it('reports the anchor on the rows that are left, and none where none is', async () => {
    const anchor = demand(RECENT, 9000);
    const keys = keyDigests(anchor, ['id']);
    const frozen = { part: partOf(RECENT, '3'), candidate: anchor, champion: anchor, look: 2 };
    const withAnchor = (trained: string[]) =>
      evaluate({
        ...withChampion(80),
        anchor: frozen,
        training: { target: demand(500), keys: new Set(trained) },
      });
    expect((await withAnchor([])).anchor).toMatchObject({ rows: RECENT, look: 2 });
    expect((await withAnchor(keys.slice(0, 500))).anchor).toMatchObject({ rows: RECENT - 500 });
    expect((await withAnchor(keys)).anchor).toBeNull();
  });
});

describe('evaluation of classes', () => {
  const classes = ['no', 'yes'];
  const chance: Signature = {
    inputs: signature.inputs,
    outputs: [{ name: 'probabilities', datatype: 'FP32', shape: [-1, 2] }],
    classes,
  };
  const labelled = (rows: number, from: number): Table => {
    const table = demand(rows, from);
    const random = randomOf(from);
    const x = table.columns.get('x')?.values as Float64Array;
    const values = Array.from(x, (value) => (random.uniform() < value ? 'yes' : 'no'));
    return { rows, columns: new Map([...table.columns, ['y', { kind: 'text', values }]]) };
  };
  const calibrated = (yes: number): Predictor => ({
    async predict(feed, rows) {
      const x = feed.x as Float32Array;
      const values = new Float32Array(rows * 2);
      for (let row = 0; row < rows; row++) {
        values[row * 2 + yes] = x[row] ?? 0;
        values[row * 2 + 1 - yes] = 1 - (x[row] ?? 0);
      }
      return { values, width: 2 };
    },
    close: async () => {},
  });

  it('measures a binary task, and reads a champion with its classes the other way round', async () => {
    const recent = labelled(60 * 24, 5000);
    const judged = evaluation({
      problem: {
        ...problem,
        task: { kind: 'binary', positive: 'yes' },
        success: [{ metric: 'auc', direction: 'maximize', threshold: 0.7, slice: null }],
        value: {
          kind: 'classes',
          unit: 'USD',
          cost: { no: { no: 0, yes: 1 }, yes: { no: 5, yes: 0 } },
          note: '',
        },
      },
      training: { target: labelled(500, 0), keys: new Set() },
      recent: { part: partOf(recent.rows), candidate: recent, champion: recent, look: 1 },
      signature: chance,
      twin: calibrated(1),
      champion: {
        predictor: calibrated(0),
        signature: { ...chance, classes: ['yes', 'no'] },
        seen: new Set(),
      },
    });
    const { recent: result, trivialAnswer: shares, value, gates } = await evaluate(judged);
    expect(result.comparisons.map(({ metric }) => metric)).toEqual(['auc', 'accuracy', 'log_loss']);
    const [auc, accuracy] = result.comparisons;
    expect(auc?.candidate.estimate).toBeGreaterThan(0.78);
    expect(auc?.trivial.estimate).toBe(0.5);
    expect(accuracy?.candidate.estimate).toBeGreaterThan(0.7);
    expect(auc?.candidate_minus_champion).toEqual({ estimate: 0, lower: 0, upper: 0 });
    expect(shares[0] ?? 0).toBeCloseTo(1 - (shares[1] ?? 0), 12);
    expect(value?.candidate.estimate).toBeGreaterThan(0);
    expect(gates.map(({ verdict }) => verdict)).toEqual(['passed', 'passed', 'passed']);
  });
});

describe('parts of an evaluation', () => {
  it('compares what the problem names and what everybody reads', () => {
    expect(
      metricsToCompare({
        ...problem,
        success: [{ metric: 'r2', direction: 'maximize', threshold: 0.5, slice: null }],
      }),
    ).toEqual(['r2', 'mae', 'rmse']);
  });
  it('never takes rows that have a time for independent', () => {
    const table = demand(48);
    expect(samplingOf({ time: 'ts', unit: 'row' }, table)).toMatchObject({ kind: 'block', block: 'P1D' });
    expect(samplingOf({ time: null, unit: 'row' }, table)).toEqual({ kind: 'row' });
    expect(samplingOf({ time: 'ts', unit: { group: 'kind' } }, table)).toMatchObject({ kind: 'group' });
    expect(() => samplingOf({ time: null, unit: { block: 'P1D' } }, table)).toThrow(/no column is the time/);
  });
  it('answers with the mean where squared errors count', () => {
    const values = Float64Array.from([1, 2, 9]);
    expect(trivialAnswer({ kind: 'numbers', values }, 'mae', 1)).toEqual([2]);
    expect(trivialAnswer({ kind: 'numbers', values }, 'rmse', 1)).toEqual([4]);
  });
  it('brings probabilities into another order of classes', () => {
    expect(Array.from(reorder([0.1, 0.9], ['b', 'a'], ['a', 'b', 'c']))).toEqual([0.9, 0.1, 0]);
  });
  it('takes the lowest loss on validation, the first of equals', () => {
    const result = (index: number, metric: 'mae' | 'auc', value: number) =>
      ({ candidate: { index }, validation: { metric, value } }) as Parameters<typeof winnerOf>[0][number];
    expect(winnerOf([result(0, 'mae', 5), result(1, 'mae', 4)]).candidate.index).toBe(1);
    expect(winnerOf([result(0, 'auc', 0.8), result(1, 'auc', 0.9)]).candidate.index).toBe(1);
    expect(winnerOf([result(1, 'mae', 4), result(0, 'mae', 4)]).candidate.index).toBe(0);
  });
});

describe('golden rows', () => {
  const profile = {
    kind: 'roundhouse-profile' as const,
    rows: 100,
    time: null,
    columns: [
      {
        name: 'x',
        kind: 'number' as const,
        count: 50,
        missing: 50,
        distinct: 50,
        number: { mean: 50, sd: 1, quantiles: Array.from({ length: 101 }, (_, percent) => percent) },
        categories: null,
      },
      {
        name: 'kind',
        kind: 'category' as const,
        count: 100,
        missing: 0,
        distinct: 3,
        number: null,
        categories: { values: [{ value: 'a', count: 60 }], other: 40 },
      },
    ],
  };
  it('are made up from quantiles and frequent categories, without the extremes', () => {
    const rows = goldenRows(signature, profile, 7);
    expect(rows).toHaveLength(32);
    expect(rows).toEqual(goldenRows(signature, profile, 7));
    const numbers = rows.flatMap(({ x }) => (typeof x === 'number' ? [x] : []));
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(5);
    expect(Math.max(...numbers)).toBeLessThanOrEqual(95);
    expect(rows.some(({ x }) => x === null)).toBe(true);
    expect(new Set(rows.map(({ kind }) => kind))).toEqual(new Set(['a']));
  });
  it('carry what the served bytes answer', async () => {
    const golden = await goldenOf(
      [
        { x: 2, kind: 'a' },
        { x: 3, kind: 'a' },
      ],
      signature,
      line(100),
    );
    expect(golden.predictions).toEqual([[200], [300]]);
    expect(golden.atol).toBeCloseTo(3e-4, 12);
  });
});
