import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { tokenKey } from './auth.ts';
import type { Hub } from './hub.ts';

/**
 * An answer that never comes, for tests that kill the app between an effect and its answer. `nth` counts the
 * app's writes from the moment of arming; `before` holds the request without effect, `after` with it. What is
 * held ends with its connection.
 */
const FAULT = z.strictObject({ nth: z.int().min(1), when: z.enum(['before', 'after']) });
type Armed = z.infer<typeof FAULT> & { writes: number; held: string | null };

export function serveFaults(server: FastifyInstance, hub: Hub): void {
  let armed: Armed | null = null;
  const chosen = new WeakSet<FastifyRequest>();

  function isAppWrite(request: FastifyRequest): boolean {
    if (request.method === 'GET' || !request.url.startsWith('/api/')) return false;
    const token = /^(?:token|bearer) (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
    return token !== undefined && hub.db.get('tokens', tokenKey(token))?.kind === 'installation';
  }

  async function hold(request: FastifyRequest): Promise<void> {
    if (armed === null) return;
    armed.held = `${request.method} ${request.url}`;
    await new Promise<void>((closed) => request.raw.socket.once('close', () => closed()));
  }

  server.addHook('preHandler', async (request) => {
    if (armed === null || armed.held !== null || !isAppWrite(request)) return;
    armed.writes += 1;
    if (armed.writes !== armed.nth) return;
    if (armed.when === 'before') await hold(request);
    else chosen.add(request);
  });
  server.addHook('onSend', async (request) => {
    if (chosen.has(request)) await hold(request);
  });

  server.put('/_local/fault', async (request, reply) => {
    if (request.headers['x-roundhouse-local'] !== hub.secrets.control) return reply.code(401).send();
    armed = { ...FAULT.parse(request.body), writes: 0, held: null };
    return reply.code(204).send();
  });
  server.get('/_local/fault', async (request, reply) => {
    if (request.headers['x-roundhouse-local'] !== hub.secrets.control) return reply.code(401).send();
    return reply.send(armed ?? { held: null, writes: 0 });
  });
}
