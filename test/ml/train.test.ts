import { beforeAll, describe, expect, test } from 'vitest';
import { digestOf } from '#lib/formats/digest.ts';
import type { Task } from '#lib/lifecycle/problem.ts';
import { type FeedRow, feedOfRows } from '#lib/ml/feed.ts';
import { startPredictor } from '#lib/ml/predictor.ts';
import { randomOf } from '#lib/ml/stats/random.ts';
import { assertBackend, loadTensorflow } from '#lib/ml/tensorflow.ts';
import { type Trained, trainCandidate } from '#lib/ml/train.ts';
import { tableOf } from '../data/tables.ts';
import { candidate, input } from './candidates.ts';

const REGRESSION: Task = { kind: 'regression' };
const ROWS = 256;

/** y = 3 x - 2 z + 10 for colour a, + 50 for b; some values of x are missing. */
function linearTable() {
  const random = randomOf(7);
  const rows = Array.from({ length: ROWS }, () => {
    const [x, z] = [random.uniform() * 10, random.uniform() * 4 - 2];
    const colour = random.uniform() < 0.5 ? 'a' : 'b';
    return { x, z, colour, y: 3 * x - 2 * z + (colour === 'a' ? 10 : 50) };
  });
  return tableOf({
    x: rows.map(({ x }) => x),
    z: rows.map(({ z }) => z),
    colour: rows.map(({ colour }) => colour),
    y: rows.map(({ y }) => y),
  });
}
const INPUTS = { x: input('number'), z: input('number'), colour: input('category') };
const regression = { task: REGRESSION, target: 'y', inputs: INPUTS, table: linearTable(), seed: 1 };

async function predict({ model, signature }: Trained, rows: FeedRow[]): Promise<number[]> {
  const predictor = await startPredictor({ model, signature });
  try {
    return [...(await predictor.predict(feedOfRows(rows, signature), rows.length)).values];
  } finally {
    await predictor.close();
  }
}

describe('a linear model', () => {
  let trained: Trained;
  beforeAll(async () => {
    trained = await trainCandidate({
      ...regression,
      candidate: candidate({ epochs: 80, learning_rate: 0.1 }),
    });
  });

  test('finds the coefficients of a linear world and says them in the unit of the target', async () => {
    const rows = [
      { x: 0, z: 0, colour: 'a' },
      { x: 1, z: 0, colour: 'a' },
      { x: 0, z: 1, colour: 'b' },
    ];
    const [base = 0, perX = 0, other = 0] = await predict(trained, rows);
    expect(base).toBeCloseTo(10, 1);
    expect(perX - base).toBeCloseTo(3, 1);
    expect(other - base).toBeCloseTo(38, 1);
    expect(trained.curve.at(-1)).toBeLessThan(1e-4);
    expect(trained.backend).toBe('wasm');
  });

  test('answers a missing number with the median and an unseen category with neither shift', async () => {
    const [missing = 0, known = 0, unseen = 0, b = 0] = await predict(trained, [
      { x: null, z: 0, colour: 'a' },
      { x: 5, z: 0, colour: 'a' },
      { x: 5, z: 0, colour: 'never' },
      { x: 5, z: 0, colour: 'b' },
    ]);
    expect(Math.abs(missing - known)).toBeLessThan(2);
    expect(unseen).not.toBeCloseTo(known, 0);
    expect(unseen).not.toBeCloseTo(b, 0);
  });
});

describe('a network', () => {
  test('finds what no line can', async () => {
    const random = randomOf(3);
    const x = Array.from({ length: 256 }, () => random.uniform() * 4 - 2);
    const table = tableOf({ x, y: x.map((value) => value * value) });
    const options = { task: REGRESSION, target: 'y', inputs: { x: input('number') }, table, seed: 1 };
    const rows = [{ x: -1.5 }, { x: 0 }, { x: 1.5 }];
    const line = await predict(await trainCandidate({ ...options, candidate: candidate() }), rows);
    const network = await predict(
      await trainCandidate({
        ...options,
        candidate: candidate({ hidden: [32, 16], epochs: 80, learning_rate: 0.02, loss: 'mae' }),
      }),
      rows,
    );
    expect(Math.abs((line[1] ?? 0) - 0)).toBeGreaterThan(1);
    for (const [at, wanted] of [2.25, 0, 2.25].entries())
      expect(Math.abs((network[at] ?? 0) - wanted)).toBeLessThan(0.15);
  });

  test('is the same bytes for the same seed, and others for another', async () => {
    const digest = async (seed: number) => {
      const fitted = await trainCandidate({
        ...regression,
        seed,
        candidate: candidate({ hidden: [8], epochs: 3 }),
      });
      return digestOf(fitted.model);
    };
    const first = await digest(1);
    expect(await digest(1)).toBe(first);
    expect(await digest(2)).not.toBe(first);
  });

  test('shrinks under l2', async () => {
    const last = async (l2: number) => {
      const { curve } = await trainCandidate({
        ...regression,
        candidate: candidate({ hidden: [8], epochs: 20, l2 }),
      });
      return curve.at(-1) ?? 0;
    };
    expect(await last(0.05)).toBeGreaterThan((await last(0)) + 0.01);
  });
});

