import { z } from 'zod';
import { signatureSchema } from './bundle.ts';
import { dataResultSchema } from './data-evidence.ts';
import { partSchema } from './plan.ts';
import { metricSchema } from './problem.ts';
import { PHASES } from './rollout.ts';
import {
  digestSchema,
  environmentNameSchema,
  instantSchema,
  modelNameSchema,
  semverSchema,
  windowSchema,
} from './scalars.ts';
import { servingStateSchema } from './serving.ts';
import { reasonSchema, verdictSchema } from './verdict.ts';

/** Evidence is an in-toto Statement v1: subject = digests, predicate = what one stage found. */
export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
export const EVIDENCE_MAX_BYTES = 256 * 1024;
export const EVIDENCE_STAGES = ['data', 'train', 'evaluate', 'deploy', 'monitor', 'retrain'] as const;
export type EvidenceStage = (typeof EVIDENCE_STAGES)[number];
export function predicateType(stage: EvidenceStage): string {
  return `https://roundhouse.dev/evidence/${stage}/v1`;
}

/** An estimate with the bounds of its confidence interval; null bounds = too few units to tell. */
const estimateSchema = z.strictObject({
  estimate: z.number(),
  lower: z.number().nullable(),
  upper: z.number().nullable(),
});
export type Estimate = z.infer<typeof estimateSchema>;

const runSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('actions'), repository: z.string(), id: z.int(), attempt: z.int() }),
  z.strictObject({ kind: z.literal('local'), id: z.string() }),
]);
export type RunIdentity = z.infer<typeof runSchema>;

const common = {
  model: modelNameSchema,
  /** The plan or deployment record it was made for; null where nobody dispatched it. */
  plan: digestSchema.nullable(),
  run: runSchema,
  started_at: instantSchema,
  finished_at: instantSchema,
  machine: z.strictObject({ roundhouse: z.string(), node: z.string(), platform: z.string(), cpus: z.int() }),
};

// ---- train
export const trainResultSchema = z.strictObject({
  candidate: z.strictObject({
    index: z.int(),
    name: z.string(),
    trainer: z.string(),
    params: z.record(z.string(), z.unknown()),
  }),
  seed: z.int(),
  /** The TensorFlow.js backend that really ran, or the program of a command. */
  backend: z.string(),
  data: digestSchema,
  /** Score on the validation part of a fit that did not see it; the lowest loss wins the search. */
  validation: z.strictObject({ metric: metricSchema, value: z.number(), rows: z.int() }),
  refit: z.enum(['none', 'full']),
  twin: z.strictObject({ model: digestSchema, rows: z.int() }),
  served: z.strictObject({ model: digestSchema, rows: z.int() }),
  signature: signatureSchema,
  /** Sorted digests of the keys of every row that either fit saw: an object. */
  seen: digestSchema,
  /** Trainer against ONNX at export; null where a command said nothing of its own predictions. */
  parity: z
    .strictObject({
      rows: z.int(),
      max_abs_difference: z.number(),
      rtol: z.number(),
      atol: z.number(),
    })
    .nullable(),
  /** Training loss per epoch of the served fit, at most 200 points; empty where a command reported none. */
  curve: z.array(z.number()).max(200),
});
export type TrainResult = z.infer<typeof trainResultSchema>;

// ---- evaluate
const comparisonSchema = z.strictObject({
  metric: metricSchema,
  candidate: estimateSchema,
  trivial: estimateSchema,
  champion: estimateSchema.nullable(),
  /** Loss of the candidate minus loss of the other on the same rows, paired; below 0 = the candidate is better. */
  candidate_minus_trivial: estimateSchema,
  candidate_minus_champion: estimateSchema.nullable(),
});
export type Comparison = z.infer<typeof comparisonSchema>;

export const holdoutResultSchema = z.strictObject({
  part: partSchema,
  /** Rows judged: those that both pipelines keep and no model was trained on. */
  rows: z.int(),
  dropped: z.strictObject({ candidate: z.int(), champion: z.int(), seen: z.int() }),
  /**
   * What was resampled for the comparison that decides: the first metric's, with the champion or else with the
   * trivial baseline. Other figures may need longer blocks: each has those of its own summand.
   */
  unit: z.strictObject({ kind: z.enum(['row', 'group', 'block']), length: z.string(), count: z.int() }),
  confidence: z.number(),
  comparisons: z.array(comparisonSchema),
  /** Which look at this holdout this is, counted from 1. */
  look: z.int(),
});
export type HoldoutResult = z.infer<typeof holdoutResultSchema>;

export const gateResultSchema = z.strictObject({
  name: z.string(),
  kind: z.string(),
  verdict: verdictSchema,
  on_inconclusive: z.enum(['block', 'ask', 'pass']),
  expected: z.string(),
  actual: z.string(),
});
export type GateResult = z.infer<typeof gateResultSchema>;

export const evaluateResultSchema = z.strictObject({
  data: digestSchema,
  /** The search: every candidate's validation score; `winner` is the index that met the holdout. */
  search: z.array(
    z.strictObject({ index: z.int(), name: z.string(), metric: metricSchema, value: z.number() }),
  ),
  winner: z.int(),
  trainer: z.string(),
  refit: z.enum(['none', 'full']),
  twin: digestSchema,
  served: digestSchema,
  bundle: digestSchema,
  seen: digestSchema,
  signature: signatureSchema,
  recent: holdoutResultSchema,
  anchor: holdoutResultSchema.nullable(),
  /** Mean absolute difference between served bytes and twin on the recent holdout, in the target's unit; null where refit is none. */
  refit_disagreement: z.number().nullable(),
  slices: z.array(
    z.strictObject({
      column: z.string(),
      value: z.string(),
      rows: z.int(),
      metric: metricSchema,
      estimate: estimateSchema,
    }),
  ),
  importance: z.array(z.strictObject({ column: z.string(), increase: z.number() })),
  /** Money per 1,000 predictions on the recent holdout. */
  value: z
    .strictObject({
      unit: z.string(),
      candidate: estimateSchema,
      trivial: estimateSchema,
      champion: estimateSchema.nullable(),
    })
    .nullable(),
  gates: z.array(gateResultSchema),
  verdict: verdictSchema,
});
export type EvaluateResult = z.infer<typeof evaluateResultSchema>;

