import type { RegisteredVersion } from '#lib/lifecycle/registry.ts';
import type { DeploymentRecord, Phase } from '#lib/lifecycle/rollout.ts';

const OVER: readonly Phase[] = ['succeeded', 'aborted', 'rolled-back'];

export function isOver({ phase }: Pick<DeploymentRecord, 'phase'>): boolean {
  return OVER.includes(phase);
}

export type DeployFacts = {
  /** What the locks of the default branch ask for; null where it is no registered version. */
  desired: RegisteredVersion | null;
  /** Records of this model and environment, oldest first. */
  records: readonly DeploymentRecord[];
  /** Version that the environment before this one serves; null where it is the first. */
  promotesFrom: { environment: string; version: string | null } | null;
  /** A person asked to try again. */
  again: boolean;
};

export type DeployPlan =
  | { kind: 'none'; reason: string }
  /** One rollout at a time: what has begun ends before the next begins, and then the newest state is taken. */
  | { kind: 'continue'; record: DeploymentRecord }
  | { kind: 'start'; n: number; previous: DeploymentRecord['previous'] };

/** What an environment needs so that it serves what the locks say. */
export function decideDeployment({ desired, records, promotesFrom, again }: DeployFacts): DeployPlan {
  const last = records.at(-1);
  if (last && !isOver(last)) return { kind: 'continue', record: last };
  if (!desired) return { kind: 'none', reason: 'the locks name no registered version' };
  if (promotesFrom && promotesFrom.version !== desired.version) {
    return { kind: 'none', reason: `${promotesFrom.environment} does not serve v${desired.version} yet` };
  }
  const serving = records.findLast(({ phase }) => phase === 'succeeded');
  if (serving?.release.candidate === desired.candidate)
    return { kind: 'none', reason: `v${desired.version} is served` };
  const wasTried = last !== undefined && last.release.candidate === desired.candidate;
  if (wasTried && !again) return { kind: 'none', reason: `v${desired.version} was ${last.phase}` };
  return { kind: 'start', n: (last?.n ?? 0) + 1, previous: serving?.release ?? null };
}
