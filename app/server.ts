import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Probot, ProbotOctokit } from 'probot';
import { guardedFetch, octokitDefaults } from '#lib/github/client.ts';
import { openAuditKey } from './audit-key.ts';
import { createFront } from './front.ts';
import { registerFeatures } from './index.ts';
import { openJournal } from './journal.ts';
import { createLiveness } from './liveness.ts';
import { createLog } from './log.ts';
import { openLooks } from './looks.ts';
import { createMetrics } from './metrics.ts';
import type { Log } from './project.ts';
import { createProjects, readOwnerId } from './projects.ts';
import { createReconciler } from './reconciler.ts';
import { readSettings } from './settings.ts';
import { createTroubles } from './troubles.ts';
import { createWorker } from './worker.ts';

/** How long the process may go on with what it began after SIGTERM. */
const DRAIN_MS = 20_000;

export type RunningApp = { url: string; close(): Promise<void> };

/**
 * The control plane as a process: journal, front, Probot, and a timer that reconciles. Deliveries that an
 * earlier process left are finished first.
 */
export async function startApp({
  port,
  env,
  log = createLog(),
  now = () => new Date(),
}: {
  port: number;
  env: Record<string, string | undefined>;
  log?: Log;
  now?: () => Date;
}): Promise<RunningApp> {
  const settings = readSettings(env);
  const journal = await openJournal(join(settings.dir, 'journal'));
  const probot = createProbot(settings);
  const troubles = createTroubles();
  const ownerId = await readOwnerId(settings.dir);
  const auditKey = await openAuditKey(settings, log);
  const projects = createProjects({ probot, settings, ownerId, auditKey, troubles, log });
  await registerFeatures(probot, projects);
  const metrics = createMetrics({
    roundhouse_deliveries_waiting: journal.waiting,
    roundhouse_comments_given_up: troubles.givenUp,
  });
  const worker = createWorker({
    journal,
    metrics,
    log,
    handle: ({ id, name, payload }) =>
      probot.receive({ id, name, payload } as Parameters<Probot['receive']>[0]),
  });
  const liveness = createLiveness({ roundMs: settings.reconcileMs, now });
  const front = createFront({
    secret: settings.webhookSecret,
    receive: journal.receive,
    start: worker.start,
    metrics,
    healthy: () => {
      const { ok, detail } = liveness.report();
      return { ok, detail: { waiting: journal.waiting(), ...detail, ...troubles.report() } };
    },
  });
  const stopping = new AbortController();
  const reconcile = createReconciler(projects, await openLooks(settings.dir));

  async function keepReconciling(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await reconcile();
        liveness.succeeded();
      } catch (error) {
        liveness.failed(error);
        metrics.count('roundhouse_reconcile_failures_total');
        log.warn({ error }, 'reconciling failed');
      }
      await sleep(settings.reconcileMs, null, { signal: stopping.signal }).catch(() => {});
    }
  }

  await new Promise<void>((resolve, reject) => {
    front.once('error', reject);
    front.listen(port, '127.0.0.1', resolve);
  });
  for (const delivery of journal.unfinished()) worker.start(delivery);
  const reconciling = keepReconciling();
  const url = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
  log.info({ url, github: settings.apiUrl }, 'the app listens');

  return {
    url,
    async close() {
      stopping.abort();
      const closed = new Promise((resolve) => front.close(resolve));
      front.closeIdleConnections();
      await closed;
      await Promise.race([reconciling, sleep(DRAIN_MS, null, { ref: false })]);
      await worker.drain(DRAIN_MS);
      await journal.close();
    },
  };
}

function createProbot(settings: ReturnType<typeof readSettings>): Probot {
  return new Probot({
    appId: settings.appId,
    privateKey: settings.privateKey,
    secret: settings.webhookSecret,
    baseUrl: settings.apiUrl,
    // Handlers' errors are logged by the worker, once per attempt; at debug Probot would log whole payloads.
    logLevel: 'fatal',
    request: { fetch: guardedFetch(settings.apiUrl) },
    Octokit: ProbotOctokit.defaults(octokitDefaults(settings.apiUrl)) as typeof ProbotOctokit,
  });
}
