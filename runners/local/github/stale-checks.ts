import { type Hub, timestamp } from './hub.ts';

/** GitHub docs, rest/guides/using-the-rest-api-to-interact-with-checks: "incomplete state for more than 14 days". */
export const STALE_MS = 14 * 24 * 3_600_000;

/** Only GitHub marks a check as stale. That no event tells of it is assumed (docs/real-github-check.md, A24). */
export async function markStaleChecks(hub: Hub, staleMs: number): Promise<void> {
  const until = Date.now() - staleMs;
  const old = hub.db.filter(
    'checks',
    ({ status, started_at }) => status !== 'completed' && Date.parse(started_at) <= until,
  );
  for (const check of old) {
    const end = { status: 'completed' as const, conclusion: 'stale' as const, completed_at: timestamp() };
    hub.db.put('checks', check.id, { ...check, ...end });
  }
  if (old.length > 0) await hub.db.committed();
}
