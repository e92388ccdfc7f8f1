import { z } from 'zod';
import { dataRefSchema } from './locks.ts';
import { digestSchema, gitShaSchema, instantSchema, modelNameSchema, semverSchema } from './scalars.ts';

/** What the model in force is, as a plan needs it. */
export const championSchema = z.strictObject({
  version: semverSchema,
  commit: gitShaSchema,
  candidate: digestSchema,
  bundle: digestSchema,
  /** Served bytes. */
  model: digestSchema,
  /** Object with the sorted digests of all row keys that its served bytes or their twin were trained on. */
  seen: digestSchema,
  /** Metrics of its own recent holdout, by name. */
  reference: z.record(z.string(), z.number()),
});
export type Champion = z.infer<typeof championSchema>;

/** A part of the data, as a Parquet object. `keys` is an object with the sorted digests of the rows' keys. */
export const partSchema = z.strictObject({
  ...dataRefSchema.shape,
  keys: digestSchema,
  rows: z.int().min(0),
  /** First and last time of the rows; null without `time:`. */
  from: instantSchema.nullable(),
  until: instantSchema.nullable(),
});
export type Part = z.infer<typeof partSchema>;

/** The four digests of one state of a model's folder, and of the rules it is judged by. */
export const inputDigestsSchema = z.strictObject({
  code: digestSchema,
  config: digestSchema,
  gates: digestSchema,
  policy: digestSchema,
  problem: digestSchema,
});
export type InputDigests = z.infer<typeof inputDigestsSchema>;

/**
 * What one dispatched run of the pull-request flow is asked to do: a JSON object in the store, named to the
 * workflow by its sha256 (input `plan`). The untrusted run (data, train) gets `accepted: null`. The trusted
 * run (accept, evaluate, card) gets the statements that the app took from the untrusted run.
 */
export const jobPlanSchema = z.strictObject({
  kind: z.literal('roundhouse-plan'),
  version: z.literal(1),
  repository: z.string(),
  pull_request: z.int().min(0),
  model: modelNameSchema,
  base: gitShaSchema,
  head: gitShaSchema,
  /** The merge of base and head that is checked out and judged. */
  merge: gitShaSchema,
  digests: inputDigestsSchema,
  champion: championSchema.nullable(),
  /** The first version's recent holdout, frozen; null for the first version. */
  anchor: partSchema.nullable(),
  /** Looks taken so far at each holdout, by content digest. */
  looks: z.record(z.string(), z.int()),
  candidates: z.array(z.strictObject({ index: z.int().min(0), name: z.string() })),
  accepted: z
    .strictObject({
      run: z.strictObject({ id: z.int(), attempt: z.int() }),
      /** Objects in the store: the untrusted statements. */
      data: digestSchema,
      train: z.array(digestSchema).min(1),
    })
    .nullable(),
});
export type JobPlan = z.infer<typeof jobPlanSchema>;
