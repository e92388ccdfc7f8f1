import type { EvaluateResult } from '../lifecycle/evidence.ts';
import type { ModelLock } from '../lifecycle/locks.ts';
import type { Digest } from '../lifecycle/scalars.ts';
import { METRIC_WORDS } from './metric-words.ts';

export type ChangeFacts = {
  model: string;
  candidate: Digest;
  /** The lock on the base branch; null for a first version. */
  before: ModelLock | null;
  after: Pick<ModelLock, 'data' | 'code' | 'config' | 'gates' | 'policy' | 'window' | 'trainer'>;
  evaluate: EvaluateResult;
  champion: { version: string } | null;
};

const WORDS = {
  data: 'data',
  code: 'code',
  config: 'configuration',
  gates: 'gates',
  policy: 'policy',
} as const;

/** The view of templates/cards/change-note.hbs: what a candidate changes against what it would replace. */
export function changeView({ model, candidate, before, after, evaluate, champion }: ChangeFacts) {
  const changed = (Object.keys(WORDS) as (keyof typeof WORDS)[]).filter(
    (key) => before?.[key] !== after[key],
  );
  return {
    model,
    candidate,
    champion,
    changed: before === null ? [] : changed.map((key) => WORDS[key]),
    window: spanOf(after.window),
    windowBefore: spanOf(before?.window ?? null),
    trainer: after.trainer,
    trainerBefore: before?.trainer ?? null,
    deltas: evaluate.recent.comparisons.map((row) => ({
      metric: METRIC_WORDS[row.metric].label,
      better: METRIC_WORDS[row.metric].better,
      candidate: row.candidate,
      champion: row.champion,
      difference: row.candidate_minus_champion,
    })),
    verdict: evaluate.verdict,
  };
}

function spanOf(window: ModelLock['window']): { from: string; until: string } | null {
  return window && { from: window.from.slice(0, 10), until: window.until.slice(0, 10) };
}

/** Where the note lies in the model's folder: one file per candidate, so that no two pull requests edit one. */
export function changeNotePath(model: string, candidate: Digest): string {
  return `models/${model}/changes/${candidate.slice('sha256:'.length, 'sha256:'.length + 12)}.md`;
}
