import { z } from 'zod';
import { partSchema } from './plan.ts';
import { digestSchema, modelNameSchema } from './scalars.ts';

/** Datatypes of the Open Inference Protocol v2 that a signature uses. */
export const tensorSchema = z.strictObject({
  name: z.string(),
  datatype: z.enum(['FP32', 'INT64', 'BYTES']),
  /** -1 = any number of rows. */
  shape: z.array(z.int()),
});
export type TensorSpec = z.infer<typeof tensorSchema>;

/**
 * Inputs: one tensor [-1, 1] per input column. Outputs: regression `prediction` FP32 [-1, 1];
 * classification `probabilities` FP32 [-1, classes]. `classes` gives the labels in order.
 */
export const signatureSchema = z.strictObject({
  inputs: z.array(tensorSchema).min(1),
  outputs: z.array(tensorSchema).min(1),
  classes: z.array(z.union([z.string(), z.number(), z.boolean()])).nullable(),
});
export type Signature = z.infer<typeof signatureSchema>;

/**
 * The manifest of what is shipped: a JSON object in the store whose digest is the bundle's digest. Files are
 * plain names; `model.onnx` is always there, beside `signature.json`, `profile.json` and `golden.json`
 * (synthetic rows with their predictions).
 */
export const bundleSchema = z.strictObject({
  kind: z.literal('roundhouse-bundle'),
  version: z.literal(1),
  model: modelNameSchema,
  files: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must be a plain file name'),
        digest: digestSchema,
        size: z.int().min(0),
      }),
    )
    .min(1),
});
export type Bundle = z.infer<typeof bundleSchema>;

/** Synthetic rows and what the served bytes answer: replayed before traffic. */
export const goldenSchema = z.strictObject({
  rows: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.null()]))).min(1),
  /** One vector per row, in the order of the signature's first output. */
  predictions: z.array(z.array(z.number())).min(1),
  rtol: z.number(),
  atol: z.number(),
});
export type Golden = z.infer<typeof goldenSchema>;

/** `reference.json` in the bundle: what monitoring compares live traffic and errors with. */
export const referenceSchema = z.strictObject({
  /** Rows the served bytes were trained on, and the recent holdout that judged their twin. */
  training: partSchema,
  recent: partSchema,
  /** The first version's recent holdout: its own for the first version, handed on by every later one. */
  anchor: partSchema,
  /** Object with the sorted digests of all row keys that served bytes or twin were trained on. */
  seen: digestSchema,
  /** Metrics on the recent holdout by name: the candidate's and the trivial baseline's. */
  metrics: z.record(z.string(), z.number()),
  trivial: z.record(z.string(), z.number()),
  /** What the trivial baseline answers: a number (median or mean), or the class shares. */
  trivial_prediction: z.array(z.number()),
  /** Predictions of the served bytes on the training rows' sample, quantiles 0..100 of the first output. */
  prediction_quantiles: z.array(z.number()).length(101),
});
export type Reference = z.infer<typeof referenceSchema>;