describe('classes', () => {
  const random = randomOf(5);
  const x = Array.from({ length: 256 }, () => random.uniform() * 6 - 3);
  const table = tableOf({
    x,
    sign: x.map((value) => (value > 0 ? 'no' : 'yes')),
    zone: x.map((value) => (value < -1 ? 3 : value < 1 ? 1 : 2)),
  });
  const inputs = { x: input('number') };
  const rows = [{ x: -2.5 }, { x: 0 }, { x: 2.5 }];

  test('of two: the positive one is the second column', async () => {
    const task: Task = { kind: 'binary', positive: 'yes' };
    const trained = await trainCandidate({
      task,
      target: 'sign',
      inputs,
      table,
      seed: 1,
      candidate: candidate(),
    });
    expect(trained.signature.classes).toEqual(['no', 'yes']);
    expect(trained.signature.outputs).toEqual([{ name: 'probabilities', datatype: 'FP32', shape: [-1, 2] }]);
    const [no = 0, yes = 0, , , , late = 1] = await predict(trained, rows);
    expect(no + yes).toBeCloseTo(1, 5);
    expect(yes).toBeGreaterThan(0.95);
    expect(late).toBeLessThan(0.05);
  });

  test('of three: in ascending order, and every row sums to 1', async () => {
    const trained = await trainCandidate({
      task: { kind: 'multiclass' },
      target: 'zone',
      inputs,
      table,
      seed: 1,
      candidate: candidate({ hidden: [16], epochs: 60 }),
    });
    expect(trained.signature.classes).toEqual([1, 2, 3]);
    const all = await predict(trained, rows);
    const best = [0, 3, 6].map((start) => {
      const probabilities = all.slice(start, start + 3);
      expect(probabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
      return probabilities.indexOf(Math.max(...probabilities));
    });
    expect(best).toEqual([2, 0, 1]);
  });

  test.each([
    [{ kind: 'binary', positive: 'perhaps' } as const, 'sign', /one of them "perhaps"; "sign" has no, yes/],
    [{ kind: 'binary', positive: 1 } as const, 'zone', /two classes.*"zone" has 1, 2, 3/],
  ])('refuses a target that does not fit %j', async (task, target, message) => {
    const training = trainCandidate({ task, target, inputs, table, seed: 1, candidate: candidate() });
    await expect(training).rejects.toThrow(message);
  });
});

describe('what cannot be trained', () => {
  test('a loss beyond all numbers is named, and nothing is exported', async () => {
    const wild = candidate({ hidden: [8], l2: 1e38 });
    const training = trainCandidate({ ...regression, candidate: wild });
    await expect(training).rejects.toThrow(/diverged in epoch 1: the loss is Infinity/);
  });

  test('a missing target, a text target, no rows, a reserved name', async () => {
    const train = (columns: Parameters<typeof tableOf>[0], name = 'x') =>
      trainCandidate({
        ...regression,
        inputs: { [name]: input('number') },
        table: tableOf(columns),
        candidate: candidate(),
      });
    await expect(train({ x: [1, 2], y: [1, null] })).rejects.toThrow('row 2 has no target "y"');
    await expect(train({ x: [1, 2], y: ['1', '2'] })).rejects.toThrow(/"y" is text/);
    await expect(train({ x: [], y: [] })).rejects.toThrow('no rows');
    await expect(train({ prediction: [1, 2], y: [1, 2] }, 'prediction')).rejects.toThrow(/can't be named/);
  });

  test('stops when asked to', async () => {
    const stop = new AbortController();
    const training = trainCandidate({
      ...regression,
      candidate: candidate({ epochs: 10_000 }),
      signal: stop.signal,
      onEpoch: (epoch) => {
        if (epoch === 2) stop.abort(new Error('enough'));
      },
    });
    await expect(training).rejects.toThrow('enough');
  });

  test('on the slow backend that TensorFlow.js falls back to', () => {
    expect(() => assertBackend('cpu', 'wasm')).toThrow(/runs on its "cpu" backend instead of "wasm"/);
  });

  test('the native one is taken where it can be loaded; asked for where it cannot, it is an error', async () => {
    const installed = await Promise.any(
      ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'].map((name) => import(name)),
    ).then(
      () => true,
      () => false,
    );
    const asked = loadTensorflow('tensorflow').then(({ backend }) => backend);
    if (installed) expect(await asked).toBe('tensorflow');
    else await expect(asked).rejects.toThrow(/neither @tensorflow\/tfjs-node-gpu nor @tensorflow\/tfjs-node/);
    expect((await loadTensorflow('wasm')).backend).toBe('wasm');
  });
});
