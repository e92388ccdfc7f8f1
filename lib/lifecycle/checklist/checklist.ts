import { DATA_ITEMS } from './data.ts';
import { DEPLOYMENT_ITEMS } from './deployment.ts';
import type { ChecklistFacts, Evidence, Item } from './facts.ts';
import { MODEL_ITEMS } from './model.ts';
import { MONITORING_ITEMS } from './monitoring.ts';
import { PROBLEM_ITEMS } from './problem.ts';
import { RETRAINING_ITEMS } from './retraining.ts';

/** The 29 items, by stage. Nothing is ticked by declaration: each has one rule that evidence fulfils or not. */
export const CHECKLIST = [
  { stage: 'Problem definition', items: PROBLEM_ITEMS },
  { stage: 'Data engineering', items: DATA_ITEMS },
  { stage: 'Model development', items: MODEL_ITEMS },
  { stage: 'Deployment', items: DEPLOYMENT_ITEMS },
  { stage: 'Monitoring and feedback', items: MONITORING_ITEMS },
  { stage: 'Retraining', items: RETRAINING_ITEMS },
] satisfies { stage: string; items: Item[] }[];

export type ChecklistItem = {
  id: string;
  title: string;
  rule: string;
  state: boolean;
  evidence: Evidence[];
  /** What is missing, a line each; empty where the item is true. */
  missing: string[];
};
export type Checklist = {
  model: string;
  fulfilled: number;
  total: number;
  stages: { stage: string; fulfilled: number; items: ChecklistItem[] }[];
};

/** True is what has evidence and misses nothing: an item that no rule says anything about stays false. */
export function checklistOf(facts: ChecklistFacts, now: Date): Checklist {
  const stages = CHECKLIST.map(({ stage, items }) => {
    const checked = items.map((item) => checkItem(item, facts, now));
    return { stage, fulfilled: checked.filter(({ state }) => state).length, items: checked };
  });
  const sum = (count: (stage: (typeof stages)[number]) => number) =>
    stages.reduce((total, stage) => total + count(stage), 0);
  return {
    model: facts.model,
    fulfilled: sum(({ fulfilled }) => fulfilled),
    total: sum(({ items }) => items.length),
    stages,
  };
}

function checkItem({ id, title, rule, check }: Item, facts: ChecklistFacts, now: Date): ChecklistItem {
  const { evidence, missing } = check(facts, now);
  const state = evidence.length > 0 && missing.length === 0;
  return {
    id,
    title,
    rule,
    state,
    evidence,
    missing: state || missing.length > 0 ? missing : ['no evidence'],
  };
}
