import { z } from 'zod';
import { inputDigestsSchema, jobPlanSchema } from './plan.ts';
import {
  digestSchema,
  environmentNameSchema,
  gitShaSchema,
  instantSchema,
  loginSchema,
  modelNameSchema,
  semverSchema,
} from './scalars.ts';
import { verdictSchema } from './verdict.ts';

/** Records on branch `roundhouse`, beside deployment records and evidence. */

const what = { model: modelNameSchema, pull_request: z.int().nullable() };

/**
 * `claims/<sha256 of key>.json`: a run that the app asked for. It is written before the dispatch, so that a
 * lost answer is recovered by the request id in the run's title; evidence counts only from `run`.
 */
export const requestRecordSchema = z.strictObject({
  kind: z.literal('roundhouse-request'),
  key: z.string(),
  request_id: z.string().regex(/^[0-9a-f-]{8,64}$/),
  ...what,
  /** File name below `.github/workflows/`. */
  workflow: z.string(),
  ref: z.string(),
  inputs: z.record(z.string(), z.string()),
  at: instantSchema,
  /** Whose command asked for it: somebody who causes a candidate doesn't approve it. */
  asked_by: loginSchema.nullable().default(null),
  /** Which installation of the app dispatches it; another one only once the lease has run out. */
  owner: z.string().default(''),
  lease_until: instantSchema.nullable().default(null),
  run: z.int().nullable(),
  /**
   * How the last attempt that was looked at ended; null while it goes on. `superseded`: nothing asks for it any
   * more; `cancelled`: a person stopped it. Evidence of either is not taken, however late it comes. `lost`: its
   * runner went away.
   */
  settled: z
    .strictObject({
      attempt: z.int(),
      outcome: z.enum(['evidence', 'fault', 'superseded', 'cancelled', 'lost']),
      note: z.string(),
    })
    .nullable(),
});
export type RequestRecord = z.infer<typeof requestRecordSchema>;

/** `requests/<pull request>/<sha256 of key>.json`: there as long as the request is not settled. */
export const openRequestSchema = z.strictObject({
  kind: z.literal('roundhouse-open-request'),
  key: z.string(),
});

/** `dispatches/<request id>.json`: which request a run was dispatched for, where no pull request names it. */
export const dispatchSchema = z.strictObject({ kind: z.literal('roundhouse-dispatch'), key: z.string() });

/** `cancels/<pull request>/<comment id>.json`: a person stopped these runs, and none that was asked for later. */
export const cancelRecordSchema = z.strictObject({
  kind: z.literal('roundhouse-cancel'),
  pull_request: z.int(),
  login: loginSchema,
  comment: z.int(),
  /** Keys of the requests that were open. */
  requests: z.array(z.string()).min(1),
  at: instantSchema,
});
export type CancelRecord = z.infer<typeof cancelRecordSchema>;

/**
 * `updates/<pull request>/<comment id>.json`: a person had the app commit to the branch (`/update`: the base merged,
 * `/train`: other parameters), and so causes what comes.
 */
export const updateRecordSchema = z.strictObject({
  kind: z.literal('roundhouse-update'),
  pull_request: z.int(),
  login: loginSchema,
  comment: z.int(),
  /** What the app committed. */
  commit: gitShaSchema,
  at: instantSchema,
});
export type UpdateRecord = z.infer<typeof updateRecordSchema>;

/** `claims/<sha256 of key>.json`: something that must happen once. The same owner may go on after a crash. */
export const claimRecordSchema = z.strictObject({
  kind: z.literal('roundhouse-claim'),
  key: z.string(),
  owner: z.string(),
  /** Counts those who held the claim: only who holds it now may say what came of it (a fencing token). */
  token: z.int().min(1).default(1),
  at: instantSchema,
  lease_until: instantSchema,
  /** What came of it, such as an issue number; null until it is done. */
  outcome: z.string().nullable(),
});
export type ClaimRecord = z.infer<typeof claimRecordSchema>;

/** `claims/<sha256 of override:<candidate>:<n>>.json`: which override had the n-th turn of a candidate. */
export const turnRecordSchema = z.strictObject({ kind: z.literal('roundhouse-turn'), record: z.string() });
export type TurnRecord = z.infer<typeof turnRecordSchema>;

