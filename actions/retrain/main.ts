import type { Statement } from '#lib/lifecycle/evidence.ts';
import { decideRetraining } from '#lib/lifecycle/retraining.ts';
import { loadModelFolder } from '../kit/model-folder.ts';
import type { StageDeps, StageResult } from '../kit/stage.ts';
import { makeStatement, statementDigest } from '../kit/statement.ts';

export type RetrainInputs = {
  model: string;
  monitor: Statement<'monitor'>;
  /** Data time of the last decision that opened a pull request; null = never. */
  lastOpened: string | null;
  openPullRequests: number;
  askedBy: string | null;
};

/** Decides whether a monitor's finding asks for a retraining pull request, and says what it would change. */
export async function main(inputs: RetrainInputs, deps: StageDeps): Promise<StageResult<'retrain'>> {
  const startedAt = deps.now();
  const { model, monitor, lastOpened, openPullRequests, askedBy } = inputs;
  const { operate, data } = loadModelFolder(deps.workspace, model);
  const found = monitor.predicate.result;
  const decided = decideRetraining({ operate, data, monitor: found, lastOpened, openPullRequests, askedBy });
  for (const { rule, verdict, expected, actual } of decided.reasons) {
    deps.progress.note(`${rule}: ${verdict}, expected ${expected}, found ${actual}`);
  }
  const digest = statementDigest(monitor);
  const statement = makeStatement(
    'retrain',
    {
      model,
      plan: null,
      startedAt,
      finishedAt: deps.now(),
      subjects: [{ name: 'monitor', digest }],
      result: { ...decided, monitor: digest },
    },
    deps,
  );
  const { decision } = decided;
  return { statement, verdict: 'passed', outputs: { decision } };
}
