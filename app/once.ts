import { type ClaimRecord, claimRecordSchema } from '#lib/lifecycle/records.ts';
import type { Project } from './project.ts';
import { readRecord, recordPath, recordText } from './records.ts';

const LEASE_MS = 60_000;

/**
 * Does something once that GitHub itself would do twice, such as opening an issue. The claim is written by
 * compare-and-swap before the effect; after a crash the effect is looked for before it is made again.
 * Null when another process holds the claim.
 */
export async function once(
  project: Pick<Project, 'state' | 'ownerId' | 'now'>,
  { key, find, make }: { key: string; find: () => Promise<string | null>; make: () => Promise<string> },
): Promise<string | null> {
  const path = recordPath.claim(key);
  const known = await readRecord(project.state, path, claimRecordSchema);
  if (known?.outcome) return known.outcome;
  if (known && !mayTake(known, project)) return null;
  const claim = claimOf(key, project);
  if (known === null) {
    const outcome = await project.state.write({
      changes: [{ path, text: recordText(claim) }],
      fresh: [path],
      audit: { event: 'claimed', actor: project.ownerId, subject: key },
    });
    if (outcome.kind === 'taken') return null;
  }
  const outcome = (await find()) ?? (await make());
  await project.state.write({
    changes: [{ path, text: recordText({ ...claim, outcome }) }],
    audit: { event: 'done', actor: project.ownerId, subject: key },
  });
  return outcome;
}

export async function isDone(project: Pick<Project, 'state'>, key: string): Promise<boolean> {
  const known = await readRecord(project.state, recordPath.claim(key), claimRecordSchema);
  return known?.outcome !== null && known?.outcome !== undefined;
}

function mayTake(claim: ClaimRecord, { ownerId, now }: Pick<Project, 'ownerId' | 'now'>): boolean {
  return claim.owner === ownerId || Date.parse(claim.lease_until) < now().getTime();
}

function claimOf(key: string, { ownerId, now }: Pick<Project, 'ownerId' | 'now'>): ClaimRecord {
  const at = now();
  return {
    kind: 'roundhouse-claim',
    key,
    owner: ownerId,
    at: at.toISOString(),
    lease_until: new Date(at.getTime() + LEASE_MS).toISOString(),
    outcome: null,
  };
}
