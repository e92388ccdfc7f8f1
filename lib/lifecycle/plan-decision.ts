import type { ModelLock } from './locks.ts';
import type { InputDigests } from './plan.ts';
import type { Digest } from './scalars.ts';

/** Stages of the pull-request flow, in order. `data` and `train` run the user's code, `evaluate` judges. */
const PLAN_STAGES = ['data', 'train', 'evaluate'] as const;
export type PlanStage = (typeof PLAN_STAGES)[number];

/**
 * What the app recorded of an untrusted run: its bytes can be judged again without training again. `present`: its
 * holdout stands beside the champion of now, and its rows were counted against what problem.yml asks for now;
 * `former`: the holdout has to be built again before.
 */
export type RecordedTraining = Pick<InputDigests, 'code' | 'config'> & { holdout: 'present' | 'former' };
/** What the app recorded of an evaluation. `champion` is the candidate digest that it was compared with. */
export type RecordedEvaluation = Pick<InputDigests, 'code' | 'config' | 'gates' | 'policy'> & {
  candidate: Digest;
  champion: Digest | null;
};

export type ModelFacts = {
  model: string;
  /** No sources or no candidates yet. */
  draft: boolean;
  /** Of the merge of base and head. */
  digests: InputDigests;
  /** Of the base alone; null where the model isn't there. */
  base: InputDigests | null;
  /** Of the merge tree. A lock is a claim: it counts only beside a recorded evaluation. */
  lock: ModelLock | null;
  baseLock: ModelLock | null;
  trainings: readonly RecordedTraining[];
  evaluations: readonly RecordedEvaluation[];
  /** Candidate digest of the model in force; null = none. */
  champion: Digest | null;
};

export type PlanFacts = {
  /** The merge of base and head; null = they conflict. */
  merge: string | null;
  /** `head`: a new or first head, or a person asked. `base`: the base branch moved under a judged head. */
  cause: 'head' | 'base';
  models: readonly ModelFacts[];
};

export type StageNeed = { stage: PlanStage; reason: string };
export type ModelPlan =
  | { model: string; state: 'untouched' }
  | { model: string; state: 'definition'; reason: string }
  | { model: string; state: 'current'; candidate: Digest }
  | { model: string; state: 'lock'; candidate: Digest; reason: string }
  | { model: string; state: 'stages'; needs: StageNeed[] }
  | { model: string; state: 'out-of-date'; reason: string };

export type PullRequestPlan = {
  /** The worst of the models': what the pull request as a whole waits for. */
  state: 'nothing' | 'definition' | 'current' | 'work' | 'out-of-date';
  models: ModelPlan[];
};

/** Which stages a pull request needs: none whose inputs equal what was recorded, so that re-delivery is free. */
export function decidePlan({ merge, cause, models }: PlanFacts): PullRequestPlan {
  const plans = models.map((facts): ModelPlan => {
    if (merge !== null) return planModel(facts, cause);
    return {
      model: facts.model,
      state: 'out-of-date',
      reason: 'the branch conflicts with its base: merge the base and solve the conflict',
    };
  });
  const has = (...states: ModelPlan['state'][]) => plans.some(({ state }) => states.includes(state));
  if (merge === null || has('out-of-date')) return { state: 'out-of-date', models: plans };
  if (has('stages', 'lock')) return { state: 'work', models: plans };
  if (has('current')) return { state: 'current', models: plans };
  return { state: has('definition') ? 'definition' : 'nothing', models: plans };
}