const judged = {
  request_id: z.string(),
  digests: inputDigestsSchema,
  /** Candidate digest of the model in force that it was compared with. */
  champion: digestSchema.nullable(),
  plan: digestSchema,
  /** The branch that the pull request was proposed to; null = the default branch. */
  base: z.string().nullable().default(null),
};

/** `runs/<model>/<run>-<attempt>.json`: evidence that was taken from one run. Digests name evidence files. */
export const runRecordSchema = z.discriminatedUnion('stage', [
  z.strictObject({
    kind: z.literal('roundhouse-run'),
    stage: z.literal('train'),
    ...what,
    ...judged,
    run: z.strictObject({ id: z.int(), attempt: z.int() }),
    at: instantSchema,
    data: digestSchema,
    /** Empty where the data broke their contract: then nothing was trained. */
    train: z.array(digestSchema),
    /** Rows that problem.yml asked for when the contract was checked. */
    min_rows: z.int().min(0).default(0),
  }),
  z.strictObject({
    kind: z.literal('roundhouse-run'),
    stage: z.literal('evaluate'),
    ...what,
    ...judged,
    run: z.strictObject({ id: z.int(), attempt: z.int() }),
    at: instantSchema,
    accepted: jobPlanSchema.shape.accepted.unwrap(),
    evaluate: digestSchema,
    candidate: digestSchema,
  }),
]);
export type RunRecord = z.infer<typeof runRecordSchema>;
export type TrainRecord = Extract<RunRecord, { stage: 'train' }>;
export type EvaluateRecord = Extract<RunRecord, { stage: 'evaluate' }>;

/**
 * `registrations/<model>/<version>.json`: a version that the app gave to what was judged and approved. It is
 * written before the tag: anybody with write permission can push a tag, and one without this record is foreign.
 */
export const registrationRecordSchema = z.strictObject({
  kind: z.literal('roundhouse-registration'),
  model: modelNameSchema,
  version: semverSchema,
  candidate: digestSchema,
  bundle: digestSchema,
  commit: gitShaSchema,
  at: instantSchema,
});
export type RegistrationRecord = z.infer<typeof registrationRecordSchema>;

/** `approvals/<digest>/<comment id>.json`: an approval that counted when it was given. */
export const approvalRecordSchema = z.strictObject({
  kind: z.literal('roundhouse-approval'),
  /** What is approved: a problem digest or a candidate digest. */
  digest: digestSchema,
  comment: z.int(),
  issue: z.int(),
  login: loginSchema,
  roles: z.array(z.string()),
  at: instantSchema,
  url: z.string(),
});
export type ApprovalRecord = z.infer<typeof approvalRecordSchema>;

/** `asks/<digest>.json`: when people were asked for the first time to approve this digest. */
export const askRecordSchema = z.strictObject({
  kind: z.literal('roundhouse-ask'),
  digest: digestSchema,
  issue: z.int(),
  at: instantSchema,
});
export type AskRecord = z.infer<typeof askRecordSchema>;

/** `holds/<issue>.json`: the last hold or objection, or that it was lifted. */
export const holdRecordSchema = z.strictObject({
  kind: z.literal('roundhouse-hold'),
  issue: z.int(),
  held: z.boolean(),
  login: loginSchema,
  reason: z.string(),
  comment: z.int(),
  /** Comments that held or lifted before it, so that one whose handling was killed half-way is told from one too late. */
  earlier: z.array(z.int()).default([]),
  at: instantSchema,
});
export type HoldRecord = z.infer<typeof holdRecordSchema>;

/**
 * `frozen/<candidate>.json`: a `/rollback` took this candidate out of service. It is neither deployed nor
 * registered until somebody lifts that.
 */
