import { type FileHandle, open, stat } from 'node:fs/promises';
import { UserError } from '../lifecycle/user-error.ts';
import { fullDisk } from '../store/durable-file.ts';
import { foreignKind } from './foreign-file.ts';
import { sqlFault } from './sql-fault.ts';
import { TextFault } from './text-bytes.ts';

const HEAD_BYTES = 64 * 1024;

export function empty(): TextFault {
  return new TextFault('it is empty', { line: null, fix: 'give a file with rows' });
}

export async function checkFile(path: string): Promise<void> {
  const stats = await stat(path);
  if (stats.isFile()) return;
  throw new TextFault(stats.isDirectory() ? 'it is a folder' : 'it is no plain file', {
    line: null,
    fix: 'give one file',
  });
}

export async function headOf(path: string): Promise<Uint8Array> {
  const file = await open(path);
  return read(file, 0, HEAD_BYTES).finally(() => file.close());
}

async function read(file: FileHandle, from: number, bytes: number): Promise<Uint8Array> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, from);
  return buffer.subarray(0, bytesRead);
}

export function refuseForeign(head: Uint8Array): void {
  const foreign = foreignKind(head);
  if (foreign === null) return;
  throw new TextFault(`it is ${foreign === 'Parquet' ? 'a Parquet file' : foreign}, and no CSV`, {
    line: null,
    fix:
      foreign === 'Parquet'
        ? 'name it .parquet, or say `kind: parquet` in data.yml'
        : 'save the table as CSV or Parquet and give that file',
  });
}

export async function checkParquet(path: string): Promise<void> {
  const size = (await stat(path)).size;
  const head = await headOf(path);
  const starts = Buffer.from(head.subarray(0, 4)).toString('latin1') === 'PAR1';
  const file = await open(path);
  const tail = await read(file, Math.max(0, size - 4), 4).finally(() => file.close());
  if (starts && size >= 12 && Buffer.from(tail).toString('latin1') === 'PAR1') return;
  const what = starts ? 'its end is missing' : `it is ${foreignKind(head) ?? 'text or something else'}`;
  throw new TextFault(`it is no whole Parquet file: ${what}`, {
    line: null,
    fix: 'copy or write it again, or give a CSV under a name that does not end in .parquet',
  });
}

/** Faults of bytes and of SQL as the user's, with the name of the file and the line in front. */
export async function placed<Result>(
  { label, folder }: { label: string; folder: string },
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof TextFault) {
      const line = cause.line === null ? '' : `line ${cause.line}: `;
      throw new UserError(`${label} can't be read: ${line}${cause.message}`, { fix: cause.fix, cause });
    }
    const full = fullDisk(cause, folder);
    if (full) throw full;
    if (isDenied(cause))
      throw new UserError(`${label} can't be read: ${cause.message}`, { fix: 'let yourself read it', cause });
    if (!isSqlFault(cause)) throw cause;
    throw new UserError(`${label} can't be read: ${sqlFault(cause).message}`, {
      fix: 'check how the source is written (delimiter, quote, encoding), or repair the file',
      cause,
    });
  }
}

function isDenied(error: unknown): error is NodeJS.ErrnoException {
  return ['EACCES', 'EPERM', 'ENOENT'].includes(String((error as NodeJS.ErrnoException | null)?.code));
}

/** DuckDB's errors begin with their kind: `Invalid Input Error: …`. */
function isSqlFault(error: unknown): boolean {
  return error instanceof Error && /^[A-Z]\w+( [A-Z]?\w+)* Error: /i.test(error.message);
}
