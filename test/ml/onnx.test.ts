import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Signature } from '#lib/lifecycle/bundle.ts';
import { writeNetwork } from '#lib/ml/onnx.ts';
import type { FeatureTransform } from '#lib/ml/transforms.ts';
import { decodeModel } from './models.ts';

const PYTHON = '/usr/bin/python3';
const hasChecker = spawnSync(PYTHON, ['-c', 'import onnx']).status === 0;

const TRANSFORMS: FeatureTransform[] = [
  { kind: 'number', name: 'temp °C', fill: 1, offset: 2, scale: 3 },
  { kind: 'number', name: 'hum', fill: 0, offset: 0, scale: 1 },
  { kind: 'integers', name: 'hr', values: [-(2n ** 63n), 0n, 23n] },
  { kind: 'texts', name: 'sky', values: ['', 'é|"'] },
];
const WIDTH = 2 + 3 + 2;
const inputs: Signature['inputs'] = [
  { name: 'sky', datatype: 'BYTES', shape: [-1, 1] },
  { name: 'temp °C', datatype: 'FP32', shape: [-1, 1] },
  { name: 'hr', datatype: 'INT64', shape: [-1, 1] },
  { name: 'hum', datatype: 'FP32', shape: [-1, 1] },
];

function layer(from: number, to: number) {
  return {
    inputs: from,
    units: to,
    weights: new Float32Array(from * to).fill(0.5),
    bias: new Float32Array(to),
  };
}

const MODELS = {
  regression: () =>
    writeNetwork({
      signature: {
        inputs,
        outputs: [{ name: 'prediction', datatype: 'FP32', shape: [-1, 1] }],
        classes: null,
      },
      transforms: TRANSFORMS,
      layers: [layer(WIDTH, 4), layer(4, 1)],
      head: { kind: 'number', offset: 5, scale: 2 },
    }),
  classification: () =>
    writeNetwork({
      signature: {
        inputs,
        outputs: [{ name: 'probabilities', datatype: 'FP32', shape: [-1, 3] }],
        classes: ['a', 'b', 'c'],
      },
      transforms: TRANSFORMS,
      layers: [layer(WIDTH, 3)],
      head: { kind: 'classes' },
    }),
};

describe.each(Object.entries(MODELS))('a %s network', (_, write) => {
  test('is the same bytes every time', () => {
    expect(Buffer.from(write()).equals(Buffer.from(write()))).toBe(true);
  });

  test('says the versions it was written for, and one input per column in the order of the signature', () => {
    const model = decodeModel(write());
    expect(Number(model.irVersion)).toBe(8);
    const opsets = model.opsetImport.map(({ domain, version }) => [domain, Number(version)]);
    expect(opsets).toEqual([
      ['', 17],
      ['ai.onnx.ml', 3],
    ]);
    expect(model.graph?.input?.map(({ name }) => name)).toEqual(inputs.map(({ name }) => name));
  });

  test.skipIf(!hasChecker)('passes the checker of the ONNX project, shapes too (needs python3-onnx)', () => {
    const folder = mkdtempSync(join(tmpdir(), 'roundhouse-onnx-'));
    try {
      const file = join(folder, 'model.onnx');
      writeFileSync(file, write());
      const script = 'import onnx, sys; onnx.checker.check_model(onnx.load(sys.argv[1]), full_check=True)';
      const { status, stderr } = spawnSync(PYTHON, ['-c', script, file], { encoding: 'utf8' });
      expect(stderr).toBe('');
      expect(status).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
