import type { Signature } from '../lifecycle/bundle.ts';
import { type FeedRow, feedOfRows, MISSING_INTEGER } from './feed.ts';
import { startPredictor } from './predictor.ts';
import type { Feed } from './predictor-types.ts';

const SAMPLED_ROWS = 1900;
const RTOL = 1e-5;
const ATOL = 1e-6;

/** `atol` is in the unit of the output: 1e-6 of the largest prediction, of 1 for probabilities. */
export type Parity = { rows: number; max_abs_difference: number; rtol: number; atol: number };

/**
 * Rows to compare on: training rows in even steps, then per input one row where it is missing and, for a
 * category, one with a value that training never saw.
 */
export function probeRows(feed: Feed, rows: number, signature: Signature): { feed: Feed; rows: number } {
  const step = Math.max(1, Math.ceil(rows / SAMPLED_ROWS));
  const sampled = Array.from({ length: Math.ceil(rows / step) }, (_, index) =>
    rowAt(feed, index * step, signature),
  );
  const odd = signature.inputs.flatMap(({ name, datatype }) => {
    const unseen = { FP32: [], INT64: [Number.MIN_SAFE_INTEGER], BYTES: ['\u2400 never seen'] }[datatype];
    return [null, ...unseen].map((cell): FeedRow => ({ ...sampled[0], [name]: cell }));
  });
  const probes = [...sampled, ...odd];
  return { feed: feedOfRows(probes, signature), rows: probes.length };
}

function rowAt(feed: Feed, row: number, { inputs }: Signature): FeedRow {
  return Object.fromEntries(
    inputs.map(({ name }) => {
      const value = feed[name]?.[row] ?? null;
      if (typeof value === 'bigint') return [name, value === MISSING_INTEGER ? null : Number(value)];
      return [name, Number.isNaN(value) ? null : value];
    }),
  );
}

export type ParityCheck = {
  model: Uint8Array;
  signature: Signature;
  probe: { feed: Feed; rows: number };
  /** The trainer's own predictions of the probe, row-major. */
  expected: Float32Array;
};

/** Runs the exported bytes where they will be served and throws unless they say what the trainer says. */
export async function checkParity({ model, signature, probe, expected }: ParityCheck): Promise<Parity> {
  const predictor = await startPredictor({ model, signature });
  try {
    const { values } = await predictor.predict(probe.feed, probe.rows);
    return comparePredictions({ expected, actual: values, classes: signature.classes?.length ?? 0 });
  } finally {
    await predictor.close();
  }
}

type Comparison = { expected: Float32Array; actual: Float32Array; classes: number };

/** Within rtol and atol, and the same class in every row; `classes` is 0 for numbers. */
export function comparePredictions({ expected, actual, classes }: Comparison): Parity {
  const width = Math.max(1, classes);
  if (expected.length !== actual.length)
    throw new Error(`ONNX gives ${actual.length} values where the trainer gives ${expected.length}`);
  const scale = classes > 0 ? 1 : expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const atol = ATOL * scale;
  let largest = 0;
  for (let at = 0; at < expected.length; at++) {
    const [trainer = Number.NaN, exported = Number.NaN] = [expected[at], actual[at]];
    const difference = Math.abs(trainer - exported);
    const allowed = RTOL * Math.abs(trainer) + atol;
    if (!(difference <= allowed))
      throw parityFault(Math.floor(at / width), `${trainer} by the trainer, ${exported} by ONNX`);
    largest = Math.max(largest, difference);
  }
  for (let row = 0; row * classes < expected.length && classes > 0; row++) {
    const [of, by] = [expected, actual].map((all) =>
      mostProbable(all.subarray(row * classes, (row + 1) * classes)),
    );
    const tied = Math.abs(
      (expected[row * classes + (of ?? 0)] ?? 0) - (expected[row * classes + (by ?? 0)] ?? 0),
    );
    if (of !== by && tied > 2 * atol)
      throw parityFault(row, `class ${of} by the trainer, class ${by} by ONNX`);
  }
  return { rows: expected.length / width, max_abs_difference: largest, rtol: RTOL, atol };
}

function mostProbable(probabilities: Float32Array): number {
  return probabilities.indexOf(Math.max(...probabilities));
}

function parityFault(row: number, found: string): Error {
  return new Error(
    `the exported model is not what was trained: row ${row + 1} of the comparison has ${found}`,
  );
}
