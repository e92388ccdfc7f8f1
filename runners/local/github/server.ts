import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import fastify, { type FastifyInstance } from 'fastify';
import { ZodError } from 'zod';
import { serveApi } from './api.ts';
import { openBlobs } from './blobs.ts';
import { serveControl } from './control.ts';
import { serveFaults } from './faults.ts';
import { writeHooks } from './git.ts';
import { serveGit } from './git-http.ts';
import { gitPool, type Hub, queues } from './hub.ts';
import { startMergeQueues } from './merge-queue.ts';
import { servePages } from './pages/serve.ts';
import { announceUnseen } from './refs.ts';
import { Refusal, refusalBody } from './refusal.ts';
import type { Delivery } from './rows/app.ts';
import { endLostRuns, endUnclaimedRuns } from './runs.ts';
import { startWallClock } from './schedule.ts';
import { serveSecondaryLimits } from './secondary-limits.ts';
import { ensureSecrets } from './secrets.ts';
import { type SeedSpec, seed } from './seed.ts';
import { markStaleChecks, STALE_MS } from './stale-checks.ts';
import { openState } from './state.ts';
import { type Deliveries, isFresh, startDeliveries } from './webhooks.ts';

export type GitHubOptions = {
  dir: string;
  /** 0 = any free port. */
  port: number;
  log: (line: string) => void;
  seed?: SeedSpec;
  /** Requests per token and hour. */
  rateLimit?: number;
  /** How long a runner may say nothing of its run before the run has failed. */
  runnerSilentMs?: number;
  /** How long a run may wait for a runner. */
  queuedMs?: number;
  /** A check that is incomplete for so long is stale. */
  staleMs?: number;
};
export type RunningGitHub = { url: string; port: number; close(): Promise<void> };

const MAX_BODY_BYTES = 25 * 1024 ** 2;
const MAX_PARAM_LENGTH = 1000;
const ENTERPRISE_RATE_LIMIT = 15_000;
const RUNNER_SILENT_MS = 120_000;
const QUEUED_MS = 24 * 3_600_000;
const LOOK_AT_RUNS_MS = 30_000;

/** The local GitHub on one loopback port. All its state is in `dir`; killing it at any time loses no answer. */
export async function startGitHub(options: GitHubOptions): Promise<RunningGitHub> {
  const { dir } = options;
  await mkdir(join(dir, 'github'), { recursive: true });
  await writeHooks(join(dir, 'github', 'hooks'));
  const keep = (table: string, row: unknown) => table !== 'deliveries' || isFresh(row as Delivery);
  const db = await openState(join(dir, 'github', 'journal.jsonl'), keep);
  const pool = gitPool(dir);
  const server = fastify({ bodyLimit: MAX_BODY_BYTES, routerOptions: { maxParamLength: MAX_PARAM_LENGTH } });
  let deliveries: Deliveries | undefined;
  let queue: ReturnType<typeof startMergeQueues> | undefined;
  const hub: Hub = {
    dir,
    origin: '',
    log: options.log,
    db,
    secrets: await ensureSecrets(dir),
    blobs: openBlobs(join(dir, 'github')),
    git: pool.git,
    closeGit: pool.closeGit,
    exclusive: queues(),
    deliver: (id) => deliveries?.deliver(id),
    wakeQueue: (repo) => queue?.wake(repo),
    undelivered: () => deliveries?.pending() ?? 0,
    wakeRunners: () => [...hub.sleepers].forEach((wake) => void wake()),
    sleepers: new Set(),
    runners: new Map(),
    lastSeen: new Map(),
    rateLimit: options.rateLimit ?? ENTERPRISE_RATE_LIMIT,
  };
  answerFaults(server, hub);
  serveFaults(server, hub);
  serveSecondaryLimits(server, hub);
  refuseForeignHosts(server);
  serveApi(server, hub);
  serveGit(server, hub);
  serveControl(server, hub);
  servePages(server, hub);
  await server.listen({ host: '127.0.0.1', port: options.port });
  const { port } = server.server.address() as { port: number };
  hub.origin = `http://127.0.0.1:${port}`;
  deliveries = startDeliveries(hub);
  if (options.seed) await seed(hub, options.seed);
  await announceUnseen(hub);
  await db.committed();
  deliveries.kick();
  queue = startMergeQueues(hub);
  const clock = startWallClock(hub);
  const limit = { since: Date.now(), silentMs: options.runnerSilentMs ?? RUNNER_SILENT_MS };
  const queuedMs = options.queuedMs ?? QUEUED_MS;
  const staleMs = options.staleMs ?? STALE_MS;
  const endRuns = () =>
    Promise.all([
      endLostRuns(hub, limit),
      endUnclaimedRuns(hub, queuedMs),
      markStaleChecks(hub, staleMs),
    ]).catch((error) => hub.log(`lost runs: ${String(error)}`));
  const lost = setInterval(endRuns, Math.min(limit.silentMs / 4, queuedMs, staleMs, LOOK_AT_RUNS_MS));
  lost.unref();
  return {
    url: hub.origin,
    port,
    async close() {
      clock.stop();
      await queue?.stop();
      clearInterval(lost);
      hub.wakeRunners();
      server.server.closeAllConnections();
      await server.close();
      await deliveries?.stop();
      pool.close();
      await db.close();
    },
  };
}

/** A web page elsewhere must not reach this port under a name of its own that resolves to this machine. */
function refuseForeignHosts(server: FastifyInstance): void {
  server.addHook('onRequest', async (request) => {
    if (['127.0.0.1', 'localhost', '[::1]'].includes(request.hostname)) return;
    throw new Refusal(421, `This server does not answer for ${request.hostname}`);
  });
}

/** Refusals in GitHub's shape; anything else is our fault and says so in the log. */
function answerFaults(server: FastifyInstance, hub: Hub): void {
  server.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const refusal = asRefusal(error);
    if (refusal) {
      return reply
        .code(refusal.status)
        .headers(refusal.headers)
        .type('application/json; charset=utf-8')
        .send(JSON.stringify(refusalBody(refusal)));
    }
    hub.log(`${request.method} ${request.url}: ${error.stack ?? error.message}`);
    return reply.code(500).send(refusalBody(new Refusal(500, 'Server Error')));
  });
  server.setNotFoundHandler((_request, reply) =>
    reply.code(404).send(refusalBody(new Refusal(404, 'Not Found'))),
  );
}

function asRefusal(error: Error & { statusCode?: number }): Refusal | undefined {
  if (error instanceof Refusal) return error;
  if (error instanceof ZodError)
    return new Refusal(
      422,
      error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '),
    );
  if (error instanceof SyntaxError || error.statusCode === 400)
    return new Refusal(400, 'Problems parsing JSON');
  if (error.statusCode && error.statusCode < 500) return new Refusal(error.statusCode, error.message);
  return undefined;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { dir: { type: 'string' }, port: { type: 'string', default: '4440' }, seed: { type: 'string' } },
  });
  if (!values.dir) throw new Error('--dir is needed');
  const spec = values.seed ? (JSON.parse(values.seed) as SeedSpec) : undefined;
  const github = await startGitHub({
    dir: values.dir,
    port: Number(values.port),
    log: (line) => void process.stderr.write(`${line}\n`),
    ...(spec ? { seed: spec } : {}),
  });
  process.stdout.write(`${JSON.stringify({ ready: true, url: github.url, port: github.port })}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void github.close().then(() => process.exit(0)));
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