export const freezeRecordSchema = z.strictObject({
  kind: z.literal('roundhouse-freeze'),
  model: modelNameSchema,
  candidate: digestSchema,
  version: semverSchema,
  /** The environment that the command was about; where others serve the candidate, they go back too. */
  environment: environmentNameSchema,
  /** What serves in its place. */
  to: z.strictObject({ version: semverSchema, candidate: digestSchema }),
  /** Number of the rollout that was under way there and that the command ends. */
  ends: z.int().nullable(),
  login: loginSchema,
  issue: z.int(),
  comment: z.int(),
  url: z.string(),
  at: instantSchema,
  lifted: z
    .strictObject({ login: loginSchema, reason: z.string(), comment: z.int(), at: instantSchema })
    .nullable(),
});
export type FreezeRecord = z.infer<typeof freezeRecordSchema>;

/** `overrides/<candidate>/<comment id>.json`: people pass one gate of one candidate, for a time (`/override`). */
export const overrideRecordSchema = z.strictObject({
  kind: z.literal('roundhouse-override'),
  model: modelNameSchema,
  candidate: digestSchema,
  gate: z.string(),
  verdict: z.enum(['failed', 'inconclusive']),
  reason: z.string(),
  /** Whoever said so; none of them approves the candidate. */
  people: z.array(loginSchema).min(1),
  pull_request: z.int(),
  comment: z.int(),
  url: z.string(),
  at: instantSchema,
  /** From then on the gate stands again, unless a version was made of the candidate. */
  expires: instantSchema,
});
export type OverrideRecord = z.infer<typeof overrideRecordSchema>;

/** `promotions/<model>/<environment>/<comment id>.json`: what an environment with `promotes_from` is to serve. */
export const promotionRecordSchema = z.strictObject({
  kind: z.literal('roundhouse-promotion'),
  model: modelNameSchema,
  environment: environmentNameSchema,
  /** Where it served when it was promoted. */
  from: environmentNameSchema,
  version: semverSchema,
  candidate: digestSchema,
  people: z.array(loginSchema).min(1),
  comment: z.int(),
  url: z.string(),
  at: instantSchema,
});
export type PromotionRecord = z.infer<typeof promotionRecordSchema>;

/** `forks/<pull request>/<comment id>.json`: one commit of a fork that may run here (`/ok-to-train`). */
export const forkRecordSchema = z.strictObject({
  kind: z.literal('roundhouse-fork'),
  /** The fork's own pull request. */
  fork: z.int(),
  sha: gitShaSchema,
  author: loginSchema,
  /** Who let it in. */
  login: loginSchema,
  comment: z.int(),
  url: z.string(),
  at: instantSchema,
});
export type ForkRecord = z.infer<typeof forkRecordSchema>;

/** `procedures/<model>/<digest>.json`: what was offered for a standing approval, part by part. */
export const procedureRecordSchema = z.strictObject({
  kind: z.literal('roundhouse-procedure'),
  model: modelNameSchema,
  digest: digestSchema,
  parts: z.record(z.string(), digestSchema),
});
export type ProcedureRecord = z.infer<typeof procedureRecordSchema>;

/** `standing/<procedure>/<candidate>.json`: a version was made by a standing approval. */
export const standingUseSchema = z.strictObject({
  kind: z.literal('roundhouse-standing-use'),
  procedure: digestSchema,
  model: modelNameSchema,
  version: semverSchema,
  candidate: digestSchema,
  people: z.array(loginSchema),
  at: instantSchema,
});
export type StandingUse = z.infer<typeof standingUseSchema>;

/** `monitor/<model>/YYYY/MM/DD.json`: one window, by its `as_of`, once; `DD-asked-<run>.json` where somebody asked for the look. */
export const monitorRecordSchema = z.strictObject({
  kind: z.literal('roundhouse-monitor'),
  model: modelNameSchema,
  environment: environmentNameSchema,
  as_of: instantSchema,
  run: z.strictObject({ id: z.int(), attempt: z.int() }),
  commit: gitShaSchema,
  asked_by: loginSchema.nullable().default(null),
  monitor: digestSchema,
  retrain: digestSchema.nullable(),
  decay: verdictSchema,
  drift: z.enum(['stable', 'inconclusive', 'drifted']),
  decision: z.enum(['open', 'none']).nullable(),
  at: instantSchema,
});
export type MonitorRecord = z.infer<typeof monitorRecordSchema>;
