import { z } from 'zod';
import {
  digestSchema,
  environmentNameSchema,
  instantSchema,
  modelNameSchema,
  semverSchema,
} from './scalars.ts';

/**
 * The supervisor's control interface (bearer token):
 *   GET  /v1/environments                                    -> {environments: [{name, url}]}  (the routers' addresses)
 *   PUT  /v1/environments/:environment/models/:model          ServingSpec -> 200 ServingState | 409/422 {message}; idempotent;
 *        all or nothing: when a version can't be loaded the former state keeps serving
 *   GET  /v1/environments/:environment/models/:model          -> 200 ServingState | 404
 * A router answers Open Inference Protocol v2 for its environment. Request header `x-roundhouse-version`
 * pins one version (golden replay through the serving path; such requests are not logged as predictions).
 */
export const servedVersionSchema = z.strictObject({
  version: semverSchema,
  candidate: digestSchema,
  bundle: digestSchema,
  /** sha256 of model.onnx: other bytes are refused at load. */
  model: digestSchema,
  weight: z.int().min(0).max(100),
});
export type ServedVersion = z.infer<typeof servedVersionSchema>;

export const servingSpecSchema = z.strictObject({
  model: modelNameSchema,
  environment: environmentNameSchema,
  versions: z.array(servedVersionSchema).min(1).max(4),
});
export type ServingSpec = z.infer<typeof servingSpecSchema>;

const latencySchema = z.strictObject({
  p50: z.number(),
  p95: z.number(),
  /** 99 % lower bound of the p95 that stays valid however often it is looked at; 0 = nothing known. */
  p95_lower: z.number(),
  p99: z.number(),
});

export const servingStateSchema = z.strictObject({
  model: modelNameSchema,
  environment: environmentNameSchema,
  /** Address of the environment's router. */
  url: z.string(),
  /** The supervisor's clock, which `since` was taken from. */
  now: instantSchema,
  versions: z.array(
    z.strictObject({
      ...servedVersionSchema.shape,
      ready: z.boolean(),
      /** When this version got its present weight. */
      since: instantSchema,
      /** Counted since then, or since the supervisor's last start where that is later. */
      requests: z.int().min(0),
      errors: z.int().min(0),
      latency_ms: latencySchema.nullable(),
    }),
  ),
});
export type ServingState = z.infer<typeof servingStateSchema>;

/** One line of `<log root>/<model>/<environment>/predictions/<event date>.jsonl`. */
export const predictionRecordSchema = z.strictObject({
  /** `<request id>:<row index>` */
  id: z.string(),
  model: modelNameSchema,
  environment: environmentNameSchema,
  version: semverSchema,
  event_time: instantSchema,
  logged_at: instantSchema,
  inputs: z.record(z.string(), z.union([z.number(), z.string(), z.null()])),
  /** First output of the row: one number for regression, a probability per class else. */
  prediction: z.array(z.number()),
  /** Of a class model: what each probability is of. Versions may know other classes; older logs lack it. */
  classes: z.array(z.union([z.string(), z.number(), z.boolean()])).optional(),
  latency_ms: z.number(),
});
export type PredictionRecord = z.infer<typeof predictionRecordSchema>;

/** One line of `<log root>/<model>/<environment>/feedback/<event date>.jsonl`. */
export const feedbackRecordSchema = z.strictObject({
  id: z.string(),
  label: z.union([z.number(), z.string(), z.boolean()]),
  /** When the label became known; default: when it was logged. */
  event_time: instantSchema,
  logged_at: instantSchema,
});
export type FeedbackRecord = z.infer<typeof feedbackRecordSchema>;
