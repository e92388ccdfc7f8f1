import { type FileHandle, mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

export type Delivery = { id: string; name: string; payload: unknown };
export type Receipt = 'new' | 'waiting' | 'done';

const lineSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('received'), id: z.string(), name: z.string(), payload: z.unknown() }),
  z.object({ kind: z.literal('done'), id: z.string() }),
]);

/** GitHub redelivers for three days; ids older than this many deliveries are forgotten. */
const REMEMBERED = 20_000;

export type Journal = Awaited<ReturnType<typeof openJournal>>;

/**
 * Deliveries on disk before they are answered, so that a crash loses none. Duplicates are told by what is
 * done, not by what was seen: a redelivery of work that never finished is finished. Appends that come
 * together share one fdatasync. A torn last line, left by a kill, is a delivery that was never answered.
 */
export async function openJournal(folder: string) {
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'deliveries.jsonl');
  const heardAt = await lastWrite(path);
  const { unfinished, done } = await replay(path);
  const waiting = new Map(unfinished.map((delivery) => [delivery.id, delivery]));
  await compact(path, waiting, done);
  const file = await open(path, 'a');
  const append = groupCommit(file);

  return {
    /** When the process before this one last wrote; null for a first one. */
    heardAt,
    /** Deliveries that were received and not done when the process ended, in order. */
    unfinished: (): Delivery[] => [...waiting.values()],
    waiting: (): number => waiting.size,
    /** Resolves when the delivery is on disk. */
    async receive(delivery: Delivery): Promise<Receipt> {
      if (done.has(delivery.id)) return 'done';
      if (waiting.has(delivery.id)) return 'waiting';
      waiting.set(delivery.id, delivery);
      await append({ kind: 'received', ...delivery });
      return 'new';
    },
    async finish(id: string): Promise<void> {
      waiting.delete(id);
      done.add(id);
      await append({ kind: 'done', id });
    },
    close: (): Promise<void> => file.close(),
  };
}

async function lastWrite(path: string): Promise<Date | null> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  return found?.mtime ?? null;
}

async function replay(path: string): Promise<{ unfinished: Delivery[]; done: Set<string> }> {
  const unfinished = new Map<string, Delivery>();
  const done = new Set<string>();
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  for (const line of whole.split('\n')) {
    if (line === '') continue;
    const entry = lineSchema.parse(JSON.parse(line));
    if (entry.kind === 'received') {
      unfinished.set(entry.id, { id: entry.id, name: entry.name, payload: entry.payload });
      continue;
    }
    unfinished.delete(entry.id);
    done.add(entry.id);
  }
  return { unfinished: [...unfinished.values()], done };
}

async function compact(path: string, waiting: Map<string, Delivery>, done: Set<string>): Promise<void> {
  for (const id of [...done].slice(0, -REMEMBERED)) done.delete(id);
  const lines = [
    ...[...done].map((id) => JSON.stringify({ kind: 'done', id })),
    ...[...waiting.values()].map((delivery) => JSON.stringify({ kind: 'received', ...delivery })),
  ];
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w');
  await file.writeFile(lines.map((line) => `${line}\n`).join(''));
  await file.sync();
  await file.close();
  await rename(temporary, path);
}

function groupCommit(file: FileHandle): (entry: object) => Promise<void> {
  let lines: string[] = [];
  let next: Promise<void> | null = null;
  let last: Promise<void> = Promise.resolve();

  async function flush(): Promise<void> {
    const text = lines.join('');
    lines = [];
    next = null;
    await file.appendFile(text);
    await file.datasync();
  }

  return (entry) => {
    lines.push(`${JSON.stringify(entry)}\n`);
    if (next === null) {
      next = last.then(flush);
      last = next.catch(() => {});
    }
    return next;
  };
}
