import type { DeployResult } from '#lib/lifecycle/evidence.ts';
import { type DeploymentRecord, weightsOf, whereOf } from '#lib/lifecycle/rollout.ts';
import type { Reason } from '#lib/lifecycle/verdict.ts';
import type { Store } from '#lib/store/store.ts';
import type { Target } from './target.ts';

export type Context = { record: DeploymentRecord; target: Target; store: Store };
/** Where the rollout is now, and why. */
export type Outcome = Pick<DeployResult, 'phase' | 'step' | 'reasons' | 'state'>;
export type Position = Pick<DeploymentRecord, 'phase' | 'step'>;

/** Reasons become evidence: what a target or a model says of itself is cut to what a reader takes in. */
export function reasonOf(record: DeploymentRecord, reason: Omit<Reason, 'where'>): Reason {
  return { ...reason, actual: reason.actual.slice(0, 1000), where: whereOf(record) };
}

/** Sets the weights of the next phase. Where the target refuses, the rollout stands still and a person is asked. */
export async function move(
  { record, target }: Pick<Context, 'record' | 'target'>,
  { to, reasons }: { to: Position; reasons: Reason[] },
): Promise<Outcome> {
  const served = await target.serve(weightsOf({ ...record, ...to }));
  if (served.kind === 'serving') return { ...to, reasons, state: served.state };
  const refused = reasonOf(record, {
    rule: 'traffic',
    verdict: 'failed',
    expected: `the weights of ${to.phase}`,
    actual: served.message,
  });
  return { phase: 'paused', step: record.step, reasons: [...reasons, refused], state: await target.state() };
}

/** All traffic back to the previous version; without one, none to the new version. */
export function withdraw(context: Pick<Context, 'record' | 'target'>, reasons: Reason[]): Promise<Outcome> {
  const { previous, step } = context.record;
  return move(context, { to: { phase: previous === null ? 'aborted' : 'rolled-back', step }, reasons });
}
