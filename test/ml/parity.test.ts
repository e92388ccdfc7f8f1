import { describe, expect, test } from 'vitest';
import { feedOf, MISSING_INTEGER } from '#lib/ml/feed.ts';
import { writeNetwork } from '#lib/ml/onnx.ts';
import { checkParity, comparePredictions, probeRows } from '#lib/ml/train-parity.ts';
import { inputTensors } from '#lib/ml/transforms.ts';
import { tableOf } from '../data/tables.ts';
import { input } from './candidates.ts';
import { SIGNATURE } from './models.ts';

describe('trainer against export', () => {
  test.each([
    ['numbers within 1e-5 of themselves', [100, 200], [100.0009, 199.9985], 0, true],
    ['a number off by more', [100, 200], [100.0021, 200], 0, false],
    ['a number near 0 within 1e-6 of the largest', [0, 1000], [0.0009, 1000], 0, true],
    ['a number near 0 beyond it', [0, 1000], [0.0011, 1000], 0, false],
    ['not a number', [1, 2], [1, Number.NaN], 0, false],
    ['too few values', [1, 2], [1], 0, false],
    ['the same class', [0.3, 0.7], [0.3, 0.7], 2, true],
    ['another probability', [0.3, 0.7], [0.30002, 0.69998], 2, false],
    ['a tie that fell the other way', [0.5, 0.4999998], [0.4999999, 0.5], 2, true],
  ])('%s', (_, expected, actual, classes, same) => {
    const compare = () =>
      comparePredictions({
        expected: Float32Array.from(expected),
        actual: Float32Array.from(actual),
        classes,
      });
    if (same) expect(compare().rows).toBe(expected.length / Math.max(1, classes));
    else expect(compare).toThrow(/ONNX/);
  });

  test('looks at rows with missing and with unseen values', () => {
    const table = tableOf({ t: [1, 2, 3], k: [4, 5, null], s: ['a', null, 'b'] });
    const inputs = inputTensors(table, { t: input('number'), k: input('category'), s: input('category') });
    const signature = { ...SIGNATURE, inputs };
    const { feed, rows } = probeRows(feedOf(table, signature), table.rows, signature);
    expect(rows).toBe(3 + 1 + 2 + 2);
    expect([...(feed.t ?? [])]).toEqual([1, 2, 3, Number.NaN, 1, 1, 1, 1]);
    expect([...(feed.k ?? [])].slice(0, 6)).toEqual([
      4n,
      5n,
      MISSING_INTEGER,
      4n,
      MISSING_INTEGER,
      BigInt(Number.MIN_SAFE_INTEGER),
    ]);
    expect(feed.s?.slice(0, 7)).toEqual(['a', '', 'b', 'a', 'a', 'a', '']);
    expect(['a', 'b', '']).not.toContain(feed.s?.[7]);
  });

  test('one changed weight is a fault', async () => {
    const layer = { inputs: 1, units: 1, weights: Float32Array.of(2), bias: Float32Array.of(0) };
    const transforms = [{ kind: 'number' as const, name: 'x', fill: 0, offset: 0, scale: 1 }];
    const head = { kind: 'number' as const, offset: 1, scale: 10 };
    const model = writeNetwork({ signature: SIGNATURE, transforms, layers: [layer], head });
    const probe = { feed: { x: Float32Array.of(0, 1, Number.NaN) }, rows: 3 };
    const check = (expected: number[]) =>
      checkParity({ model, signature: SIGNATURE, probe, expected: Float32Array.from(expected) });
    expect(await check([1, 21, 1])).toEqual({ rows: 3, max_abs_difference: 0, rtol: 1e-5, atol: 21e-6 });
    await expect(check([1, 21.01, 1])).rejects.toThrow(
      /not what was trained: row 2 .* 21.0\d* by the trainer, 21 by ONNX/,
    );
  });
});
