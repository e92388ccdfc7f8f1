import { setTimeout as delay } from 'node:timers/promises';
import type { Signature } from '#lib/lifecycle/bundle.ts';
import { type FeedRow, feedOfRows } from '#lib/ml/feed.ts';
import type { Prediction, Predictor, PredictorOptions } from '#lib/ml/predictor-types.ts';

/** `busy`: not taken, come back in some seconds. `failed`: the model could not answer these rows. */
export type Answer =
  | { kind: 'answered'; rows: number[][] }
  | { kind: 'busy'; retryAfter: number; message: string }
  | { kind: 'failed'; message: string };

export type ModelProcess = {
  predict(rows: FeedRow[]): Promise<Answer>;
  isReady(): boolean;
  queuedRows(): number;
  /** How often the child was started again. */
  restarts(): number;
  /** Answers what was taken, then stops the child. */
  close(): Promise<void>;
};

export type ModelProcessOptions = {
  name: string;
  model: Uint8Array;
  signature: Signature;
  start: (options: PredictorOptions) => Promise<Predictor>;
  log: (line: string) => void;
  /** Rows that may wait; more is answered `busy`. */
  maxQueuedRows?: number;
  deadlineMs?: number;
};

type Waiting = { rows: FeedRow[]; answer: (answer: Answer) => void; isRetry: boolean };

const MAX_BATCH_ROWS = 1024;
/** While a restart takes longer than this, requests are turned away and don't wait. */
const PATIENCE_MS = 1000;
const LONGEST_BACKOFF_MS = 30_000;

/**
 * One version of a model in one child process. Requests that arrive within one tick of the event loop, or
 * while the child is busy, go to it together. When the child dies it is started again, at once the first
 * time, then with growing pauses; what it was working on is tried once more, each request by itself, so that
 * one poisonous request takes no other with it.
 */
export async function startModelProcess(options: ModelProcessOptions): Promise<ModelProcess> {
  const { name, model, signature, log, maxQueuedRows = 16_384, deadlineMs = 5_000 } = options;
  const start = () => options.start({ model, signature, deadlineMs });
  const closing = new AbortController();
  let queue: Waiting[] = [];
  let queuedRows = 0;
  let predictor: Predictor | null = await start();
  let isWorking = false;
  let failures = 0;
  let restarts = 0;
  let idle = () => {};

  function predict(rows: FeedRow[]): Promise<Answer> {
    if (closing.signal.aborted) return Promise.resolve(busy('this version is being stopped'));
    if (predictor === null && backoffMs(failures) > PATIENCE_MS)
      return Promise.resolve(busy('the model is being started again'));
    if (queuedRows > 0 && queuedRows + rows.length > maxQueuedRows)
      return Promise.resolve(busy('too many requests wait'));
    return new Promise((answer) => {
      queue.push({ rows, answer, isRetry: false });
      queuedRows += rows.length;
      if (!isWorking) wake();
    });
  }

  function wake(): void {
    isWorking = true;
    setImmediate(() => void work());
  }

  async function work(): Promise<void> {
    while (queue.length > 0) {
      const serving = predictor ?? (await restart());
      if (serving === null) turnAway('this version is being stopped');
      else await answerBatch(serving, takeBatch());
    }
    isWorking = false;
    idle();
  }

  function takeBatch(): Waiting[] {
    let rows = 0;
    let count = 0;
    for (const waiting of queue) {
      const isAlone = waiting.isRetry || rows + waiting.rows.length > MAX_BATCH_ROWS;
      if (count > 0 && isAlone) break;
      rows += waiting.rows.length;
      count += 1;
      if (isAlone) break;
    }
    queuedRows -= rows;
    return queue.splice(0, count);
  }

  async function answerBatch(serving: Predictor, batch: Waiting[]): Promise<void> {
    const rows = batch.flatMap((waiting) => waiting.rows);
    try {
      const prediction = await serving.predict(feedOfRows(rows, signature), rows.length);
      failures = 0;
      handOut(batch, prediction);
    } catch (error) {
      log(`${name}: the model process failed: ${messageOf(error)}`);
      await serving.close().catch(() => {});
      predictor = null;
      failures += 1;
      const again = batch.filter((waiting) => !waiting.isRetry);
      for (const { answer } of batch.filter((waiting) => waiting.isRetry))
        answer({ kind: 'failed', message: 'the model failed on this request twice' });
      queue = [...again.map((waiting) => ({ ...waiting, isRetry: true })), ...queue];
      queuedRows += again.reduce((sum, waiting) => sum + waiting.rows.length, 0);
      if (queue.length === 0) void restart();
    }
  }

  let restarting: Promise<Predictor | null> | null = null;
  function restart(): Promise<Predictor | null> {
    restarting ??= startAgain().finally(() => {
      restarting = null;
    });
    return restarting;
  }

  /** Null when it is closed meanwhile. */
  async function startAgain(): Promise<Predictor | null> {
    while (!closing.signal.aborted) {
      const pause = backoffMs(failures);
      if (pause > PATIENCE_MS) turnAway('the model is being started again');
      try {
        await delay(pause, undefined, { signal: closing.signal });
        restarts += 1;
        predictor = await start();
        return predictor;
      } catch (error) {
        if (closing.signal.aborted) break;
        failures += 1;
        log(`${name}: the model process can't be started again: ${messageOf(error)}`);
      }
    }
    return null;
  }

  function turnAway(message: string): void {
    for (const { answer } of queue) answer(busy(message));
    queue = [];
    queuedRows = 0;
  }

  function busy(message: string): Answer {
    return { kind: 'busy', message, retryAfter: Math.max(1, Math.ceil(backoffMs(failures) / 1000)) };
  }

  return {
    predict,
    isReady: () => predictor !== null && !closing.signal.aborted,
    queuedRows: () => queuedRows,
    restarts: () => restarts,
    async close() {
      closing.abort();
      if (isWorking) await new Promise<void>((resolve) => (idle = resolve));
      await restarting;
      await predictor?.close();
    },
  };
}

/** No pause after the first failure, then 250 ms, doubled each time. */
function backoffMs(failures: number): number {
  if (failures < 2) return 0;
  return Math.min(250 * 2 ** (failures - 2), LONGEST_BACKOFF_MS);
}

function handOut(batch: readonly Waiting[], { values, width }: Prediction): void {
  let row = 0;
  for (const { rows, answer } of batch) {
    const predictions = rows.map((_, at) => [...values.subarray((row + at) * width, (row + at + 1) * width)]);
    row += rows.length;
    const isSound = predictions.every((values) => values.length > 0 && values.every(Number.isFinite));
    answer(
      isSound
        ? { kind: 'answered', rows: predictions }
        : { kind: 'failed', message: 'the model answered something that is no number' },
    );
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
