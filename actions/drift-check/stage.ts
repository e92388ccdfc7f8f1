import { instantSchema } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import type { StageContext } from '../kit/context.ts';
import { loadModelFolder } from '../kit/model-folder.ts';
import type { StageResult } from '../kit/stage.ts';
import { main } from './main.ts';

/** Stage 5: the prediction log and matured labels against the reference, up to a moment in data time. */
export async function driftCheckStage(context: StageContext): Promise<StageResult<'monitor'>> {
  const { operate } = loadModelFolder(context.deps.workspace, context.model);
  const environment =
    context.option('environment') || (operate.deployment.environments.at(-1) ?? 'production');
  return main({ model: context.model, environment, as_of: asOf(context), planDigest: null }, context.deps);
}

function asOf({ option, deps }: StageContext): string {
  const asked = option('as_of') || option('as-of');
  if (asked === '') return deps.now().toISOString();
  if (instantSchema.safeParse(asked).success) return new Date(asked).toISOString();
  throw new UserError(`as_of is "${asked}", which is no ISO 8601 instant`, {
    fix: 'give something like 2012-04-01T00:00:00Z',
  });
}
