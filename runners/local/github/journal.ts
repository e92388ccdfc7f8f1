import { open, readFile, rename } from 'node:fs/promises';

/** One change: the whole new value of a row, or null when the row is gone. */
export type Change = readonly [table: string, key: string, value: unknown];

export type Journal = {
  /** Queue a change; changes queued in the same turn of the event loop become one line, all or nothing. */
  write(change: Change): void;
  /** Resolves when everything queued so far is on the disk. Rejects, from then on, once a write failed. */
  committed(): Promise<void>;
  close(): Promise<void>;
};

/** Read every whole line. A torn last line is the trace of a crash before its answer: it is left out. */
export async function readJournal(path: string): Promise<Change[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const lines = text.split('\n');
  lines.pop();
  return lines.flatMap((line) => JSON.parse(line) as Change[]);
}

/** Write the present state as a fresh journal, then append to it. */
export async function openJournal(path: string, state: Iterable<Change>): Promise<Journal> {
  const lines = [...state].map((change) => `[${JSON.stringify(change)}]\n`);
  const fresh = await open(`${path}.new`, 'w', 0o600);
  await fresh.writeFile(lines.join(''));
  await fresh.sync();
  await fresh.close();
  await rename(`${path}.new`, path);
  const file = await open(path, 'a', 0o600);

  let queue: string[] = [];
  let running: Promise<void> | undefined;
  let failure: unknown;

  async function flush(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue;
      queue = [];
      await file.appendFile(`[${batch.join(',')}]\n`);
      await file.datasync();
    }
  }
  function committed(): Promise<void> {
    if (failure) return Promise.reject(failure);
    if (queue.length > 0 && !running) {
      running = flush()
        .catch((error) => {
          // Memory is ahead of the disk now: answering anything more would be a lie.
          failure = error;
          throw error;
        })
        .finally(() => {
          running = undefined;
        });
    }
    return running ?? Promise.resolve();
  }
  return {
    write: (change) => void queue.push(JSON.stringify(change)),
    committed,
    async close() {
      await committed().catch(() => undefined);
      await file.close();
    },
  };
}