// ---- deploy
export const deployResultSchema = z.strictObject({
  environment: environmentNameSchema,
  version: semverSchema,
  action: z.enum(['start', 'step', 'rollback']),
  /** Phase and step that the rollout is in after this action. */
  phase: z.enum(PHASES),
  step: z.int(),
  verdict: verdictSchema,
  reasons: z.array(reasonSchema),
  state: servingStateSchema.nullable(),
});
export type DeployResult = z.infer<typeof deployResultSchema>;

// ---- monitor
export const driftColumnSchema = z.strictObject({
  column: z.string(),
  role: z.enum(['input', 'prediction', 'target']),
  verdict: z.enum(['stable', 'inconclusive', 'drifted']),
  /** Population stability index, bias-corrected, with its interval; and its upper bound under the reference's own past windows. */
  psi: estimateSchema,
  psi_null: z.number(),
  ks: z.number().nullable(),
  /** p value against the block null, before the false-discovery control. */
  p: z.number(),
  missing: z.strictObject({ reference: z.number(), current: z.number() }),
  /** True where the reference's own past windows of the same length move as much: season, not decay. */
  seasonal: z.boolean(),
});
export type DriftColumn = z.infer<typeof driftColumnSchema>;

export const monitorResultSchema = z.strictObject({
  environment: environmentNameSchema,
  as_of: instantSchema,
  window: windowSchema,
  /** Objects: predictions joined with labels (Parquet), as a source of data.yml. */
  snapshot: digestSchema,
  versions: z.array(z.strictObject({ version: semverSchema, predictions: z.int() })),
  predictions: z.int(),
  labels: z.strictObject({
    matured: z.int(),
    labelled: z.int(),
    coverage: z.number(),
    state: z.enum(['pending', 'ready']),
  }),
  drift: z.array(driftColumnSchema),
  drift_verdict: z.enum(['stable', 'inconclusive', 'drifted']),
  /** Error on matured labels of what was served, with the metric's threshold and the serving version's holdout figure. */
  performance: z.array(
    z.strictObject({
      metric: metricSchema,
      served: estimateSchema,
      trivial: z.number().nullable(),
      reference: z.number().nullable(),
      threshold: z.number().nullable(),
      unit: z.strictObject({ kind: z.enum(['row', 'group', 'block']), length: z.string(), count: z.int() }),
    }),
  ),
  /**
   * What the first version, the one people started from, would have made of the same labelled rows: the loss
   * that retraining has spared, or not. Right only where predictions do not change what happens.
   */
  replay: z.array(z.strictObject({ version: semverSchema, metric: metricSchema, estimate: estimateSchema })),
  value: z.strictObject({ unit: z.string(), served: estimateSchema }).nullable(),
  decay: verdictSchema,
  reasons: z.array(reasonSchema),
});
export type MonitorResult = z.infer<typeof monitorResultSchema>;

// ---- retrain
export const retrainResultSchema = z.strictObject({
  as_of: instantSchema,
  decision: z.enum(['open', 'none']),
  /** Whose `/retrain` it answers; null = the schedule's. */
  asked_by: z.string().nullable().default(null),
  /** Why: one line per trigger, cooldown and budget. */
  reasons: z.array(reasonSchema),
  /** What the pull request changes in data.yml. */
  change: z
    .strictObject({
      window: z.strictObject({ last: z.string(), until: instantSchema }),
      snapshots: z.record(z.string(), digestSchema),
    })
    .nullable(),
  /** Digest of the monitor statement that it was decided on. */
  monitor: digestSchema,
});
export type RetrainResult = z.infer<typeof retrainResultSchema>;

const predicates = {
  data: z.strictObject({ ...common, result: dataResultSchema }),
  train: z.strictObject({ ...common, result: trainResultSchema }),
  evaluate: z.strictObject({ ...common, result: evaluateResultSchema }),
  deploy: z.strictObject({ ...common, result: deployResultSchema }),
  monitor: z.strictObject({ ...common, result: monitorResultSchema }),
  retrain: z.strictObject({ ...common, result: retrainResultSchema }),
} satisfies Record<EvidenceStage, z.ZodType>;

const subjectSchema = z.array(
  z.strictObject({
    name: z.string().min(1).max(200),
    digest: z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  }),
);

function statement<Stage extends EvidenceStage>(stage: Stage) {
  return z.strictObject({
    _type: z.literal(STATEMENT_TYPE),
    subject: subjectSchema,
    predicateType: z.literal(predicateType(stage)),
    predicate: predicates[stage],
  });
}

/** One strict schema per stage; an untrusted statement is parsed by the schema of the stage that was expected. */
export const statementSchemas = {
  data: statement('data'),
  train: statement('train'),
  evaluate: statement('evaluate'),
  deploy: statement('deploy'),
  monitor: statement('monitor'),
  retrain: statement('retrain'),
};
export type Statement<Stage extends EvidenceStage = EvidenceStage> = z.infer<
  (typeof statementSchemas)[Stage]
>;
