import type { DeployAction, DeploymentRecord } from '#lib/lifecycle/rollout.ts';
import { whereOf } from '#lib/lifecycle/rollout.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { worstOf } from '#lib/lifecycle/verdict.ts';
import type { StageDeps, StageResult } from '../kit/stage.ts';
import { makeStatement } from '../kit/statement.ts';
import type { Context, Outcome } from './outcome.ts';
import { rollback } from './rollback.ts';
import { start } from './start.ts';
import { step } from './step.ts';
import { openTarget } from './target.ts';

export type DeployInputs = {
  model: string;
  environment: string;
  action: DeployAction;
  record: DeploymentRecord;
  recordDigest: Digest;
};
export type DeployDeps = StageDeps & { supervisorToken: string; fetch?: typeof fetch };

const ACTIONS = { start, step, rollback } satisfies Record<
  DeployAction,
  (context: Context) => Promise<Outcome>
>;

/**
 * One action of one rollout, then it ends: the record remembers, no job waits. Run again it converges to the
 * same state. What the bytes, the model and the checks say is a verdict; only a target that can't be reached,
 * or refuses our token, is an error.
 */
export async function main(inputs: DeployInputs, deps: DeployDeps): Promise<StageResult<'deploy'>> {
  checkInputs(inputs);
  const { model, environment, action, record } = inputs;
  const startedAt = deps.now();
  deps.progress.phase(`${action}: ${whereOf(record)}`);
  const target = openTarget({
    url: record.target.url,
    token: deps.supervisorToken,
    model,
    environment,
    fetch: deps.fetch ?? fetch,
  });
  const outcome = await ACTIONS[action]({ record, target, store: deps.store });
  for (const { verdict, rule, actual } of outcome.reasons)
    deps.progress.note(`${verdict}: ${rule}: ${actual}`);

  const verdict = worstOf(outcome.reasons.map((reason) => reason.verdict));
  const { version, bundle, model: bytes } = record.release;
  const statement = makeStatement(
    'deploy',
    {
      model,
      plan: inputs.recordDigest,
      startedAt,
      finishedAt: deps.now(),
      subjects: [
        { name: 'bundle', digest: bundle },
        { name: 'model.onnx', digest: bytes },
      ],
      result: { environment, version, action, verdict, ...outcome },
    },
    deps,
  );
  const { phase } = outcome;
  return { statement, verdict, outputs: { verdict, phase, step: String(outcome.step), version } };
}

function checkInputs({ model, environment, action, record }: DeployInputs): void {
  const fix = 'dispatch the deploy workflow with the record that the app wrote';
  if (record.model !== model || record.environment !== environment)
    throw new UserError(
      `the record is about ${record.model} in ${record.environment}, the inputs about ${model} in ${environment}`,
      { fix },
    );
  if (!doesFit(action, record))
    throw new UserError(`action "${action}" does not fit a rollout in phase "${record.phase}"`, { fix });
}

function doesFit(action: DeployAction, { phase }: DeploymentRecord): boolean {
  if (action === 'rollback') return true;
  if (action === 'start') return phase === 'pending' || phase === 'succeeded';
  return phase === 'progressing' || phase === 'promoting' || phase === 'paused';
}
