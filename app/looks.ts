import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { instantSchema } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { draftOf, removeDrafts } from '#lib/store/durable-file.ts';

const looksSchema = z.record(z.string(), instantSchema);

export type Looks = Awaited<ReturnType<typeof openLooks>>;

/**
 * When each repository was last looked at without a fault, kept over restarts: what came before was dealt with,
 * and what came later is looked for, however long the outage was.
 */
export async function openLooks(dir: string) {
  const path = join(dir, 'looks.json');
  await removeDrafts(dir);
  let looks = await read(path);
  return {
    /** Null where there was no such look yet. */
    last(repository: string): Date | null {
      const known = looks[repository];
      return known === undefined ? null : new Date(known);
    },
    async note(repository: string, began: Date): Promise<void> {
      const next = { ...looks, [repository]: began.toISOString() };
      const draft = await draftOf(dir, Buffer.from(`${JSON.stringify(next)}\n`));
      await draft.keep(path);
      looks = next;
    },
  };
}

async function read(path: string): Promise<Record<string, string>> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}';
    throw error;
  });
  try {
    return looksSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new UserError(`${path} does not say when repositories were looked at`, {
      fix: 'remove it: the next look goes back three days',
      cause,
    });
  }
}
