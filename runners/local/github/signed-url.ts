import { createHmac, timingSafeEqual } from 'node:crypto';

const LIFE_MS = 60_000;

function sign(secret: string, path: string, until: number): string {
  return createHmac('sha256', secret).update(`${path}\n${until}`).digest('hex');
}

/** `/_local/signed/<path>?until=…&signature=…`: good for a minute, for whoever holds it. */
export function signedPath(secret: string, path: string, now = Date.now()): string {
  const until = now + LIFE_MS;
  return `/_local/signed/${path}?until=${until}&signature=${sign(secret, path, until)}`;
}

export function isSigned(
  secret: string,
  options: { path: string; until: string | undefined; signature: string | undefined; now?: number },
): boolean {
  const until = Number(options.until);
  if (!Number.isFinite(until) || until < (options.now ?? Date.now())) return false;
  const expected = Buffer.from(sign(secret, options.path, until));
  const given = Buffer.from(options.signature ?? '');
  return expected.length === given.length && timingSafeEqual(expected, given);
}
