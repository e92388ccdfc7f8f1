import { z } from 'zod';
import { metricSchema } from './problem.ts';
import { durationSchema, environmentNameSchema, marginSchema, notBuiltYet, onlyBuilt } from './scalars.ts';

const anyStrategy = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('canary'),
    steps: z
      .array(
        z.strictObject({
          /** Percent of requests that the new version answers. */
          weight: z.int().min(1).max(99),
          /** Requests to the new version before it is judged. */
          min_requests: z.int().min(1).default(200),
          /** Wall-clock time after which the step is judged with what there is; too little is inconclusive. */
          max_duration: durationSchema.default('PT15M'),
        }),
      )
      .min(1)
      .max(10),
    checks: z
      .strictObject({
        max_error_rate: z.number().min(0).max(1).default(0.01),
        max_latency_p95_ms: z.number().positive().default(250),
      })
      .prefault({}),
  }),
  z.strictObject({ kind: notBuiltYet('blue-green', 'use "canary"') }),
  z.strictObject({ kind: notBuiltYet('shadow', 'use "canary"') }),
]);
export type Strategy = Extract<z.infer<typeof anyStrategy>, { kind: 'canary' }>;
export const strategySchema = onlyBuilt<Strategy>(anyStrategy);

const anyTrigger = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('labelled_loss'),
    metric: metricSchema,
    /**
     * `threshold`: the lower bound of the loss is over the problem's success threshold.
     * `reference`: the lower bound of loss / reference holdout loss is over 1 + `by`.
     */
    worse_than: z.enum(['threshold', 'reference']),
    by: marginSchema.default('0%'),
  }),
  z.strictObject({ kind: notBuiltYet('estimated_loss', 'use "labelled_loss"') }),
  z.strictObject({ kind: notBuiltYet('age', 'use "labelled_loss"') }),
  z.strictObject({ kind: notBuiltYet('new_labels', 'use "labelled_loss"') }),
  z.strictObject({ kind: notBuiltYet('business_loss', 'use "labelled_loss"') }),
]);
export type Trigger = Extract<z.infer<typeof anyTrigger>, { kind: 'labelled_loss' }>;
const triggerSchema = onlyBuilt<Trigger>(anyTrigger);

/** `models/<name>/operate.yml`: stages 4 to 6. */
export const operateSchema = z.strictObject({
  version: z.literal(1),
  deployment: z.strictObject({
    environments: z.array(environmentNameSchema).min(1),
    strategy: strategySchema,
  }),
  monitoring: z
    .strictObject({
      /** Length of the window that is looked at, by event_time. */
      window: durationSchema.default('P90D'),
      drift: z
        .strictObject({
          /** A column has drifted when the lower bound of its bias-corrected PSI is over this. */
          psi: z.number().positive().default(0.2),
          /** Share of false discoveries allowed over the columns (Benjamini & Hochberg 1995). */
          fdr: z.number().gt(0).lt(1).default(0.05),
        })
        .prefault({}),
    })
    .prefault({}),
  retraining: z
    .strictObject({
      when: z.enum(['any', 'all']).default('any'),
      triggers: z.array(triggerSchema).default([]),
      /** In data time, from the last retraining decision that opened a pull request. */
      cooldown: durationSchema.default('P30D'),
      /** Training window of the pull request that is opened. */
      window: durationSchema.default('P90D'),
    })
    .prefault({}),
});
export type Operate = z.infer<typeof operateSchema>;