function planModel(facts: ModelFacts, cause: PlanFacts['cause']): ModelPlan {
  const { model, digests, base, lock, baseLock } = facts;
  const sameInputs = base !== null && sameKeys(digests, base, ['code', 'config', 'gates', 'problem']);
  if (sameInputs && lock?.candidate === baseLock?.candidate) return { model, state: 'untouched' };
  if (facts.draft) {
    return { model, state: 'definition', reason: 'data.yml has no sources or model.yml no candidates' };
  }
  const needs = needsOf(facts);
  if (needs.length === 0) return settled(facts);
  const isOwnLock = lock !== null && lock.candidate !== baseLock?.candidate;
  const wasJudged = isOwnLock && facts.evaluations.some(({ candidate }) => candidate === lock.candidate);
  const retrains = needs.some(({ stage }) => stage === 'train');
  if (cause === 'base' && wasJudged && retrains) {
    const changed = (['code', 'config'] as const).filter((key) => lock[key] !== digests[key]);
    const what = changed.length > 0 ? changed.join(' and ') : 'inputs';
    const reason = `out of date: with the base ${what} of ${model} are others than those that were judged: \`/update\``;
    return { model, state: 'out-of-date', reason };
  }
  return { model, state: 'stages', needs };
}

/** Everything is recorded: the lock says so already, or has to be committed. */
function settled(facts: ModelFacts): ModelPlan {
  const { model, lock } = facts;
  const recorded = facts.evaluations.filter((evaluation) => matches(facts, evaluation));
  const current = recorded.find(({ candidate }) => candidate === lock?.candidate);
  if (current) return { model, state: 'current', candidate: current.candidate };
  const last = recorded.at(-1);
  if (!last) throw new Error(`${model}: settled without a recorded evaluation`);
  return {
    model,
    state: 'lock',
    candidate: last.candidate,
    reason: 'evaluated; the locks are not committed yet',
  };
}

function needsOf(facts: ModelFacts): StageNeed[] {
  if (facts.evaluations.some((evaluation) => matches(facts, evaluation))) return [];
  const { digests, lock } = facts;
  const trained = facts.trainings.filter((training) => sameKeys(training, digests, ['code', 'config']));
  const judge: StageNeed = { stage: 'evaluate', reason: reasonToJudge(facts) };
  if (trained.some(({ holdout }) => holdout === 'present')) return [judge];
  if (trained.length > 0) {
    return [
      { stage: 'data', reason: 'the holdout has to stand beside the champion and the rows of now' },
      judge,
    ];
  }
  const changed = (['code', 'config'] as const).filter((key) => lock && lock[key] !== digests[key]);
  const why = !lock
    ? 'there is no lock yet'
    : changed.length > 0
      ? `${changed.join(' and ')} changed`
      : 'no evidence is recorded for what the lock claims';
  return [
    { stage: 'data', reason: why },
    { stage: 'train', reason: why },
    { stage: 'evaluate', reason: 'a new candidate has to be judged' },
  ];
}

function reasonToJudge({ digests, evaluations, champion }: ModelFacts): string {
  const same = evaluations.filter((other) => sameKeys(other, digests, ['code', 'config']));
  if (same.length === 0) return 'trained, and not judged yet';
  if (!same.some((other) => other.gates === digests.gates)) return 'the gates changed';
  if (!same.some((other) => other.policy === digests.policy)) return 'the policy changed';
  if (!same.some((other) => other.champion === champion)) return 'the champion changed';
  return 'gates, policy and champion were never judged together';
}

function matches({ digests, champion }: ModelFacts, evaluation: RecordedEvaluation): boolean {
  // The champion itself stays judged: promoting it must not ask for a comparison with itself.
  const sameRival = evaluation.champion === champion || evaluation.candidate === champion;
  return sameRival && sameKeys(evaluation, digests, ['code', 'config', 'gates', 'policy']);
}

function sameKeys<Key extends keyof InputDigests>(
  a: Pick<InputDigests, Key>,
  b: Pick<InputDigests, Key>,
  keys: readonly Key[],
): boolean {
  return keys.every((key) => a[key] === b[key]);
}

/** Names of the models whose folders hold one of the changed paths. */
export function modelsTouched(paths: readonly string[]): string[] {
  const names = paths.flatMap((path) => /^models\/([^/]+)\//.exec(path)?.[1] ?? []);
  return [...new Set(names)].sort();
}
