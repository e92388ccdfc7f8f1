import { z } from 'zod';
import { durationSchema, notBuiltYet, onlyBuilt } from './scalars.ts';

const name = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'must be a short name such as mlp');
const learning = {
  epochs: z.int().min(1).max(10_000),
  learning_rate: z.number().positive().max(1),
  batch_size: z.int().min(1).default(128),
  /** Of numbers: what training minimises, on the standardised target. Classes are always fitted by cross entropy. */
  loss: z.enum(['mse', 'mae']).default('mse'),
  /** Weight of the sum of squared weights in the loss. */
  l2: z.number().nonnegative().default(0),
};

const anyCandidate = z.discriminatedUnion('trainer', [
  z.strictObject({ trainer: z.literal('linear'), name, ...learning }),
  z.strictObject({
    trainer: z.literal('mlp'),
    name,
    hidden: z.array(z.int().min(1).max(4096)).min(1).max(8),
    ...learning,
  }),
  /** A program of the user's, in any language, that writes `model.onnx`: docs/command-trainer.md. */
  z.strictObject({
    trainer: z.literal('command'),
    name,
    /** Program and arguments, run without a shell at the root of the checkout. */
    command: z.array(z.string().min(1).max(4096)).min(1).max(64),
    /** How the rows are handed over. */
    rows: z.enum(['parquet', 'csv']).default('parquet'),
    /** Of one fit; a candidate is fitted two or three times. */
    timeout: durationSchema.default('PT1H'),
    /** Names of variables that the program may see, beside PATH, HOME and the locale. */
    environment: z
      .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/, 'must be the name of a variable'))
      .max(32)
      .default([]),
    /** Handed over as they are. */
    params: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  }),
  z.strictObject({ trainer: notBuiltYet('trees', 'use "linear", "mlp" or "command"'), name }),
]);
export type Candidate = Extract<z.infer<typeof anyCandidate>, { trainer: 'linear' | 'mlp' | 'command' }>;
export type NetworkCandidate = Extract<Candidate, { trainer: 'linear' | 'mlp' }>;
export type CommandCandidate = Extract<Candidate, { trainer: 'command' }>;
const candidateSchema = onlyBuilt<Candidate>(anyCandidate);

/** `models/<name>/model.yml`. A file without candidates is a draft: no stage is planned. */
export const modelSchema = z.strictObject({
  version: z.literal(1),
  predictor: z.union([
    z.literal('onnx'),
    notBuiltYet('oip', 'use "onnx"'),
    notBuiltYet('predictions', 'use "onnx"'),
  ]),
  candidates: z.array(candidateSchema).max(64).default([]),
  /** Part of the configuration; never chosen by score. */
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(1),
  /** full: the served bytes are trained to the newest row of the window, and the judged bytes are their twin. */
  refit: z.enum(['none', 'full']).default('none'),
  /** Globs, from the repository's root, of what the code digest covers beside the model's folder and package locks. */
  code: z.array(z.string()).default([]),
  description: z.string().default(''),
  limitations: z.array(z.string()).default([]),
});
export type Model = z.infer<typeof modelSchema>;
