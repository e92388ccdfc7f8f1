import type { FreezeRecord } from '#lib/lifecycle/records.ts';
import type { RegisteredVersion } from '#lib/lifecycle/registry.ts';
import type { DeploymentRecord } from '#lib/lifecycle/rollout.ts';
import { isOver } from './deploy-decision.ts';

export type PromotionFacts = {
  /** Where to; `from` is its `promotes_from`. */
  environment: string;
  from: string | null;
  /** Rollouts of the model in either, oldest first. */
  records: { from: readonly DeploymentRecord[]; to: readonly DeploymentRecord[] };
  versions: readonly RegisteredVersion[];
  frozen: readonly Pick<FreezeRecord, 'candidate' | 'login'>[];
};

export type PromotionPlan =
  | { kind: 'refuse'; reason: string }
  /** `rollout`: number of the rollout by which it came to serve. */
  | { kind: 'promote'; from: string; version: RegisteredVersion; rollout: number };

/** Which version `/promote` brings to an environment: exactly the one that serves in the environment before it. */
export function decidePromotion({
  environment,
  from,
  records,
  versions,
  frozen,
}: PromotionFacts): PromotionPlan {
  if (from === null) {
    return refuse(`${environment} has no \`promotes_from\` in the policy: a merge deploys to it`);
  }
  const last = records.from.at(-1);
  if (last && !isOver(last))
    return refuse(`v${last.release.version} is ${last.phase} in ${from}: wait for it`);
  const serving = records.from.findLast(({ phase }) => phase === 'succeeded');
  if (!serving) return refuse(`nothing serves in ${from}`);
  const { candidate, version } = serving.release;
  const freeze = frozen.find((one) => one.candidate === candidate);
  if (freeze) return refuse(`v${version} is frozen since ${freeze.login} rolled it back`);
  const registered = versions.find((known) => known.candidate === candidate);
  if (registered?.state !== 'registered') return refuse(`v${version} of ${from} is not registered any more`);
  const there = records.to.at(-1);
  const isUnderWay = there && !isOver(there) && there.release.candidate === candidate;
  if (isUnderWay) return refuse(`v${version} is being rolled out in ${environment} already`);
  const served = records.to.findLast(({ phase }) => phase === 'succeeded');
  if (served?.release.candidate === candidate) return refuse(`v${version} serves in ${environment} already`);
  return { kind: 'promote', from, version: registered, rollout: serving.n };
}

function refuse(reason: string): PromotionPlan {
  return { kind: 'refuse', reason };
}
