/** `skip`: it could not be looked at, and why. Never a quiet "ok". */
export const CHECK_STATUSES = ['fail', 'warn', 'skip', 'ok'] as const;
export type CheckStatus = (typeof CHECK_STATUSES)[number];

/** One thing that `roundhouse doctor` looked at. `fix` is null where nothing is to be done. */
export type Check = { check: string; status: CheckStatus; found: string; fix: string | null };

export function ok(check: string, found: string): Check {
  return { check, status: 'ok', found, fix: null };
}

export function skip(check: string, found: string, fix: string | null = null): Check {
  return { check, status: 'skip', found, fix };
}

export function warn(check: string, found: string, fix: string): Check {
  return { check, status: 'warn', found, fix };
}

export function fail(check: string, found: string, fix: string): Check {
  return { check, status: 'fail', found, fix };
}

/** Worst first; within one status in the order in which it was looked. */
export function worstFirst(checks: readonly Check[]): Check[] {
  const rank = ({ status }: Check) => CHECK_STATUSES.indexOf(status);
  return checks.toSorted((a, b) => rank(a) - rank(b));
}

/** What a server may have answered: its value, or why it was not told. */
export type Read<Value> = { value: Value } | { unread: string };

/** A check of something that may not have been readable: then it is `skip`, with the reason. */
export function checkRead<Value>(
  check: string,
  read: Read<Value>,
  decide: (value: Value) => Check | Check[],
): Check[] {
  if ('unread' in read) return [skip(check, read.unread)];
  return [decide(read.value)].flat();
}
