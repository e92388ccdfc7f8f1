import { z } from 'zod';
import {
  columnSchema,
  loginSchema,
  marginSchema,
  modelNameSchema,
  notBuiltYet,
  onlyBuilt,
  roleNameSchema,
} from './scalars.ts';

export const REGRESSION_METRICS = ['mae', 'rmse', 'r2', 'bias'] as const;
export const CLASSIFICATION_METRICS = ['accuracy', 'log_loss', 'auc', 'f1'] as const;
export const METRICS = [...REGRESSION_METRICS, ...CLASSIFICATION_METRICS] as const;
export type Metric = (typeof METRICS)[number];
export const metricSchema = z.enum(METRICS);

const anyTask = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('regression') }),
  z.strictObject({ kind: z.literal('binary'), positive: z.union([z.string(), z.number(), z.boolean()]) }),
  z.strictObject({ kind: z.literal('multiclass') }),
  z.strictObject({
    kind: notBuiltYet('forecasting', 'frame it as "regression" with lags as request inputs'),
  }),
  z.strictObject({ kind: notBuiltYet('anomaly', 'use "binary" with labels') }),
  z.strictObject({ kind: notBuiltYet('ranking', 'use "binary" or "regression"') }),
]);
export type Task = Extract<z.infer<typeof anyTask>, { kind: 'regression' | 'binary' | 'multiclass' }>;
const taskSchema = onlyBuilt<Task>(anyTask);

/** The rows where an input has this value: what is asked of all rows together can be missed on some of them. */
const sliceSchema = z.strictObject({
  column: columnSchema,
  value: z.union([z.string().min(1), z.number(), z.boolean()]),
});
export type Slice = z.infer<typeof sliceSchema>;

const onInconclusiveSchema = z.enum(['block', 'ask', 'pass']).default('ask');
const holdoutSchema = z.enum(['recent', 'anchor']).default('recent');

/**
 * A gate is a check that a candidate must pass. `threshold` is an absolute bound on a metric;
 * `not_worse_than` passes when the upper bound of the loss of quality is under the margin; `better_than`
 * asks that the lower bound of the gain is above 0.
 */
export const gateSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('threshold'),
    name: z.string().min(1),
    metric: metricSchema,
    at_most: z.number().optional(),
    at_least: z.number().optional(),
    /** null = all rows. */
    slice: sliceSchema.nullable().default(null),
    on: holdoutSchema,
    on_inconclusive: onInconclusiveSchema,
  }),
  z.strictObject({
    kind: z.literal('not_worse_than'),
    name: z.string().min(1),
    than: z.enum(['champion', 'trivial']),
    metric: metricSchema,
    by: marginSchema,
    on: holdoutSchema,
    on_inconclusive: onInconclusiveSchema,
  }),
  z.strictObject({
    kind: z.literal('better_than'),
    name: z.string().min(1),
    than: z.enum(['champion', 'trivial']),
    metric: metricSchema,
    on: holdoutSchema,
    on_inconclusive: onInconclusiveSchema,
  }),
]);
export type Gate = z.infer<typeof gateSchema>;

const successSchema = z.strictObject({
  metric: metricSchema,
  direction: z.enum(['minimize', 'maximize']),
  threshold: z.number(),
  /** null = all rows. */
  slice: sliceSchema.nullable().default(null),
});

/** What is done today, and how good it is in the first success metric. */
const baselineSchema = z.strictObject({
  how: z.string().default(''),
  value: z.number().nullable().default(null),
});

export const EXPLANATIONS = ['none', 'global', 'per_prediction'] as const;

/** What an error costs, in `unit` (a currency). For numbers `per` names what one unit of error is. */
const valueSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('numbers'),
    under: z.number().nonnegative(),
    over: z.number().nonnegative(),
    unit: z.string(),
    per: z.string(),
    note: z.string().default(''),
  }),
  z.strictObject({
    kind: z.literal('classes'),
    unit: z.string(),
    /** cost[actual][predicted] */
    cost: z.record(z.string(), z.record(z.string(), z.number())),
    note: z.string().default(''),
  }),
]);
export type Value = z.infer<typeof valueSchema>;

/** `models/<name>/problem.yml`: all gates of the model live here, so that loosening one needs the problem's approvers. */
export const problemSchema = z.strictObject({
  version: z.literal(1),
  model: modelNameSchema,
  title: z.string().min(1).max(200),
  objective: z.string().min(1),
  /** What somebody does differently because of a prediction. */
  decision: z.string().min(1),
  task: taskSchema,
  target: columnSchema,
  success: z.array(successSchema).min(1),
  gates: z.array(gateSchema).default([]),
  baseline: baselineSchema.prefault({}),
  value: valueSchema.nullable().default(null),
  data: z
    .strictObject({
      description: z.string().default(''),
      min_rows: z.int().min(0).default(0),
      /** What is known when a prediction is asked for: the first inputs and the first contract. */
      columns: z
        .array(z.strictObject({ name: columnSchema, type: z.enum(['number', 'category']) }))
        .default([]),
    })
    .prefault({}),
  constraints: z
    .strictObject({
      /** Checked by the canary of a rollout. */
      latency_p95_ms: z.number().positive().nullable().default(null),
      /** Of the model's bytes that would be served, in units of 1,000,000 bytes: a gate. */
      size_mb: z.number().positive().nullable().default(null),
      privacy: z.string().default(''),
      explainability: z.enum(EXPLANATIONS).default('none'),
      notes: z.string().default(''),
    })
    .prefault({}),
  stakeholders: z.array(z.strictObject({ login: loginSchema, role: roleNameSchema })).min(1),
  timeline: z.array(z.strictObject({ stage: z.string(), due: z.iso.date() })).default([]),
  risk: z.enum(['low', 'medium', 'high']).default('medium'),
  /** The issue that asked for it; 0 = none (used without the app). */
  issue: z.int().min(0).default(0),
});
export type Problem = z.infer<typeof problemSchema>;
