import { z } from 'zod';
import { dataRefSchema } from './locks.ts';
import { partSchema } from './plan.ts';
import { digestSchema, windowSchema } from './scalars.ts';
import { reasonSchema, verdictSchema } from './verdict.ts';

/** What the data stage found: the result of its evidence. */
export const dataResultSchema = z.strictObject({
  sources: z.array(
    z.strictObject({ name: z.string(), kind: z.string(), ...dataRefSchema.shape, rows: z.int() }),
  ),
  /** Digest over all SQL steps in order. */
  steps_digest: digestSchema,
  steps: z.array(z.strictObject({ path: z.string(), sql: digestSchema, rows: z.int() })),
  output: dataRefSchema,
  rows: z.int(),
  columns: z.array(z.strictObject({ name: z.string(), type: z.string() })),
  /** Object: the reference profile (lib/data/profile) of the full training rows. */
  profile: digestSchema,
  contract: z.strictObject({ verdict: verdictSchema, reasons: z.array(reasonSchema) }),
  window: windowSchema.nullable(),
  /** Rows for the twin without validation, the validation part, all of the window, and the holdouts. */
  parts: z.strictObject({
    train: partSchema,
    validation: partSchema,
    full: partSchema,
    recent: partSchema,
    /** The same holdout rows through the champion's own pipeline; null without a champion. */
    recent_champion: partSchema.nullable(),
    anchor: partSchema.nullable(),
    anchor_champion: partSchema.nullable(),
  }),
  notes: z.array(z.string()),
});
export type DataResult = z.infer<typeof dataResultSchema>;
