import type { Signature } from '../lifecycle/bundle.ts';

/** One tensor per input column, `rows` values each. FP32: NaN = missing. INT64: -2^63 = missing. BYTES: '' = missing. */
export type Feed = Record<string, Float32Array | BigInt64Array | string[]>;
/** Row-major [rows, width]. */
export type Prediction = { values: Float32Array; width: number };

/** A model in a child process: a crash or an endless loop there is an error here. */
export type Predictor = {
  predict(feed: Feed, rows: number): Promise<Prediction>;
  close(): Promise<void>;
};

export type PredictorOptions = {
  /** Bytes whose digest the caller has verified. */
  model: Uint8Array;
  signature: Signature;
  /** A call that takes longer kills the child and rejects. */
  deadlineMs?: number;
  /** Data segment limit of the child (Linux), in MiB. */
  memoryMiB?: number;
  threads?: number;
};
