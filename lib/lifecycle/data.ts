import { z } from 'zod';
import { contractSchema } from './data-contract.ts';
import { inputSchema } from './data-input.ts';
import { sourceSchema } from './data-source.ts';
import { splitSchema } from './data-split.ts';
import { columnSchema, durationSchema, instantSchema } from './scalars.ts';

const windowSchema = z.union([
  z.literal('all'),
  z.strictObject({ last: durationSchema, until: instantSchema }),
]);
export type Window = z.infer<typeof windowSchema>;

/** What the bootstrap resamples: rows, whole groups, or blocks of time. */
const unitSchema = z.union([
  z.literal('row'),
  z.strictObject({ group: columnSchema }),
  z.strictObject({ block: durationSchema }),
]);
export type Unit = z.infer<typeof unitSchema>;

/** `models/<name>/data.yml`. A file without sources is a draft: no stage is planned. */
export const dataSchema = z.strictObject({
  version: z.literal(1),
  sources: z.array(sourceSchema).default([]),
  /** SQL files in order, relative to the model's folder. Each is one SELECT; its table is named after the file (without a leading number). The last table is the output. */
  pipeline: z
    .array(
      z.string().regex(/^pipeline\/[A-Za-z0-9_-]+\.sql$/, 'must be a file such as pipeline/10-hours.sql'),
    )
    .default([]),
  key: z.array(columnSchema).min(1),
  /** A timestamp column of the pipeline's OUTPUT; null where rows have no time. */
  time: columnSchema.nullable().default(null),
  unit: unitSchema.default('row'),
  target: columnSchema,
  inputs: z.record(columnSchema, inputSchema),
  contract: contractSchema,
  labels: z
    .strictObject({
      /** How long after event_time a label is expected: younger windows are pending, never healthy. */
      lag: durationSchema.default('P1D'),
      min_coverage: z.number().min(0).max(1).default(0.8),
    })
    .prefault({}),
  window: windowSchema.default('all'),
  split: splitSchema,
  holdout: z.strictObject({ max_looks: z.int().min(1).default(50) }).prefault({}),
});
export type Data = z.infer<typeof dataSchema>;
