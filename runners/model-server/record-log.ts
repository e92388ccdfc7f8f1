import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FeedbackRecord, PredictionRecord } from '#lib/lifecycle/serving.ts';

export type RecordLog = {
  /** Resolves when the records are in the file, or are dropped and counted: answers wait for it. */
  predictions(records: readonly PredictionRecord[]): Promise<boolean>;
  feedback(model: string, environment: string, records: readonly FeedbackRecord[]): Promise<boolean>;
  counts(): { written: number; dropped: number };
  /** Writes what is left. */
  close(): Promise<void>;
};

type Entry = { path: string; lines: number; text: string; done: (isWritten: boolean) => void };

/** Records that may wait for a slow disk; more is dropped and counted. */
const MAX_WAITING = 50_000;
const TAIL = 64 * 1024;

/**
 * The prediction log: `<root>/<model>/<environment>/predictions|feedback/<event date>.jsonl`. Whole lines are
 * appended in groups: what arrives while a write is on its way goes out with the next. A kill can tear the
 * last line only; the next writer cuts it off. One process writes a folder.
 */
export function openRecordLog({ root, log }: { root: string; log: (line: string) => void }): RecordLog {
  const mended = new Set<string>();
  let waiting: Entry[] = [];
  let waitingLines = 0;
  let writing: Promise<void> | null = null;
  let written = 0;
  let dropped = 0;

  function append(path: string, records: readonly unknown[]): Promise<boolean> {
    if (waitingLines + records.length > MAX_WAITING) {
      dropped += records.length;
      return Promise.resolve(false);
    }
    const text = records.map((record) => `${JSON.stringify(record)}\n`).join('');
    waitingLines += records.length;
    return new Promise((done) => {
      waiting.push({ path, lines: records.length, text, done });
      writing ??= writeAll();
    });
  }

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      for (const [path, entries] of byPath(group)) await writeGroup(path, entries);
    }
    writing = null;
  }

  async function writeGroup(path: string, entries: readonly Entry[]): Promise<void> {
    const lines = entries.reduce((sum, entry) => sum + entry.lines, 0);
    let isWritten = true;
    try {
      await appendWhole({ path, text: entries.map((entry) => entry.text).join(''), mend: !mended.has(path) });
      mended.add(path);
      written += lines;
    } catch (error) {
      isWritten = false;
      dropped += lines;
      log(`${lines} records for ${path} are dropped: ${error instanceof Error ? error.message : error}`);
    }
    waitingLines -= lines;
    for (const { done } of entries) done(isWritten);
  }

  return {
    async predictions(records) {
      const groups = records.map((record) => ({
        record,
        path: pathOf(record.model, record.environment, 'predictions', record),
      }));
      const results = [...byPath(groups)].map(([path, group]) =>
        append(
          path,
          group.map(({ record }) => record),
        ),
      );
      return (await Promise.all(results)).every(Boolean);
    },
    async feedback(model, environment, records) {
      const groups = records.map((record) => ({
        record,
        path: pathOf(model, environment, 'feedback', record),
      }));
      const results = [...byPath(groups)].map(([path, group]) =>
        append(
          path,
          group.map(({ record }) => record),
        ),
      );
      return (await Promise.all(results)).every(Boolean);
    },
    counts: () => ({ written, dropped }),
    async close() {
      while (writing !== null) await writing;
    },
  };

  function pathOf(model: string, environment: string, kind: string, record: { event_time: string }): string {
    return join(root, model, environment, kind, `${record.event_time.slice(0, 10)}.jsonl`);
  }
}

function byPath<Item extends { path: string }>(items: readonly Item[]): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(item.path);
    if (group === undefined) groups.set(item.path, [item]);
    else group.push(item);
  }
  return groups;
}

/** All of the text or none of it: a write that fails half-way is cut off again. */
async function appendWhole({
  path,
  text,
  mend,
}: {
  path: string;
  text: string;
  mend: boolean;
}): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'a+');
  try {
    const { size } = await file.stat();
    const end = mend ? await endOfLastLine(file, size) : size;
    if (end < size) await file.truncate(end);
    try {
      await file.appendFile(text);
    } catch (error) {
      await file.truncate(end);
      throw error;
    }
  } finally {
    await file.close();
  }
}

type ReadableFile = {
  read(buffer: Buffer, offset: number, length: number, position: number): Promise<unknown>;
};

async function endOfLastLine(file: ReadableFile, size: number): Promise<number> {
  for (let end = size; end > 0; end -= TAIL) {
    const from = Math.max(0, end - TAIL);
    const tail = Buffer.alloc(end - from);
    await file.read(tail, 0, tail.length, from);
    const newline = tail.lastIndexOf(0x0a);
    if (newline >= 0) return from + newline + 1;
  }
  return 0;
}
