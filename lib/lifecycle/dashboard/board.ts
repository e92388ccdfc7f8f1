import { type LifecycleStage, lifecycleStage } from '../stage.ts';
import type { Box } from './boxes.ts';
import type { DashboardFacts } from './facts.ts';

/** The stages as the checklist names them, in order, with those of the lifecycle that they stand for. */
const STAGES: Record<string, LifecycleStage> = {
  'Problem definition': 'problem definition',
  'Data engineering': 'data engineering',
  'Model development': 'model development',
  Deployment: 'deployment',
  'Monitoring and feedback': 'monitoring',
  Retraining: 'retraining',
};

export type BoardStage = {
  stage: string;
  state: 'done' | 'now' | 'open';
  fulfilled: number;
  total: number;
  due: string | null;
  overdue: boolean;
};

/** Where the model is: read from evidence, never stored. */
export function stageOf({ facts, environments, pulls, checklist }: DashboardFacts): LifecycleStage {
  const items = checklist.stages.flatMap((stage) => stage.items);
  return lifecycleStage({
    defined: items.find(({ id }) => id === 'P-C1')?.state === true,
    dataReady: facts.judged.length > 0 || facts.newest !== null,
    registered: facts.versions.length > 0,
    serving: environments.at(-1)?.version !== null && environments.length > 0,
    retraining: pulls.some(({ isRetraining }) => isRetraining),
  });
}

/**
 * A stage is done once the model has come past it; monitoring and retraining go on for ever, so neither is. A date
 * that has passed for a stage that isn't done is overdue.
 */
export function stageBoard(board: DashboardFacts, now: Date): BoardStage[] {
  const names = Object.keys(STAGES);
  const present = stageOf(board);
  const at = Object.values(STAGES).indexOf(present);
  const today = now.toISOString().slice(0, 10);
  return board.checklist.stages.map(({ stage, fulfilled, items }) => {
    const index = names.indexOf(stage);
    const goesOn = present === 'retraining' && STAGES[stage] === 'monitoring';
    const state = index === at ? 'now' : index < at && !goesOn ? 'done' : goesOn ? 'now' : 'open';
    const due = dueOf(stage, board);
    const overdue = due !== null && due < today && state !== 'done' && !(state === 'now' && index >= 4);
    return { stage, state, fulfilled, total: items.length, due, overdue };
  });
}

/** Dates of problem.yml name stages freely: `data`, `Data engineering` and `data pipeline` are one. */
function dueOf(stage: string, { facts }: DashboardFacts): string | null {
  const word = stage.toLowerCase().split(' ')[0]?.slice(0, 6) ?? '';
  const found = facts.problem.timeline.find(({ stage: named }) => named.toLowerCase().startsWith(word));
  return found?.due ?? null;
}

/** Boxes for what is safe: a look at what serves, and planning a pull request again. */
export function boxesOf({ facts, environments, versions, pulls }: DashboardFacts): Box[] {
  const { model } = facts;
  const served = environments.at(-1)?.version ?? null;
  const inForce = versions.find(({ version }) => version === served);
  const retrain: Box[] =
    inForce && !pulls.some(({ isRetraining }) => isRetraining)
      ? [
          {
            action: 'retrain',
            model,
            digest: inForce.candidate,
            label: `Look at v${inForce.version} now and retrain it`,
          },
        ]
      : [];
  const recheck = pulls.map(
    ({ number, head, title }): Box => ({
      action: 'recheck',
      model,
      pull: number,
      digest: head,
      label: `Plan and judge #${number} again: ${title}`,
    }),
  );
  return [...retrain, ...recheck];
}
