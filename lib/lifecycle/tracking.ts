import { CHECKLIST } from './checklist/checklist.ts';
import type { Problem } from './problem.ts';
import {
  LIFECYCLE_STAGES,
  type LifecycleStage,
  lifecycleStage,
  type StageFacts,
  shortStage,
  stageNamed,
} from './stage.ts';

export type StageTask = {
  stage: LifecycleStage;
  /** As in the label `stage:<short>`. */
  short: string;
  due: string | null;
  /** What the checklist asks of this stage. */
  items: { id: string; title: string; rule: string }[];
};

/** A task for each of the six stages, with its date of the timeline. */
export function stageTasks({ timeline }: Pick<Problem, 'timeline'>): StageTask[] {
  return LIFECYCLE_STAGES.map((stage, index) => ({
    stage,
    short: shortStage(stage),
    due: timeline.find((one) => stageNamed(one.stage) === stage)?.due ?? null,
    items: (CHECKLIST[index]?.items ?? []).map(({ id, title, rule }) => ({ id, title, rule })),
  }));
}

/** When all is to be done: the last date of the timeline. */
export function lastDate({ timeline }: Pick<Problem, 'timeline'>): string | null {
  return (
    timeline
      .map(({ due }) => due)
      .sort()
      .at(-1) ?? null
  );
}

/** Stages that lie behind a model. */
export function stagesDone(facts: StageFacts): LifecycleStage[] {
  return LIFECYCLE_STAGES.slice(0, LIFECYCLE_STAGES.indexOf(lifecycleStage(facts)));
}
