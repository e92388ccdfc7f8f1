import { setTimeout as sleep } from 'node:timers/promises';
import { type LiveRow, type TrafficClient, type TrafficCounts, trafficClient } from './traffic-client.ts';

export type TrafficOptions = {
  /** Address of the environment's router. */
  url: string;
  model: string;
  /** In order of time. */
  rows: LiveRow[];
  /** How long after the request its label is sent. */
  labelLagMs: number;
};

export type Traffic = {
  /** Sends everything before the moment as fast as it is answered, then goes on slowly. */
  runUntil(moment: number, onProgress?: (done: number, total: number) => void): Promise<void>;
  /** Requests a second while no quarter is being passed. */
  pace(perSecond: number): void;
  stats(): TrafficCounts;
  stop(): Promise<void>;
};

/** A moment that is run towards, and who waits for it. */
type Rush = {
  moment: number;
  arrived: () => void;
  onProgress: (done: number, total: number) => void;
  from: number;
  total: number;
};

const PARALLEL = 8;
const SLOW_PER_SECOND = 4;

/**
 * A client that never stops sending: fast while a quarter passes, slowly while people and machines work on a
 * change, so that every canary meets real requests.
 */
export async function startTraffic({ url, model, rows, labelLagMs }: TrafficOptions): Promise<Traffic> {
  const client = await trafficClient({ url, model, labelLagMs });
  const road = { rows, client, next: 0, clock: rows[0]?.at ?? 0 };
  const stopper = new AbortController();
  let perSecond = SLOW_PER_SECOND;
  let rush: Rush | null = null;

  async function loop(): Promise<void> {
    while (!stopper.signal.aborted) {
      if (rush !== null) {
        if (await hurry(road, rush)) rush = null;
        continue;
      }
      await sendBatch(road, 1);
      await client.sendLabels(road.clock);
      await sleep(1000 / perSecond, undefined, { signal: stopper.signal }).catch(() => undefined);
    }
  }
  const running = loop();

  return {
    runUntil(moment, onProgress = () => {}) {
      const total = rows.filter(({ at }, index) => index >= road.next && at < moment).length;
      const arrival = new Promise<void>((arrived) => {
        rush = { moment, arrived, onProgress, from: road.next, total };
      });
      return Promise.race([arrival, running]);
    },
    pace(wanted) {
      perSecond = wanted;
    },
    stats: client.counts,
    async stop() {
      stopper.abort();
      await running;
    },
  };
}

/** How far the rows have been sent; `clock` is data time, the time of the newest request. */
type Road = { rows: LiveRow[]; client: TrafficClient; next: number; clock: number };

async function sendBatch(road: Road, count: number): Promise<void> {
  const { rows, client, next } = road;
  const batch = rows.slice(next, next + count);
  road.next += batch.length;
  await Promise.all(batch.map((row, offset) => client.send(next + offset, row)));
  road.clock = Math.max(road.clock, batch.at(-1)?.at ?? road.clock);
}

/** One batch towards the moment; true when it is reached and all labels that are due are sent. */
async function hurry(road: Road, { moment, arrived, onProgress, from, total }: Rush): Promise<boolean> {
  const { rows, client, next } = road;
  const count = rows.slice(next, next + PARALLEL).filter(({ at }) => at < moment).length;
  if (count === 0) {
    road.clock = Math.max(road.clock, moment);
    await client.sendLabels(road.clock, true);
    arrived();
    return true;
  }
  await sendBatch(road, count);
  await client.sendLabels(road.clock);
  onProgress(road.next - from, total);
  return false;
}
