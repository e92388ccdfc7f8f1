import type { DataLock, ModelLock } from '#lib/lifecycle/locks.ts';
import type { InputDigests } from '#lib/lifecycle/plan.ts';
import type { CountedAsk } from './approvals.ts';

export type RegistrationFacts = {
  /** Of the tree that was merged. */
  locks: { data: DataLock; model: ModelLock };
  digests: InputDigests;
  /** What evidence on record says of the lock's candidate; null where there is none. */
  recorded: {
    lock: ModelLock;
    blocking: string[];
    /** The same questions as the gate asked, with the permissions of now. */
    asks: readonly Pick<CountedAsk, 'subject' | 'count'>[];
    /** Why the candidate is out of service; null where it isn't. */
    frozen: string | null;
    /** Who holds the pull request that brought it. */
    heldBy: string | null;
  } | null;
};

export type RegistrationPlan = { kind: 'register' } | { kind: 'refuse'; reasons: string[] };

/** A merged lock becomes a version only when it is, digest by digest, what was judged and approved. */
export function decideRegistration({ locks, digests, recorded }: RegistrationFacts): RegistrationPlan {
  if (!recorded) {
    return { kind: 'refuse', reasons: ['model.lock names a candidate that no recorded evaluation has'] };
  }
  const reasons: string[] = [];
  for (const name of ['code', 'config', 'gates'] as const) {
    if (digests[name] !== locks.model[name]) {
      reasons.push(`the merged ${name} isn't what was judged: it has another digest than model.lock`);
    }
  }
  for (const name of Object.keys(recorded.lock) as (keyof ModelLock)[]) {
    if (JSON.stringify(recorded.lock[name]) !== JSON.stringify(locks.model[name])) {
      reasons.push(`model.lock says another ${name} than the evidence`);
    }
  }
  if (locks.data.output.content !== locks.model.data) {
    reasons.push('data.lock and model.lock name different data');
  }
  if (recorded.blocking.length > 0) reasons.push(`these gates stop it: ${recorded.blocking.join(', ')}`);
  for (const { subject, count } of recorded.asks) {
    for (const { count: number, roles } of count.missing) {
      reasons.push(`${number} more approval of the ${subject} by ${roles.join(' or ')} is missing`);
    }
  }
  if (recorded.frozen !== null) reasons.push(recorded.frozen);
  if (recorded.heldBy !== null) reasons.push(`${recorded.heldBy} holds it: /unhold lifts it`);
  return reasons.length > 0 ? { kind: 'refuse', reasons } : { kind: 'register' };
}
