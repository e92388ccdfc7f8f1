import { z } from 'zod';
import { durationMs } from './duration.ts';
import { type Strategy, strategySchema } from './operate.ts';
import { targetSchema } from './policy.ts';
import {
  digestSchema,
  environmentNameSchema,
  instantSchema,
  modelNameSchema,
  semverSchema,
} from './scalars.ts';
import type { ServedVersion } from './serving.ts';
import { type Reason, type Verdict, verdictSchema } from './verdict.ts';

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
  /** The `/rollback` that asked for it: all traffic goes to the release at once. Null = what the locks ask for. */
  rollback: z.strictObject({ login: z.string(), comment: z.int() }).nullable().default(null),
  history: z.array(
    z.strictObject({
      at: instantSchema,
      phase: z.enum(PHASES),
      verdict: verdictSchema.nullable(),
      note: z.string(),
      run: z.int().nullable(),
    }),
  ),
});
export type DeploymentRecord = z.infer<typeof deploymentRecordSchema>;

/** What one dispatched deploy job is asked to do (workflow input `action`). */
export const DEPLOY_ACTIONS = ['start', 'step', 'rollback'] as const;
export type DeployAction = (typeof DEPLOY_ACTIONS)[number];

/** Where a passed step leads. */
export function afterPassed(record: DeploymentRecord): Pick<DeploymentRecord, 'phase' | 'step'> {
  const last = canaryOf(record).steps.length - 1;
  if (record.step >= last) return { phase: 'succeeded', step: record.step };
  return { phase: 'progressing', step: record.step + 1 };
}

/**
 * Where a rollout goes once its version is loaded and has answered the golden rows. All traffic at once where there
 * is nothing to compare with, and where people took what serves out of service: it has served before.
 */
export function afterStart(record: DeploymentRecord): Pick<DeploymentRecord, 'phase' | 'step'> {
  const isAtOnce = record.previous === null || record.rollback !== null;
  return { phase: isAtOnce ? 'succeeded' : 'progressing', step: 0 };
}

/** Shares of traffic in the record's phase and step. Staged (pending), the new version is loaded and gets none. */
export function weightsOf(record: DeploymentRecord): ServedVersion[] {
  const { release, previous, phase } = record;
  const withdrawn = phase === 'aborted' || phase === 'rolled-back';
  if (phase === 'succeeded') return [{ ...release, weight: 100 }];
  if (previous === null) return [{ ...release, weight: 0 }];
  if (withdrawn) return [{ ...previous, weight: 100 }];
  const weight = phase === 'pending' ? 0 : stepOf(record).weight;
  return [
    { ...previous, weight: 100 - weight },
    { ...release, weight },
  ];
}

/**
 * How the target stands to the record. A job that died after it had set the weights leaves it ahead:
 * `passed` or `failed` is what that job had judged, and is not judged twice.
 */
export function standing(
  record: DeploymentRecord,
  serving: readonly ServedVersion[],
): 'recorded' | 'passed' | 'failed' | 'other' {
  const after = (next: Pick<DeploymentRecord, 'phase' | 'step'>) => weightsOf({ ...record, ...next });
  if (sameWeights(serving, weightsOf(record))) return 'recorded';
  const passed = record.phase === 'pending' ? afterStart(record) : afterPassed(record);
  if (sameWeights(serving, after(passed))) return 'passed';
  const isStarted = record.phase !== 'pending' && record.previous !== null;
  if (isStarted && sameWeights(serving, after({ phase: 'rolled-back', step: record.step }))) return 'failed';
  return 'other';
}

function sameWeights(one: readonly ServedVersion[], other: readonly ServedVersion[]): boolean {
  const text = (versions: readonly ServedVersion[]) =>
    versions
      .map(({ version, candidate, bundle, model, weight }) =>
        [version, candidate, bundle, model, weight].join(),
      )
      .toSorted()
      .join(';');
  return text(one) === text(other);
}

/** What a deploy job's evidence says of the rollout. */
type Found = {
  environment: string;
  version: string;
  phase: Phase;
  step: number;
  verdict: Verdict;
  reasons: readonly Reason[];
};

/** Folds what a deploy job found into the record. A run that was folded already changes nothing. */
export function advance(
  record: DeploymentRecord,
  result: Found,
  at: string,
  run: number | null,
): DeploymentRecord {
  if (run !== null && record.history.some((entry) => entry.run === run)) return record;
  if (result.version !== record.release.version || result.environment !== record.environment) {
    throw new TypeError(
      `evidence for ${result.version} in ${result.environment} does not belong to the rollout of ${record.release.version} in ${record.environment}`,
    );
  }
  const { phase, step, verdict } = result;
  const moved = phase !== record.phase || step !== record.step;
  const isTimed = phase === 'progressing' || phase === 'paused';
  return {
    ...record,
    phase,
    step,
    step_started_at: !isTimed ? null : moved && phase === 'progressing' ? at : record.step_started_at,
    history: [...record.history, { at, phase, verdict, note: noteOf(result), run }],
  };
}

function noteOf({ verdict, reasons }: Found): string {
  const telling = reasons.filter((reason) => reason.verdict === verdict);
  return telling.map(({ rule, actual }) => `${rule}: ${actual}`).join('; ');
}

/** How often a step is looked at: ten times within its longest duration, at most once in two seconds. */
const LOOKS = 10;
const SHORTEST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 60_000;

/** What to dispatch now. `wait`: look again later. `none`: it is over, or a person's turn. */
export function nextAction(record: DeploymentRecord, now: string): DeployAction | 'wait' | 'none' {
  if (record.phase === 'pending') return 'start';
  if (record.phase !== 'progressing' && record.phase !== 'promoting') return 'none';
  const looked = record.history.at(-1)?.at ?? record.step_started_at;
  if (looked === null || looked === undefined) return 'step';
  const pause = Math.min(
    Math.max(durationMs(stepOf(record).max_duration) / LOOKS, SHORTEST_PAUSE_MS),
    LONGEST_PAUSE_MS,
  );
  return Date.parse(now) - Date.parse(looked) >= pause ? 'step' : 'wait';
}

export function canaryOf({ strategy }: DeploymentRecord): Strategy {
  if (strategy.kind !== 'canary') throw new TypeError(`the strategy ${strategy.kind} is not built yet`);
  return strategy;
}

export function stepOf(record: DeploymentRecord): Strategy['steps'][number] {
  const step = canaryOf(record).steps[record.step];
  if (step === undefined) throw new RangeError(`the rollout has no step ${record.step}`);
  return step;
}

export function whereOf({ model, release, environment }: DeploymentRecord): string {
  return `${model}@v${release.version} in ${environment}`;
}
