import { describe, expect, it } from 'vitest';
import type { Delivery, Journal } from '../../app/journal.ts';
import { createMetrics } from '../../app/metrics.ts';
import { createWorker } from '../../app/worker.ts';

const DELIVERY: Delivery = { id: 'a', name: 'push', payload: {} };

/** A worker whose handler fails so many times, beside a journal that can be written or can't. */
function working({ failures, journal = 'works' }: { failures: number; journal?: 'works' | 'fails' }) {
  const seen = { handled: 0, finished: 0, told: [] as string[] };
  const metrics = createMetrics({});
  let over: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    over = resolve;
  });
  const worker = createWorker({
    journal: {
      finish: async () => {
        over();
        if (journal === 'fails') throw new Error('disk full');
        seen.finished += 1;
      },
    } satisfies Pick<Journal, 'finish'>,
    handle: async () => {
      seen.handled += 1;
      if (seen.handled <= failures) throw new Error('GitHub is down');
    },
    metrics,
    log: { info: () => {}, warn: () => {}, error: (_fields, text) => void seen.told.push(text) },
    pauseMs: () => 0,
  });
  return { worker, seen, metrics, ended };
}

async function work({ worker, seen, ended }: ReturnType<typeof working>) {
  worker.start(DELIVERY);
  await ended;
  await worker.drain(1000);
  return seen;
}

describe('the worker', () => {
  it('tries again what failed', async () => {
    expect(await work(working({ failures: 3 }))).toEqual({ handled: 4, finished: 1, told: [] });
  });

  it('gives up loudly what never succeeds', async () => {
    const lost = working({ failures: 100 });
    expect(await work(lost)).toEqual({ handled: 8, finished: 1, told: ['a delivery was given up'] });
    expect(lost.metrics.render()).toContain('roundhouse_deliveries_given_up_total{event="push"} 1');
  });

  it('does nothing twice, and lives on, where the journal cannot be written', async () => {
    const seen = await work(working({ failures: 0, journal: 'fails' }));
    expect(seen).toMatchObject({ handled: 1, finished: 0 });
    expect(seen.told).toEqual(['the journal could not say that a delivery is done']);
  });
});
