import type { ClaimRecord } from '#lib/lifecycle/records.ts';

/** Longer than any single step of what is claimed; who is at it longer renews. */
const LEASE_MS = 60_000;

export type ClaimPlan =
  | { kind: 'done'; outcome: string }
  /** Another process is at it. */
  | { kind: 'wait' }
  /** This process holds it already. */
  | { kind: 'hold'; claim: ClaimRecord }
  /** To be written over what is on record, if that is still there. */
  | { kind: 'take'; claim: ClaimRecord };

/**
 * Who may do what is claimed: nobody once it is done, its holder while the lease runs, anybody after that. A
 * holder that was killed and started again has the same owner and doesn't wait; what it may have left running
 * is fenced off by the token.
 */
export function decideClaim({
  known,
  mine,
  key,
  owner,
  now,
}: {
  /** On record. */
  known: ClaimRecord | null;
  /** The one that this process took. */
  mine: ClaimRecord | null;
  key: string;
  owner: string;
  now: Date;
}): ClaimPlan {
  if (known?.outcome) return { kind: 'done', outcome: known.outcome };
  const hasRunOut = known !== null && Date.parse(known.lease_until) < now.getTime();
  if (known !== null && mine !== null && isHeld(known, mine) && !hasRunOut)
    return { kind: 'hold', claim: mine };
  if (known !== null && known.owner !== owner && !hasRunOut) return { kind: 'wait' };
  const claim: ClaimRecord = {
    kind: 'roundhouse-claim',
    key,
    owner,
    token: (known?.token ?? 0) + 1,
    at: now.toISOString(),
    lease_until: leaseFrom(now),
    outcome: null,
  };
  return { kind: 'take', claim };
}

export function isHeld(known: ClaimRecord, mine: ClaimRecord): boolean {
  return known.owner === mine.owner && known.token === mine.token;
}

/** The same claim for longer: its token stays. */
export function renewed(claim: ClaimRecord, now: Date): ClaimRecord {
  return { ...claim, lease_until: leaseFrom(now) };
}

function leaseFrom(now: Date): string {
  return new Date(now.getTime() + LEASE_MS).toISOString();
}
