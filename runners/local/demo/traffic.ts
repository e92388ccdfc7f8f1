import { setTimeout as sleep } from 'node:timers/promises';

/** One row that will become a request, and what later turned out to be true. */
export type LiveRow = { at: number; inputs: Record<string, number | string | null>; label: number | string };

type InputTensor = { name: string; datatype: 'FP32' | 'INT64' | 'BYTES' };

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
  /** Data time: of the newest request that was sent. */
  now(): number;
  stats(): {
    sent: number;
    failed: number;
    labelled: number;
    byVersion: Record<string, number>;
    failures: string[];
  };
  stop(): Promise<void>;
};

const PARALLEL = 8;
const SLOW_PER_SECOND = 4;
const FEEDBACK_BATCH = 200;

/**
 * A client that never stops sending: fast while a quarter passes, slowly while people and machines work on a
 * change, so that every canary meets real requests.
 */
export async function startTraffic({ url, model, rows, labelLagMs }: TrafficOptions): Promise<Traffic> {
  const tensors = await inputTensors(url, model);
  const counts = {
    sent: 0,
    failed: 0,
    labelled: 0,
    byVersion: {} as Record<string, number>,
    failures: [] as string[],
  };
  const stopper = new AbortController();
  const waiting: { id: string; label: number | string; due: number; at: number }[] = [];
  let next = 0;
  let perSecond = SLOW_PER_SECOND;
  let clock = rows[0]?.at ?? 0;
  let fast: {
    moment: number;
    resolve: () => void;
    onProgress: ((done: number, total: number) => void) | undefined;
    from: number;
    total: number;
  } | null = null;

  async function send(index: number): Promise<void> {
    const row = rows[index];
    if (row === undefined) return;
    const id = `live-${String(index).padStart(6, '0')}`;
    const answer = await post(`${url}/v2/models/${model}/infer`, {
      id,
      parameters: { event_time: new Date(row.at).toISOString() },
      inputs: tensors.map(({ name, datatype }) => ({
        name,
        datatype,
        shape: [1, 1],
        data: [row.inputs[name] ?? null],
      })),
    });
    counts.sent += 1;
    if (answer.status !== 200) {
      counts.failed += 1;
      if (counts.failures.length < 5) counts.failures.push(`${answer.status} ${JSON.stringify(answer.body)}`);
      return;
    }
    const version = String((answer.body as { model_version?: string }).model_version);
    counts.byVersion[version] = (counts.byVersion[version] ?? 0) + 1;
    waiting.push({ id: `${id}:0`, label: row.label, due: row.at + labelLagMs, at: row.at });
  }

  async function sendLabels(force = false): Promise<void> {
    const due = waiting.filter((item) => item.due <= clock);
    if (due.length === 0 || (due.length < FEEDBACK_BATCH && !force)) return;
    for (let at = 0; at < due.length; at += FEEDBACK_BATCH) {
      const items = due.slice(at, at + FEEDBACK_BATCH);
      const answer = await post(`${url}/v2/models/${model}/feedback`, {
        items: items.map(({ id, label, due: known }) => ({
          id,
          label,
          event_time: new Date(known).toISOString(),
        })),
      });
      if (answer.status >= 300)
        throw new Error(`labels were refused: ${answer.status} ${JSON.stringify(answer.body)}`);
      counts.labelled += items.length;
    }
    const sent = new Set(due);
    waiting.splice(0, waiting.length, ...waiting.filter((item) => !sent.has(item)));
  }

  /** Sends the rows [next, next + count) and moves data time to the last of them. */
  async function sendBatch(count: number): Promise<void> {
    const from = next;
    const until = Math.min(rows.length, from + count);
    next = until;
    await Promise.all(Array.from({ length: until - from }, (_, offset) => send(from + offset)));
    clock = Math.max(clock, rows[until - 1]?.at ?? clock);
  }

  async function fastStep(): Promise<void> {
    if (fast === null) return;
    const at = rows[next]?.at;
    if (at === undefined || at >= fast.moment) {
      clock = Math.max(clock, fast.moment);
      await sendLabels(true);
      const { resolve } = fast;
      fast = null;
      resolve();
      return;
    }
    const limit = fast.moment;
    let count = 0;
    while (count < PARALLEL && (rows[next + count]?.at ?? Number.POSITIVE_INFINITY) < limit) count += 1;
    await sendBatch(count);
    await sendLabels();
    fast.onProgress?.(next - fast.from, fast.total);
  }

  async function loop(): Promise<void> {
    while (!stopper.signal.aborted) {
      if (fast !== null) {
        await fastStep();
        continue;
      }
      if (next < rows.length) await sendBatch(1);
      await sendLabels();
      await sleep(1000 / perSecond, undefined, { signal: stopper.signal }).catch(() => undefined);
    }
  }
  const running = loop();

  return {
    runUntil(moment, onProgress) {
      const total = rows.filter(({ at }, index) => index >= next && at < moment).length;
      const done = new Promise<void>((resolve) => {
        fast = { moment, resolve, onProgress, from: next, total };
      });
      return Promise.race([done, running.then(() => undefined)]);
    },
    pace(wanted) {
      perSecond = wanted;
    },
    now: () => clock,
    stats: () => structuredClone(counts),
    async stop() {
      stopper.abort();
      await running;
    },
  };
}

async function inputTensors(url: string, model: string): Promise<InputTensor[]> {
  const response = await fetch(`${url}/v2/models/${model}`);
  if (!response.ok) throw new Error(`the router at ${url} does not know model ${model}: ${response.status}`);
  return ((await response.json()) as { inputs: InputTensor[] }).inputs;
}

async function post(url: string, body: unknown): Promise<{ status: number; body: unknown }> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
    return { status: response.status, body: await response.json().catch(() => null) };
  } catch (error) {
    return { status: 0, body: error instanceof Error ? error.message : String(error) };
  }
}
