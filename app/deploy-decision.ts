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
  /** A paused rollout that a person wants to go on. */
  | { kind: 'resume'; record: DeploymentRecord }
  /** A paused rollout that a newer version replaces: the traffic goes back first. */
  | { kind: 'end'; record: DeploymentRecord }
  | { kind: 'start'; n: number; previous: DeploymentRecord['previous'] };

/** What an environment needs so that it serves what the locks say. */
export function decideDeployment({ desired, records, promotesFrom, again }: DeployFacts): DeployPlan {
  const last = records.at(-1);
  if (last?.phase === 'paused') return decidePaused(last, { desired, again });
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

/** Paused is a person's turn: `/deploy` lets it go on, a newer version on the default branch ends it. */
function decidePaused(
  record: DeploymentRecord,
  { desired, again }: Pick<DeployFacts, 'desired' | 'again'>,
): DeployPlan {
  const isWanted = desired === null || desired.candidate === record.release.candidate;
  if (!isWanted && (again || !gaveUp(record))) return { kind: 'end', record };
  if (again) return { kind: 'resume', record };
  return { kind: 'none', reason: `v${record.release.version} is paused: /deploy lets it go on` };
}

/** After jobs that could not do their work: what the target serves is not known, so a person has to look. */
export function pausedByFaults(
  record: DeploymentRecord,
  at: string,
  fault: { note: string; run: number | null },
): DeploymentRecord {
  const entry = { at, phase: 'paused' as const, verdict: null, ...fault };
  return { ...record, phase: 'paused', history: [...record.history, entry] };
}

/** A verdict pauses with what it was; faults pause without one. */
function gaveUp({ history }: DeploymentRecord): boolean {
  return history.at(-1)?.verdict === null;
}

/** The step begins anew; what never started starts. */
export function resumed(record: DeploymentRecord, at: string): DeploymentRecord {
  const phase = record.step_started_at === null ? ('pending' as const) : ('progressing' as const);
  const entry = { at, phase, verdict: null, note: 'a person let it go on', run: null };
  const step_started_at = phase === 'pending' ? null : at;
  return { ...record, phase, step_started_at, history: [...record.history, entry] };
}
