import type { Statement } from '#lib/lifecycle/evidence.ts';
import type { Champion } from '#lib/lifecycle/plan.ts';
import type { EvaluateRecord, OverrideRecord, RunRecord } from '#lib/lifecycle/records.ts';
import type { ModelHistory } from '#lib/records/model-history.ts';
import type { ArtifactStore } from '#lib/store/store.ts';
import type { Project } from './project.ts';
import type { PullFacts, TouchedModel } from './pull-facts.ts';

/** `data` builds the holdout alone: the model is trained already. `train` does both. */
export type WorkStage = 'data' | 'train' | 'evaluate';
export type Evidence = {
  record: EvaluateRecord;
  data: Statement<'data'>;
  train: Statement<'train'>[];
  evaluate: Statement<'evaluate'>;
};

/** How far a pull request has come with one model. */
export type Standing =
  | { state: 'untouched' }
  | { state: 'removed' }
  | { state: 'definition'; reason: string }
  | { state: 'out-of-date'; reason: string }
  /** A draft: what would run, once it is ready or somebody asks. */
  | { state: 'waiting'; reasons: string[] }
  /** The day's budget of training is used up: it starts by itself once there is room again. */
  | { state: 'over-budget'; stage: WorkStage; reasons: string[]; until: string }
  | { state: 'working'; stage: WorkStage; run: number | null; request_id: string; reasons: string[] }
  | { state: 'fault'; stage: WorkStage; run: number | null; note: string }
  | { state: 'data-failed'; run: number; data: Statement<'data'> }
  /** `committed`: the head's locks say so already. */
  | {
      state: 'judged';
      committed: boolean;
      evidence: Evidence;
      champion: Champion | null;
      /** Gates that people pass for now. */
      overrides: OverrideRecord[];
    };

/** One model of a pull request, with what is on record about it. */
export type Work = {
  project: Project;
  facts: PullFacts;
  model: TouchedModel;
  history: ModelHistory;
  /** Of the history, what was proposed to the same branch: the base's policy and files judged it. */
  runs: RunRecord[];
  champion: Champion | null;
  store: ArtifactStore;
  /** A person asked for another try after a fault. */
  again: boolean;
};
