import type { FreezeRecord } from '#lib/lifecycle/records.ts';
import type { RegisteredVersion } from '#lib/lifecycle/registry.ts';
import type { DeploymentRecord, Release } from '#lib/lifecycle/rollout.ts';
import { isOver } from './deploy-decision.ts';

export type RollbackFacts = {
  environment: string;
  /** The version that was named; null = the one that served before. */
  asked: string | null;
  /** Of this model and environment, oldest first. */
  records: readonly DeploymentRecord[];
  versions: readonly RegisteredVersion[];
  /** Candidates that are out of service now. */
  frozen: readonly Pick<FreezeRecord, 'candidate' | 'version' | 'login'>[];
};

export type RollbackPlan =
  | { kind: 'refuse'; reason: string }
  /** `ends`: number of the rollout that is under way and ends by it. */
  | { kind: 'rollback'; bad: Release; to: RegisteredVersion; ends: number | null };

/** What `/rollback` takes out of service, and what serves in its place. */
export function decideRollback(facts: RollbackFacts): RollbackPlan {
  const { environment, records } = facts;
  const last = records.at(-1);
  if (last && !isOver(last)) return decideUnderWay(facts, last);
  const serving = records.findLast(({ phase }) => phase === 'succeeded');
  if (!serving) return refuse(`nothing serves in ${environment}`);
  return decideServed(facts, serving.release);
}

/** A rollout goes on beside what serves: it ends, and all traffic goes back. */
function decideUnderWay(facts: RollbackFacts, record: DeploymentRecord): RollbackPlan {
  const { environment, asked } = facts;
  const { release, previous, n } = record;
  if (record.rollback) return refuse(`the rollback to v${release.version} is under way: ask again after it`);
  if (previous === null) return refuse(`v${release.version} is the first version in ${environment}`);
  if (asked !== null && asked !== previous.version) {
    return refuse(
      `v${release.version} is being rolled out beside v${previous.version}: \`/rollback\` ends that, then ask again`,
    );
  }
  return planOf(facts, { bad: release, version: previous.version, ends: n });
}

function decideServed(facts: RollbackFacts, bad: Release): RollbackPlan {
  const { environment, asked, records } = facts;
  if (asked !== null) {
    if (asked === bad.version) return refuse(`v${asked} serves in ${environment} already`);
    return planOf(facts, { bad, version: asked, ends: null });
  }
  const former = records.findLast(
    ({ phase, release }) =>
      phase === 'succeeded' && release.candidate !== bad.candidate && isUsable(facts, release.version),
  );
  if (former) return planOf(facts, { bad, version: former.release.version, ends: null });
  return refuse(`no other version that served in ${environment} can serve again: ${choices(facts, bad)}`);
}

function planOf(
  facts: RollbackFacts,
  { bad, version, ends }: { bad: Release; version: string; ends: number | null },
): RollbackPlan {
  const to = facts.versions.find((known) => known.version === version);
  if (to?.state !== 'registered') return refuse(`v${version} is not registered: ${choices(facts, bad)}`);
  const frozen = facts.frozen.find(({ candidate }) => candidate === to.candidate);
  if (frozen)
    return refuse(`v${version} is frozen since ${frozen.login} rolled it back: \`/unfreeze\` it first`);
  return { kind: 'rollback', bad, to, ends };
}

function isUsable({ versions, frozen }: RollbackFacts, version: string): boolean {
  const known = versions.find((one) => one.version === version);
  return known?.state === 'registered' && !frozen.some(({ candidate }) => candidate === known.candidate);
}

function choices(facts: RollbackFacts, bad: Release): string {
  const usable = facts.versions.filter(({ version }) => version !== bad.version && isUsable(facts, version));
  if (usable.length === 0) return 'there is none to choose';
  return `\`/rollback <version>\` takes one of ${usable.map(({ version }) => version).join(', ')}`;
}

function refuse(reason: string): RollbackPlan {
  return { kind: 'refuse', reason };
}
