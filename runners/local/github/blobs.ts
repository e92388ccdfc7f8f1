import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream, type ReadStream } from 'node:fs';
import { appendFile, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Refusal } from './refusal.ts';

/** Bytes that are no git objects: artifacts and release assets by sha256, job logs by run and job. */
export type Blobs = {
  /** Streams to a temporary file, syncs, renames: a name with a digest always has all its bytes. */
  write(body: Readable, limit: number): Promise<{ sha256: string; size: number }>;
  read(sha256: string): ReadStream;
  appendLog(run: LogName, text: string): Promise<void>;
  log(run: LogName): Promise<string>;
};
type LogName = { run_id: number; attempt: number; key: string };

export function openBlobs(folder: string): Blobs {
  const pathOf = (sha256: string) => join(folder, 'blobs', sha256.slice(0, 2), sha256);
  const logPath = ({ run_id, attempt, key }: LogName) =>
    join(folder, 'logs', `${run_id}-${attempt}`, `${encodeURIComponent(key).replaceAll('.', '%2E')}.txt`);
  return {
    async write(body, limit) {
      const temporary = join(folder, 'blobs', `incoming-${randomUUID()}`);
      await mkdir(dirname(temporary), { recursive: true });
      const hash = createHash('sha256');
      let size = 0;
      const measure = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          size += chunk.length;
          if (size > limit) return done(new Refusal(413, `The body is larger than ${limit} bytes`));
          hash.update(chunk);
          done(null, chunk);
        },
      });
      try {
        await pipeline(body, measure, createWriteStream(temporary, { mode: 0o600 }));
        const file = await open(temporary);
        await file.sync();
        await file.close();
        const sha256 = hash.digest('hex');
        await mkdir(dirname(pathOf(sha256)), { recursive: true });
        await rename(temporary, pathOf(sha256));
        return { sha256, size };
      } finally {
        await rm(temporary, { force: true });
      }
    },
    read: (sha256) => createReadStream(pathOf(sha256)),
    async appendLog(name, text) {
      await mkdir(dirname(logPath(name)), { recursive: true });
      await appendFile(logPath(name), text);
    },
    log: (name) => readFile(logPath(name), 'utf8').catch(() => ''),
  };
}
