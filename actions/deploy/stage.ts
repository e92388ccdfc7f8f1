import { DEPLOY_ACTIONS, type DeployAction, deploymentRecordSchema } from '#lib/lifecycle/rollout.ts';
import { digestSchema } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import type { StageContext } from '../kit/context.ts';
import type { StageResult } from '../kit/stage.ts';
import { main } from './main.ts';
import { rollOut } from './roll-out.ts';
import { supervisorToken } from './token.ts';

/** Stage 4: one step of a rollout that the app records, or the whole rollout of what this checkout's locks name. */
export async function deployStage(context: StageContext): Promise<StageResult<'deploy'>> {
  const asked = context.option('record');
  if (asked === '') return rollOut(context);
  const recordDigest = digestSchema.parse(asked.startsWith('sha256:') ? asked : `sha256:${asked}`);
  const record = deploymentRecordSchema.parse(
    JSON.parse(Buffer.from(await context.deps.store.get(recordDigest)).toString('utf8')),
  );
  return main(
    {
      model: record.model,
      environment: record.environment,
      action: deployAction(context),
      record,
      recordDigest,
    },
    { ...context.deps, supervisorToken: supervisorToken(context) },
  );
}

function deployAction({ option }: StageContext): DeployAction {
  const asked = option('action') || 'start';
  const action = DEPLOY_ACTIONS.find((known) => known === asked);
  if (action !== undefined) return action;
  throw new UserError(`"${asked}" is no action of a rollout`, {
    fix: `use one of: ${DEPLOY_ACTIONS.join(', ')}`,
  });
}
