import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { tokenKey } from './auth.ts';
import type { Hub } from './hub.ts';
import { Refusal } from './refusal.ts';

/**
 * GitHub's secondary rate limits (GitHub docs, rate-limits-for-the-rest-api#about-secondary-rate-limits), off until
 * they are switched on: a demo on one machine writes faster than GitHub lets anyone.
 */
const LIMITS = z.strictObject({
  /** Refuse so many of the next requests that are no GET, whoever sends them. */
  refuse_next: z.int().min(0).default(0),
  /** Requests that are no GET, per token and minute; GitHub lets 80 pass that make content. */
  writes_per_minute: z.int().min(1).optional(),
  /** A read costs 1 point, a write 5; GitHub lets 900 pass in a minute. */
  points_per_minute: z.int().min(1).optional(),
  /** Both are seen on GitHub. */
  status: z.union([z.literal(403), z.literal(429)]).default(403),
  /** Seconds. */
  retry_after: z.int().min(0).default(60),
});
type Limits = z.infer<typeof LIMITS>;

const MINUTE_MS = 60_000;
const WRITE_POINTS = 5;

export function serveSecondaryLimits(server: FastifyInstance, hub: Hub): void {
  let limits: Limits | undefined;
  let refused = 0;
  const used = new Map<string, { at: number; points: number }[]>();

  function isOver(request: FastifyRequest, now: Limits): boolean {
    const write = request.method !== 'GET' && request.method !== 'HEAD';
    if (write && now.refuse_next > 0) {
      now.refuse_next -= 1;
      return true;
    }
    const key = tokenKey(request.headers.authorization ?? '');
    const since = Date.now() - MINUTE_MS;
    const recent = (used.get(key) ?? []).filter(({ at }) => at > since);
    const points = recent.reduce((sum, one) => sum + one.points, write ? WRITE_POINTS : 1);
    const writes = recent.filter((one) => one.points === WRITE_POINTS).length + (write ? 1 : 0);
    const over =
      points > (now.points_per_minute ?? Number.POSITIVE_INFINITY) ||
      (write && writes > (now.writes_per_minute ?? Number.POSITIVE_INFINITY));
    if (!over) recent.push({ at: Date.now(), points: write ? WRITE_POINTS : 1 });
    used.set(key, recent);
    return over;
  }

  server.addHook('preHandler', async (request) => {
    if (limits === undefined || !request.url.startsWith('/api/') || !isOver(request, limits)) return;
    refused += 1;
    throw new Refusal(
      limits.status,
      'You have exceeded a secondary rate limit. Please wait a few minutes before you try again. If you reach out to GitHub Support for help, please include the request ID and timestamp.',
      { headers: { 'retry-after': String(limits.retry_after) } },
    );
  });

  const admit = (request: FastifyRequest) => {
    if (request.headers['x-roundhouse-local'] !== hub.secrets.control)
      throw new Refusal(401, 'The header x-roundhouse-local must carry the control token of secrets.json');
  };
  server.put('/_local/secondary-limits', async (request, reply) => {
    admit(request);
    limits = LIMITS.parse(request.body);
    refused = 0;
    used.clear();
    return reply.code(204).send();
  });
  server.delete('/_local/secondary-limits', async (request, reply) => {
    admit(request);
    limits = undefined;
    return reply.code(204).send();
  });
  server.get('/_local/secondary-limits', async (request) => {
    admit(request);
    return { refused, limits: limits ?? null };
  });
}
