import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Files of lines that grow at their end. */
export type LineFiles = {
  /** Appends all of the text or none of it. */
  append(path: string, text: string): Promise<void>;
  close(): Promise<void>;
};

/** Events come in the order of time, more or less: few files are written at once. */
const MAX_OPEN = 8;
const TAIL = 64 * 1024;

/**
 * Keeps the files of late open. On opening one, the torn last line that a killed writer may have left is cut
 * off; a write that fails half-way is cut off too.
 */
export function openLineFiles(): LineFiles {
  const files = new Map<string, FileHandle>();

  async function fileAt(path: string): Promise<{ file: FileHandle; size: number }> {
    const known = files.get(path);
    if (known !== undefined) {
      const { size, nlink } = await known.stat();
      if (nlink > 0) return { file: known, size };
      await forget(path);
    }
    const [oldest] = files.keys();
    if (oldest !== undefined && files.size >= MAX_OPEN) await forget(oldest);
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, 'a+');
    files.set(path, file);
    return { file, size: await cutTornLine(file) };
  }

  async function forget(path: string): Promise<void> {
    const file = files.get(path);
    files.delete(path);
    await file?.close();
  }

  return {
    async append(path, text) {
      try {
        const { file, size } = await fileAt(path);
        try {
          await file.appendFile(text);
        } catch (error) {
          // Where this fails too, the next one to open the file cuts it.
          await file.truncate(size).catch(() => {});
          throw error;
        }
      } catch (error) {
        await forget(path).catch(() => {});
        throw error;
      }
    },
    async close() {
      for (const path of files.keys()) await forget(path);
    },
  };
}

/** Size of the whole lines. */
async function cutTornLine(file: FileHandle): Promise<number> {
  const { size } = await file.stat();
  const end = await endOfLastLine(file, size);
  if (end < size) await file.truncate(end);
  return end;
}

async function endOfLastLine(file: FileHandle, size: number): Promise<number> {
  for (let end = size; end > 0; end -= TAIL) {
    const from = Math.max(0, end - TAIL);
    const tail = Buffer.alloc(end - from);
    await file.read(tail, 0, tail.length, from);
    const newline = tail.lastIndexOf(0x0a);
    if (newline >= 0) return from + newline + 1;
  }
  return 0;
}
