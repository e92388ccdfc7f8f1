import { join } from 'node:path';
import type { FeedbackRecord, PredictionRecord } from '#lib/lifecycle/serving.ts';
import { openLineFiles } from './line-files.ts';

/** Both resolve to true when the records are in their files, to false when they are dropped and counted. */
export type RecordLog = {
  predictions(of: LogFolder, records: readonly PredictionRecord[]): Promise<boolean>;
  feedback(of: LogFolder, records: readonly FeedbackRecord[]): Promise<boolean>;
  counts(): { written: number; dropped: number };
  /** Writes what is left. */
  close(): Promise<void>;
};
type LogFolder = { model: string; environment: string };

type Entry = { path: string; lines: number; text: string; done: (isWritten: boolean) => void };

/** Records that may wait for a slow disk; more is dropped and counted. */
const MAX_WAITING = 50_000;

/**
 * The prediction log: `<root>/<model>/<environment>/predictions|feedback/<event date>.jsonl`. Whole lines are
 * appended in groups: what arrives while a write is on its way goes out with the next. A kill can tear the
 * last line only. One process writes a folder.
 */
export function openRecordLog({ root, log }: { root: string; log: (line: string) => void }): RecordLog {
  const files = openLineFiles();
  let waiting: Entry[] = [];
  let waitingLines = 0;
  let writing: Promise<void> | null = null;
  let written = 0;
  let dropped = 0;

  async function append(folder: string, records: readonly { event_time: string }[]): Promise<boolean> {
    const byDate = groupBy(records, ({ event_time }) => `${event_time.slice(0, 10)}.jsonl`);
    const results = [...byDate].map(([name, group]) => enqueue(join(folder, name), group));
    return (await Promise.all(results)).every(Boolean);
  }

  function enqueue(path: string, records: readonly unknown[]): Promise<boolean> {
    const lines = records.length;
    if (waitingLines + lines > MAX_WAITING) {
      dropped += lines;
      return Promise.resolve(false);
    }
    waitingLines += lines;
    const text = records.map((record) => `${JSON.stringify(record)}\n`).join('');
    return new Promise((done) => {
      waiting.push({ path, lines, text, done });
      writing ??= writeAll();
    });
  }

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const groups = groupBy(waiting, ({ path }) => path);
      waiting = [];
      for (const [path, entries] of groups) await writeGroup(path, entries);
    }
    writing = null;
  }

  async function writeGroup(path: string, entries: readonly Entry[]): Promise<void> {
    const lines = entries.reduce((sum, entry) => sum + entry.lines, 0);
    const isWritten = await files.append(path, entries.map(({ text }) => text).join('')).then(
      () => true,
      (error: Error) => {
        log(`${lines} records for ${path} are dropped: ${error.message}`);
        return false;
      },
    );
    waitingLines -= lines;
    if (isWritten) written += lines;
    else dropped += lines;
    for (const { done } of entries) done(isWritten);
  }

  return {
    predictions: ({ model, environment }, records) =>
      append(join(root, model, environment, 'predictions'), records),
    feedback: ({ model, environment }, records) =>
      append(join(root, model, environment, 'feedback'), records),
    counts: () => ({ written, dropped }),
    async close() {
      while (writing !== null) await writing;
      await files.close();
    },
  };
}

function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
