import type { AuditEvent } from '#lib/lifecycle/audit.ts';
import { type ClaimRecord, claimRecordSchema } from '#lib/lifecycle/records.ts';
import { readRecord, recordPath, recordText } from '#lib/records/records.ts';
import { decideClaim, isHeld, renewed } from './claim-decision.ts';
import type { Project } from './project.ts';

type Place = Pick<Project, 'state' | 'ownerId' | 'now'>;

/** How often a claim is renewed while its effect is being made. */
const RENEW_MS = 20_000;

/** Claims that this process took: it goes on with them without taking them again. */
const taken = new WeakMap<Place['state'], Map<string, ClaimRecord>>();

/**
 * Does something once that GitHub itself would do twice, such as opening an issue. The claim is taken by
 * compare-and-swap before the effect, from a holder that let it run out too; after a crash the effect is looked
 * for before it is made again. Null when another process holds the claim.
 */
export async function once(
  project: Place,
  {
    key,
    find,
    make,
    told = () => ({ event: 'done', actor: project.ownerId, subject: key }),
  }: {
    key: string;
    find: () => Promise<string | null>;
    make: () => Promise<string>;
    /** The effect as the audit log tells it; without it the log says only that the claim was used. */
    told?: (outcome: string) => AuditEvent;
  },
): Promise<string | null> {
  const path = recordPath.claim(key);
  const text = await project.state.read(path);
  const known = text === null ? null : claimRecordSchema.parse(JSON.parse(text));
  const plan = decideClaim({ known, mine: claimsOf(project).get(key) ?? null, ...at(project, key) });
  if (plan.kind === 'done') return plan.outcome;
  if (plan.kind === 'wait') return null;
  const claim =
    plan.kind === 'hold' ? plan.claim : await take(project, path, { claim: plan.claim, from: text });
  if (claim === null) return null;
  const outcome = (await find()) ?? (await makeHeld(project, { path, claim, make }));
  return outcome === null ? null : finish(project, path, { key, outcome, audit: told(outcome) });
}

/** Taken and not finished: somebody makes it now, or ended before saying what came of it. */
export async function isUnderWay(project: Pick<Project, 'state'>, key: string): Promise<boolean> {
  const known = await readRecord(project.state, recordPath.claim(key), claimRecordSchema);
  return known !== null && known.outcome === null;
}

export async function isDone(project: Pick<Project, 'state'>, key: string): Promise<boolean> {
  const known = await readRecord(project.state, recordPath.claim(key), claimRecordSchema);
  return known?.outcome !== null && known?.outcome !== undefined;
}

function at({ ownerId, now }: Place, key: string): { key: string; owner: string; now: Date } {
  return { key, owner: ownerId, now: now() };
}

function claimsOf({ state }: Place): Map<string, ClaimRecord> {
  const known = taken.get(state) ?? new Map<string, ClaimRecord>();
  taken.set(state, known);
  return known;
}

/** Of all who try at once, one gets it. */
async function take(
  project: Place,
  path: string,
  { claim, from }: { claim: ClaimRecord; from: string | null },
): Promise<ClaimRecord | null> {
  const outcome = await project.state.write({
    changes: [{ path, text: recordText(claim) }],
    ...(from === null ? { fresh: [path] } : { expected: [{ path, text: from }] }),
    audit: {
      event: eventOf(claim, from),
      actor: project.ownerId,
      subject: claim.key,
    },
  });
  if (outcome.kind === 'taken') return null;
  claimsOf(project).set(claim.key, claim);
  return claim;
}

function eventOf(claim: ClaimRecord, from: string | null): string {
  if (from === null) return 'claimed';
  return isHeld(claimRecordSchema.parse(JSON.parse(from)), claim) ? 'claim renewed' : 'claim taken over';
}

/**
 * Makes the effect while the claim is held, and renews it as long as that takes. GitHub knows no fencing
 * tokens, so that the claim is still ours is asked right before.
 */
async function makeHeld(
  project: Place,
  { path, claim, make }: { path: string; claim: ClaimRecord; make: () => Promise<string> },
): Promise<string | null> {
  await project.state.refresh();
  const now = await readRecord(project.state, path, claimRecordSchema);
  if (now === null || !isHeld(now, claim)) return null;
  let renewing: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    renewing = renewing.then(() => renew(project, path, claim.key)).catch(() => {});
  }, RENEW_MS);
  timer.unref();
  try {
    return await make();
  } finally {
    clearInterval(timer);
    await renewing;
  }
}

async function renew(project: Place, path: string, key: string): Promise<void> {
  const claim = claimsOf(project).get(key);
  if (claim) await take(project, path, { claim: renewed(claim, project.now()), from: recordText(claim) });
}

/** Only the holder says what came of it; who lost the claim meanwhile takes what the holder says, if it does. */
async function finish(
  project: Place,
  path: string,
  { key, outcome, audit }: { key: string; outcome: string; audit: AuditEvent },
): Promise<string> {
  const claim = claimsOf(project).get(key);
  if (!claim) throw new Error(`the claim ${key} was finished by who does not hold it`);
  const written = await project.state.write({
    changes: [{ path, text: recordText({ ...claim, outcome }) }],
    expected: [{ path, text: recordText(claim) }],
    audit,
  });
  claimsOf(project).delete(key);
  if (written.kind === 'written') return outcome;
  const now = await readRecord(project.state, path, claimRecordSchema);
  return now?.outcome ?? outcome;
}
