import Fastify, { type FastifyInstance } from 'fastify';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { registerOip } from './oip.ts';
import type { Serving } from './served-model.ts';

export type Router = { url: string; port: number; close(): Promise<void> };

/** The largest request body. */
const BODY_LIMIT = 2 * 1024 * 1024;
/** A client has this long to send its request, byte by byte or not. */
const REQUEST_TIMEOUT_MS = 15_000;
const MAX_CONNECTIONS = 2048;

/** One port that answers the Open Inference Protocol v2 for one environment. */
export async function openRouter(
  serving: Serving,
  { port, host }: { port: number; host: string },
): Promise<Router> {
  const app = createHttp();
  registerOip(app, serving);
  return { ...(await listen(app, { port, host })), close: () => app.close() };
}

/** A server that is safe to show to strangers: bounded bodies, connections and patience. */
export function createHttp(): FastifyInstance {
  const app = Fastify({
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: 60_000,
    http: { connectionsCheckingInterval: 1_000 },
    routerOptions: { maxParamLength: 100 },
    exposeHeadRoutes: false,
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  return app;
}

/** A port that is taken is the operator's to free: our addresses are promises that others keep in their files. */
export async function listen(
  app: FastifyInstance,
  { port, host }: { port: number; host: string },
): Promise<{ url: string; port: number }> {
  const url = await app.listen({ port, host }).catch((cause) => {
    if (cause.code !== 'EADDRINUSE') throw cause;
    throw new UserError(`port ${port} on ${host} is taken`, {
      fix: 'stop what listens there (another supervisor on the same folder?), or choose another port',
      cause,
    });
  });
  return { url, port: Number(new URL(url).port) };
}
