import { z } from 'zod';
import { digestSchema, windowSchema } from './scalars.ts';
import { verdictSchema } from './verdict.ts';

/**
 * `content` decides equality: the digest of canonical rows ordered by key. `object` fetches: the digest of
 * bytes in the store, which may differ between versions of the library that wrote them.
 */
export const dataRefSchema = z.strictObject({ content: digestSchema, object: digestSchema });
export type DataRef = z.infer<typeof dataRefSchema>;

/** `models/<name>/data.lock`. A claim: it counts only where evidence recorded by the app names the same digests. */
export const dataLockSchema = z.strictObject({
  version: z.literal(1),
  sources: z.record(z.string(), dataRefSchema),
  steps: digestSchema,
  output: dataRefSchema,
  rows: z.int().min(0),
  profile: digestSchema,
  verdict: verdictSchema,
});
export type DataLock = z.infer<typeof dataLockSchema>;

/** `models/<name>/model.lock`. */
export const modelLockSchema = z.strictObject({
  version: z.literal(1),
  /** What people approve. */
  candidate: digestSchema,
  data: digestSchema,
  code: digestSchema,
  config: digestSchema,
  gates: digestSchema,
  policy: digestSchema,
  /** Digest of the evaluation's result, without times and machines. */
  evaluation: digestSchema,
  /** The bytes that are served. */
  model: digestSchema,
  /** The bytes that were judged; equal to `model` where refit is none. */
  twin: digestSchema,
  refit: z.enum(['none', 'full']),
  bundle: digestSchema,
  trainer: z.string(),
  metrics: z.record(z.string(), z.number()),
  window: windowSchema.nullable(),
});
export type ModelLock = z.infer<typeof modelLockSchema>;
