import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { removeDrafts } from '#lib/store/durable-file.ts';
import { openLineLog } from './line-log.ts';

export type Delivery = { id: string; name: string; payload: unknown };
export type Receipt = 'new' | 'waiting' | 'done';

const lineSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('received'), id: z.string(), name: z.string(), payload: z.unknown() }),
  z.object({ kind: z.literal('done'), id: z.string() }),
]);

/** GitHub redelivers for three days; ids older than this many deliveries are forgotten. */
const REMEMBERED = 20_000;
const COMPACT_BYTES = 64 * 1024 * 1024;

export type Journal = Awaited<ReturnType<typeof openJournal>>;

type Waiting = { delivery: Delivery; stored: Promise<void> };

/**
 * Deliveries on disk before they are answered, so that a crash loses none. Duplicates are told by what is
 * done, not by what was seen: a redelivery of work that never finished is finished. A torn last line, left by
 * a kill, is a delivery that was never answered.
 */
export async function openJournal(folder: string, { compactBytes = COMPACT_BYTES } = {}) {
  await mkdir(folder, { recursive: true });
  await removeDrafts(folder);
  const path = join(folder, 'deliveries.jsonl');
  const { unfinished, done } = await replay(path);
  const waiting = new Map<string, Waiting>(
    unfinished.map((delivery) => [delivery.id, { delivery, stored: Promise.resolve() }]),
  );
  const log = await openLineLog({ path, compactBytes, snapshot: () => snapshotOf(waiting, done) });

  return {
    /** Deliveries that were received and not done when the process ended, in order. */
    unfinished: (): Delivery[] => [...waiting.values()].map(({ delivery }) => delivery),
    waiting: (): number => waiting.size,
    /** Resolves when the delivery is on disk. One that could not be stored was never seen. */
    async receive(delivery: Delivery): Promise<Receipt> {
      const { id } = delivery;
      if (done.has(id)) return 'done';
      const known = waiting.get(id);
      if (known) return known.stored.then(() => 'waiting');
      const stored = log.append(JSON.stringify({ kind: 'received', ...delivery }));
      waiting.set(id, { delivery, stored });
      return stored.then(
        () => 'new',
        (error) => {
          waiting.delete(id);
          throw error;
        },
      );
    },
    /** Rejects where it can't be written down: then the next process does the work once more. */
    async finish(id: string): Promise<void> {
      waiting.delete(id);
      done.add(id);
      await log.append(JSON.stringify({ kind: 'done', id }));
    },
    close: log.close,
  };
}

async function replay(path: string): Promise<{ unfinished: Delivery[]; done: Set<string> }> {
  const unfinished = new Map<string, Delivery>();
  const done = new Set<string>();
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  for (const [index, line] of whole.split('\n').entries()) {
    if (line === '') continue;
    const entry = entryOf(line, `${path}:${index + 1}`);
    if (entry.kind === 'received') {
      unfinished.set(entry.id, { id: entry.id, name: entry.name, payload: entry.payload });
      continue;
    }
    unfinished.delete(entry.id);
    done.add(entry.id);
  }
  return { unfinished: [...unfinished.values()], done };
}

function entryOf(line: string, where: string): z.infer<typeof lineSchema> {
  try {
    return lineSchema.parse(JSON.parse(line));
  } catch (cause) {
    throw new UserError(`${where} is no line of the journal: ${JSON.stringify(line.slice(0, 60))}`, {
      fix: 'something else wrote to this file: remove the line, and reconciling finds what it was about',
      cause,
    });
  }
}

function snapshotOf(waiting: Map<string, Waiting>, done: Set<string>): string {
  for (const id of [...done].slice(0, -REMEMBERED)) done.delete(id);
  const entries = [
    ...[...done].map((id) => ({ kind: 'done', id })),
    ...[...waiting.values()].map(({ delivery }) => ({ kind: 'received', ...delivery })),
  ];
  return entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
}
