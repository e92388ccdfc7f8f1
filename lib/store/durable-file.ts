import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Digest } from '../lifecycle/scalars.ts';
import { UserError } from '../lifecycle/user-error.ts';

const CHUNK = 1024 * 1024;
const DRAFT = '.draft-';

/** A file that is complete under a temporary name: `keep` gives it its name, `discard` removes it. */
export type Draft = { digest: Digest; keep(target: string): Promise<void>; discard(): Promise<void> };

/**
 * Writes bytes under a temporary name in `folder` and syncs them. A fault on the way (disk full) leaves
 * nothing behind.
 */
export async function draftOf(folder: string, bytes: Uint8Array): Promise<Draft> {
  return draft(folder, async (append) => append(bytes));
}

/** Like `draftOf`, from an open file: what is hashed is what is written, whoever changes the source meanwhile. */
export async function draftFrom(folder: string, source: FileHandle): Promise<Draft> {
  return draft(folder, async (append) => {
    for await (const bytes of chunksOf(source)) await append(bytes);
  });
}

/** sha256 of an open file, in constant memory. */
export async function digestOfFile(source: FileHandle): Promise<Digest> {
  const hash = createHash('sha256');
  for await (const bytes of chunksOf(source)) hash.update(bytes);
  return `sha256:${hash.digest('hex')}`;
}

/** Each chunk is valid until the next is asked for. */
async function* chunksOf(source: FileHandle): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(CHUNK);
  for (;;) {
    const { bytesRead } = await source.read(buffer, 0, CHUNK, null);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

async function draft(
  folder: string,
  fill: (append: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<Draft> {
  await mkdir(folder, { recursive: true }).catch((error) => {
    throw fullDisk(error, folder) ?? error;
  });
  const path = `${folder}/${DRAFT}${process.pid}-${randomUUID()}`;
  const discard = () => rm(path, { force: true });
  const hash = createHash('sha256');
  try {
    const file = await open(path, 'wx');
    try {
      await fill(async (bytes) => {
        hash.update(bytes);
        await file.writeFile(bytes);
      });
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    await discard();
    throw fullDisk(error, folder) ?? error;
  }
  return { digest: `sha256:${hash.digest('hex')}`, keep: (target) => keep(path, target), discard };
}

async function keep(path: string, target: string): Promise<void> {
  try {
    await mkdir(dirname(target), { recursive: true });
    await rename(path, target);
    await syncFolder(dirname(target));
  } catch (error) {
    await rm(path, { force: true });
    throw fullDisk(error, dirname(target)) ?? error;
  }
}

/** What a killed process was writing into a folder that only one process writes to. */
export async function removeDrafts(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const left = names.filter((name) => name.startsWith(DRAFT));
  await Promise.all(left.map((name) => rm(`${folder}/${name}`, { force: true })));
}

/** The error of a disk (or quota, or limit of one file's size) that is used up, as the user's to mend; else null. */
export function fullDisk(error: unknown, folder: string): UserError | null {
  const { code, message } = error as NodeJS.ErrnoException;
  // DuckDB's errors have no code.
  const isFull =
    ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(String(code)) || /No space left on device/.test(message);
  if (!isFull) return null;
  return new UserError(`there is no space left in ${folder}: nothing was written there`, {
    fix: 'make space, or name a folder on another disk, and run it again',
    cause: error,
  });
}

/** The rename itself survives a power cut only once its folder is synced. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Opens a regular file for reading without following a link at its end and without blocking on a pipe.
 * Returns null where there is none.
 */
export async function openRegular(path: string): Promise<FileHandle | null> {
  const handle = await openNoFollow(path);
  if (handle === null) return null;
  const stat = await handle.stat();
  if (stat.isFile()) return handle;
  await handle.close();
  throw new Error(`${path} is not a regular file: refused`);
}

async function openNoFollow(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    if (code === 'ELOOP') throw new Error(`${path} is a symbolic link: refused`, { cause: error });
    throw error;
  }
}
