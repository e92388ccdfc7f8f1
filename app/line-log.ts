import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { draftOf } from '#lib/store/durable-file.ts';

export type LineLog = {
  /** Resolves when the line is on disk; where it rejects, nothing of the line stays in the way of the next. */
  append(line: string): Promise<void>;
  close(): Promise<void>;
};

/**
 * A file of lines that grows at its end. Lines that come together share one fdatasync. The file is written
 * anew from `snapshot`, what its lines amount to, when it is opened and whenever it has outgrown `compactBytes`
 * and twice what the snapshot took.
 */
export async function openLineLog({
  path,
  snapshot,
  compactBytes,
}: {
  path: string;
  snapshot: () => string;
  compactBytes: number;
}): Promise<LineLog> {
  let file: FileHandle | null = null;
  /** Bytes of whole lines. */
  let size = 0;
  let torn = false;
  let limit = compactBytes;

  let lines: string[] = [];
  let next: Promise<void> | null = null;
  let last: Promise<void> = Promise.resolve();

  /** The file is opened again after it: whatever failed, nothing is written to a file that lost its name. */
  async function rewrite(): Promise<void> {
    const draft = await draftOf(dirname(path), Buffer.from(snapshot()));
    await file?.close();
    file = null;
    await draft.keep(path);
  }

  async function opened(): Promise<FileHandle> {
    if (file === null) {
      file = await open(path, 'a');
      size = (await file.stat()).size;
    }
    if (torn) await file.truncate(size);
    torn = false;
    return file;
  }

  async function flush(): Promise<void> {
    const text = lines.join('');
    lines = [];
    next = null;
    const target = await opened();
    try {
      await target.appendFile(text);
      await target.datasync();
    } catch (error) {
      torn = true;
      throw error;
    }
    size += Buffer.byteLength(text);
    if (size > limit) await compact();
  }

  /** The lines are on disk already: a disk that is too full to write them anew is no fault of theirs. */
  async function compact(): Promise<void> {
    await rewrite()
      .then(opened)
      .catch(() => {});
    limit = Math.max(compactBytes, 2 * size);
  }

  await rewrite();
  await opened();
  return {
    append(line) {
      lines.push(`${line}\n`);
      if (next === null) {
        next = last.then(flush);
        last = next.catch(() => {});
      }
      return next;
    },
    async close() {
      await last;
      await file?.close();
    },
  };
}
