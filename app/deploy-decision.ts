import type { FreezeRecord } from '#lib/lifecycle/records.ts';
import type { RegisteredVersion } from '#lib/lifecycle/registry.ts';
import type { DeploymentRecord, Phase } from '#lib/lifecycle/rollout.ts';

const OVER: readonly Phase[] = ['succeeded', 'aborted', 'rolled-back'];

export function isOver({ phase }: Pick<DeploymentRecord, 'phase'>): boolean {
  return OVER.includes(phase);
}

export type DeployFacts = {
  /**
   * What the locks of the default branch ask for, or in an environment with `promotes_from` what was promoted last;
   * null where it is no registered version.
   */
  desired: RegisteredVersion | null;
  /** Records of this model and environment, oldest first. */
  records: readonly DeploymentRecord[];
  /** Candidates that people took out of service. */
  frozen: readonly FreezeRecord[];
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
  /** `rollback`: to the version that the freeze of what serves names, else to what the locks ask for. */
  | {
      kind: 'start';
      n: number;
      previous: DeploymentRecord['previous'];
      rollback: FreezeRecord | null;
    };

/** What an environment needs so that it serves what the locks say, and nothing that people took out of service. */
export function decideDeployment(facts: DeployFacts): DeployPlan {
  const { desired, records, frozen, again } = facts;
  const last = records.at(-1);
  const freezeOf = (candidate: string) => frozen.find((freeze) => freeze.candidate === candidate) ?? null;
  if (last?.phase === 'paused') return decidePaused(last, facts);
  if (last && !isOver(last)) {
    return { kind: freezeOf(last.release.candidate) ? 'end' : 'continue', record: last };
  }
  const serving = records.findLast(({ phase }) => phase === 'succeeded');
  const rollback = serving ? freezeOf(serving.release.candidate) : null;
  if (serving && rollback) {
    const wasTried = last?.rollback?.comment === rollback.comment;
    if (wasTried && !again)
      return { kind: 'none', reason: `the rollback to v${rollback.to.version} was ${last.phase}` };
    return { kind: 'start', n: (last?.n ?? 0) + 1, previous: serving.release, rollback };
  }
  if (!desired) return { kind: 'none', reason: 'no registered version is asked for' };
  const freeze = freezeOf(desired.candidate);
  if (freeze)
    return { kind: 'none', reason: `v${desired.version} is frozen: ${freeze.login} rolled it back` };
  if (serving?.release.candidate === desired.candidate)
    return { kind: 'none', reason: `v${desired.version} is served` };
  // A rollback between says nothing of what the locks ask for: that was tried before it.
  const tried = records.findLast((record) => !record.rollback);
  const wasTried = tried?.release.candidate === desired.candidate;
  if (wasTried && !again) return { kind: 'none', reason: `v${desired.version} was ${tried.phase}` };
  return { kind: 'start', n: (last?.n ?? 0) + 1, previous: serving?.release ?? null, rollback: null };
}

/**
 * Paused is a person's turn: `/deploy` lets it go on; a newer version on the default branch ends it, and so does a
 * `/rollback`.
 */
function decidePaused(
  record: DeploymentRecord,
  { desired, frozen, again }: Pick<DeployFacts, 'desired' | 'frozen' | 'again'>,
): DeployPlan {
  const isFrozen = frozen.some(({ candidate }) => candidate === record.release.candidate);
  const isAsked = record.rollback || desired === null || desired.candidate === record.release.candidate;
  const isWanted = isAsked && !isFrozen;
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
