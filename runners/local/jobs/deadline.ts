/** Why a signal of its own: Node may collect the composite and timeout signals of AbortSignal before they fire. */
export type Deadline = { signal: AbortSignal; isLate: () => boolean; clear: () => void };

/** What setTimeout can count, ms; more would fire at once. */
const longest = 2 ** 31 - 1;

/** Fires with `parent`, or when the minutes are over; null is no limit. */
export function startDeadline(parent: AbortSignal, minutes: number | null): Deadline {
  if (minutes !== null && !(minutes > 0)) throw new Error('timeout-minutes must be a number above 0.');
  const own = new AbortController();
  let late = false;
  const stop = () => own.abort(parent.reason);
  const expire = () => {
    late = true;
    own.abort('out of time');
  };
  const timer = minutes === null ? undefined : setTimeout(expire, Math.min(minutes * 60_000, longest));
  if (parent.aborted) stop();
  else parent.addEventListener('abort', stop, { once: true });
  return {
    signal: own.signal,
    isLate: () => late,
    clear() {
      clearTimeout(timer);
      parent.removeEventListener('abort', stop);
    },
  };
}
