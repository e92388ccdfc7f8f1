import Fastify, { type FastifyInstance } from 'fastify';
import { registerOip } from './oip.ts';
import type { Serving } from './served-model.ts';

export type Router = { url: string; port: number; close(): Promise<void> };

/** The largest request body. */
const BODY_LIMIT = 4 * 1024 * 1024;
/** A client has this long to send its request, byte by byte or not. */
const REQUEST_TIMEOUT_MS = 15_000;
const MAX_CONNECTIONS = 4096;

/** One port that answers the Open Inference Protocol v2 for one environment. */
export async function openRouter(
  serving: Serving,
  { port, host }: { port: number; host: string },
): Promise<Router> {
  const app = createHttp();
  registerOip(app, serving);
  const url = await app.listen({ port, host });
  return { url, port: portOf(app), close: () => app.close() };
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

export function portOf(app: FastifyInstance): number {
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new TypeError('the server listens on no port');
  return address.port;
}
