/** The six stages of the lifecycle, in order. */
export const LIFECYCLE_STAGES = [
  'problem definition',
  'data engineering',
  'model development',
  'deployment',
  'monitoring',
  'retraining',
] as const;
export type LifecycleStage = (typeof LIFECYCLE_STAGES)[number];

/** The stage that somebody means: its name, or the first word of it; null for any other text. */
export function stageNamed(text: string): LifecycleStage | null {
  const words = text.trim().toLowerCase();
  return LIFECYCLE_STAGES.find((stage) => stage === words || shortStage(stage) === words) ?? null;
}

/** `problem`, `data`, `model`, `deployment`, `monitoring`, `retraining`: as labels and the form say it. */
export function shortStage(stage: LifecycleStage): string {
  return stage.split(' ')[0] ?? stage;
}

/** What evidence says about a model. Each fact is recorded somewhere; the stage itself never is. */
export type StageFacts = {
  /** problem.yml is on the default branch, approved. */
  defined: boolean;
  /** A data version passed its contract. */
  dataReady: boolean;
  /** At least one version is registered. */
  registered: boolean;
  /** A rollout to the last environment succeeded. */
  serving: boolean;
  /** A retraining pull request is open. */
  retraining: boolean;
};

/** Where a model is: the first thing that isn't done yet, and once it serves, whether it is being renewed. */
export function lifecycleStage(facts: StageFacts): LifecycleStage {
  if (!facts.defined) return 'problem definition';
  if (facts.retraining) return 'retraining';
  if (facts.serving) return 'monitoring';
  if (facts.registered) return 'deployment';
  return facts.dataReady ? 'model development' : 'data engineering';
}
