import { pause } from '../fleet.ts';
import type { Timeline } from './timeline.ts';

const POLL_MS = 200;

/**
 * Asks until there is an answer. `probe` gives undefined for "not yet"; an error other than a failed
 * connection is an answer too and ends the wait.
 */
export async function until<Answer>(
  what: string,
  probe: () => Promise<Answer | undefined | false | null>,
  { timeline, timeoutMs = 180_000 }: { timeline: Timeline; timeoutMs?: number },
): Promise<Answer> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await probe();
    if (answer !== undefined && answer !== false && answer !== null) return answer;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs / 1000} s in vain for: ${what}`);
    timeline.working(what);
    await pause(POLL_MS);
  }
}
