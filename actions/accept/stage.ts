import { UserError } from '#lib/lifecycle/user-error.ts';
import type { StageContext } from '../kit/context.ts';
import { main } from './main.ts';

/** First job of a trusted run: what the untrusted evidence names is re-hashed and moved into the store. */
export async function acceptStage({
  plan,
  deps,
}: StageContext): Promise<{ outputs: Record<string, string> }> {
  const accepted = plan?.value.accepted;
  if (plan === null || !accepted) {
    throw new UserError('there is no accepted evidence to move', {
      fix: 'this action runs in a run that the app dispatches after it took the evidence of data and train',
    });
  }
  const incoming = deps.store.incoming(`${accepted.run.id}-${accepted.run.attempt}`);
  await main({ plan: plan.value }, { ...deps, incoming });
  return { outputs: {} };
}
