import { z } from 'zod';
import { strategySchema } from './operate.ts';
import { targetSchema } from './policy.ts';
import {
  digestSchema,
  environmentNameSchema,
  instantSchema,
  modelNameSchema,
  semverSchema,
} from './scalars.ts';
import { VERDICTS } from './verdict.ts';

export const PHASES = [
  'pending',
  'progressing',
  'paused',
  'promoting',
  'succeeded',
  'aborted',
  'rolled-back',
] as const;
export type Phase = (typeof PHASES)[number];

const releaseSchema = z.strictObject({
  version: semverSchema,
  candidate: digestSchema,
  bundle: digestSchema,
  model: digestSchema,
});
export type Release = z.infer<typeof releaseSchema>;

/** `deployments/<model>/<environment>/<n>.json` on branch `roundhouse`: the state of one rollout. */
export const deploymentRecordSchema = z.strictObject({
  kind: z.literal('roundhouse-deployment'),
  n: z.int().min(1),
  model: modelNameSchema,
  environment: environmentNameSchema,
  /** Commit on the default branch whose locks it deploys. */
  commit: z.string(),
  release: releaseSchema,
  /** What served before; null on the first deployment. */
  previous: releaseSchema.nullable(),
  strategy: strategySchema,
  target: targetSchema,
  phase: z.enum(PHASES),
  /** Index into strategy.steps while progressing. */
  step: z.int().min(0),
  step_started_at: instantSchema.nullable(),
  github_deployment: z.int().nullable(),
  history: z.array(
    z.strictObject({
      at: instantSchema,
      phase: z.enum(PHASES),
      verdict: z.enum(VERDICTS).nullable(),
      note: z.string(),
      run: z.int().nullable(),
    }),
  ),
});
export type DeploymentRecord = z.infer<typeof deploymentRecordSchema>;

/** What one dispatched deploy job is asked to do (workflow input `action`). */
export const DEPLOY_ACTIONS = ['start', 'step', 'rollback'] as const;
export type DeployAction = (typeof DEPLOY_ACTIONS)[number];
