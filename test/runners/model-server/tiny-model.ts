import { digestOf, digestOfJson } from '#lib/formats/digest.ts';
import type { Golden, Signature } from '#lib/lifecycle/bundle.ts';
import type { Release } from '#lib/lifecycle/rollout.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { writeNetwork } from '#lib/ml/onnx.ts';
import type { Store } from '#lib/store/store.ts';

/** A real ONNX model small enough to check by eye: slope * x + (10 where city is "b"). A missing x counts as 0. */
export type TinyModel = { slope: number; column?: string };
export type Row = { x: number | null; city: string | null };

function signatureWith(column: string): Signature {
  return {
    inputs: [
      { name: 'x', datatype: 'FP32', shape: [-1, 1] },
      { name: column, datatype: 'BYTES', shape: [-1, 1] },
    ],
    outputs: [{ name: 'prediction', datatype: 'FP32', shape: [-1, 1] }],
    classes: null,
  };
}
export const signature = signatureWith('city');

export function tinyOnnx({ slope, column = 'city' }: TinyModel): Uint8Array {
  return writeNetwork({
    signature: signatureWith(column),
    transforms: [
      { kind: 'number', name: 'x', fill: 0, offset: 0, scale: 1 },
      { kind: 'texts', name: column, values: ['a', 'b'] },
    ],
    layers: [{ inputs: 3, units: 1, weights: Float32Array.of(slope, 0, 10), bias: Float32Array.of(0) }],
    head: { kind: 'number', offset: 0, scale: 1 },
  });
}

export function tinyAnswer({ slope }: TinyModel, { x, city }: Row): number {
  return slope * (x ?? 0) + (city === 'b' ? 10 : 0);
}

const goldenRows: Row[] = [
  { x: 1, city: 'a' },
  { x: -2.5, city: 'b' },
  { x: null, city: null },
  { x: 4, city: 'elsewhere' },
];

/** Puts a whole bundle into the store and returns the release that names it. */
export async function putTinyBundle(
  store: Pick<Store, 'put'>,
  {
    slope,
    version,
    column = 'city',
    golden,
    onnx = tinyOnnx({ slope, column }),
  }: TinyModel & { version: string; golden?: Golden; onnx?: Uint8Array },
): Promise<Release & { files: Record<string, Digest> }> {
  const contents: Record<string, Uint8Array | string> = {
    'model.onnx': onnx,
    'signature.json': JSON.stringify(signatureWith(column)),
    'golden.json': JSON.stringify(golden ?? tinyGolden({ slope, column })),
    'profile.json': JSON.stringify({ kind: 'roundhouse-profile', rows: 0, time: null, columns: [] }),
  };
  const files: Record<string, Digest> = {};
  for (const [name, bytes] of Object.entries(contents)) files[name] = await store.put(bytes);
  const manifest = JSON.stringify({
    kind: 'roundhouse-bundle',
    version: 1,
    model: 'bikes',
    files: Object.entries(contents).map(([name, bytes]) => ({
      name,
      digest: digestOf(bytes),
      size: Buffer.byteLength(bytes),
    })),
  });
  return {
    version,
    candidate: digestOfJson({ version, slope }),
    bundle: await store.put(manifest),
    model: digestOf(onnx),
    files,
  };
}

export function tinyGolden(model: TinyModel): Golden {
  const { column = 'city' } = model;
  return {
    rows: goldenRows.map(({ x, city }) => ({ x, [column]: city })),
    predictions: goldenRows.map((row) => [tinyAnswer(model, row)]),
    rtol: 1e-5,
    atol: 1e-6,
  };
}

/** The body of a request of the Open Inference Protocol for these rows. */
export function bodyOf(rows: readonly Row[], more: Record<string, unknown> = {}) {
  const column = (name: keyof Row, datatype: string) => ({
    name,
    datatype,
    shape: [rows.length, 1],
    data: rows.map((row) => row[name]),
  });
  return { ...more, inputs: [column('x', 'FP32'), column('city', 'BYTES')] };
}
