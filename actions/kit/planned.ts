import type { JobPlan } from '#lib/lifecycle/plan.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import type { StageContext } from './context.ts';
import { localPlan } from './local-plan.ts';

/** The plan that was dispatched, or the plain checkout's own (with no digest: nobody recorded it). */
export async function planned({
  plan,
  model,
  deps,
  option,
}: StageContext): Promise<{ plan: JobPlan; planDigest: Digest | null }> {
  if (plan !== null) return { plan: plan.value, planDigest: plan.digest };
  const base = option('base') || 'HEAD';
  return { plan: await localPlan({ model, base, deps }), planDigest: null };
}
