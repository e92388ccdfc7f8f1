import { setTimeout as sleep } from 'node:timers/promises';
import type { Delivery, Journal } from './journal.ts';
import type { Metrics } from './metrics.ts';
import type { Log } from './project.ts';

const ATTEMPTS = 8;
const LONGEST_PAUSE_MS = 60_000;

export type Worker = ReturnType<typeof createWorker>;

/**
 * Works off deliveries and marks them done. A failed one is tried again, later each time: GitHub may be
 * down, or limit us. One that never succeeds is given up loudly; what it was about is found by reconcile.
 */
export function createWorker({
  journal,
  handle,
  metrics,
  log,
  pauseMs = (attempt) => Math.min(500 * 2 ** attempt, LONGEST_PAUSE_MS),
}: {
  journal: Pick<Journal, 'finish'>;
  handle: (delivery: Delivery) => Promise<void>;
  metrics: Metrics;
  log: Log;
  pauseMs?: (attempt: number) => number;
}) {
  const running = new Set<Promise<void>>();
  const stopping = new AbortController();

  async function work(delivery: Delivery): Promise<void> {
    for (let attempt = 1; !stopping.signal.aborted; attempt += 1) {
      try {
        await handle(delivery);
        metrics.count('roundhouse_deliveries_done_total', { event: delivery.name });
        return finish(delivery);
      } catch (error) {
        metrics.count('roundhouse_delivery_failures_total', { event: delivery.name });
        log.warn({ delivery: delivery.id, event: delivery.name, attempt, error }, 'a delivery failed');
        if (attempt === ATTEMPTS) return giveUp(delivery);
      }
      await sleep(pauseMs(attempt), null, { signal: stopping.signal }).catch(() => {});
    }
  }

  async function giveUp(delivery: Delivery): Promise<void> {
    log.error({ delivery: delivery.id, event: delivery.name }, 'a delivery was given up');
    metrics.count('roundhouse_deliveries_given_up_total', { event: delivery.name });
    await finish(delivery);
  }

  /** What is done isn't done again because the journal could not say so: the next process may. */
  async function finish({ id, name }: Delivery): Promise<void> {
    await journal.finish(id).catch((error: unknown) => {
      log.error({ delivery: id, event: name, error }, 'the journal could not say that a delivery is done');
    });
  }

  return {
    start(delivery: Delivery): void {
      const task = work(delivery).finally(() => running.delete(task));
      running.add(task);
    },
    /** Lets what runs end; what waits for another try stays in the journal for the next start. */
    async drain(limitMs: number): Promise<void> {
      stopping.abort();
      await Promise.race([Promise.allSettled(running), sleep(limitMs, null, { ref: false })]);
    },
  };
}
