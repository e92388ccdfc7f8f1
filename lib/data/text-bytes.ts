import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { Decompress } from 'fzstd';
import type { Dialect } from '../lifecycle/data-source.ts';
import { byteOrderMark } from './foreign-file.ts';

type Written = Pick<Dialect, 'encoding' | 'compression'>;
const CHUNK = 256 * 1024;
/** Four bytes of zstd can stand for a block of 128 KB: so few are decompressed at once. */
const ZSTD_SLICE = 1024;

/** A fault of the bytes, without the name of their file. */
export class TextFault extends Error {
  readonly line: number | null;
  readonly fix: string;

  constructor(message: string, { line, fix }: { line: number | null; fix: string }) {
    super(message);
    this.line = line;
    this.fix = fix;
  }
}

/** The file's bytes without their compression, in constant memory. */
export async function* rawBytes(
  path: string,
  compression: Dialect['compression'],
): AsyncGenerator<Uint8Array> {
  const file = createReadStream(path, { highWaterMark: CHUNK });
  try {
    if (compression === 'none') yield* file;
    else if (compression === 'gzip') yield* gunzipped(file);
    else yield* unzstd(file);
  } finally {
    file.destroy();
  }
}

async function* gunzipped(file: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: CHUNK });
  const source = file as NodeJS.ReadableStream & AsyncIterable<Uint8Array>;
  source.on('error', (error) => gunzip.destroy(error));
  try {
    yield* source.pipe(gunzip);
  } catch (cause) {
    throw damaged('gzip', cause);
  } finally {
    gunzip.destroy();
  }
}

async function* unzstd(file: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let ready: Uint8Array[] = [];
  const decompress = new Decompress((bytes) => void ready.push(bytes));
  const push = (bytes: Uint8Array, last: boolean) => {
    try {
      decompress.push(bytes, last);
    } catch (cause) {
      throw damaged('zstd', cause);
    }
  };
  for await (const bytes of file) {
    for (let from = 0; from < bytes.length; from += ZSTD_SLICE) {
      push(bytes.subarray(from, from + ZSTD_SLICE), false);
      yield* ready;
      ready = [];
    }
  }
  push(new Uint8Array(), true);
  yield* ready;
}

function damaged(kind: string, cause: unknown): Error {
  const code = (cause as NodeJS.ErrnoException).code;
  if (kind === 'gzip' && !code?.startsWith('Z_')) return cause as Error;
  return new TextFault(`its ${kind} bytes are damaged or cut off (${(cause as Error).message})`, {
    line: null,
    fix: 'make the file again, or copy it again',
  });
}

/** The file as UTF-8 without a byte order mark. Throws a TextFault where the bytes are no such text. */
export async function* textBytes(
  path: string,
  { encoding, compression }: Written,
): AsyncGenerator<Uint8Array> {
  const bytes = rawBytes(path, compression);
  if (encoding === 'utf-8') yield* checkedUtf8(bytes);
  else yield* transcoded(bytes, encoding);
}

async function* transcoded(
  bytes: AsyncIterable<Uint8Array>,
  encoding: Dialect['encoding'],
): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  let line = 1;
  const decode = (chunk?: Uint8Array) => {
    try {
      return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
    } catch {
      throw new TextFault(`it is no ${encoding} text`, { line, fix: 'save it as UTF-8' });
    }
  };
  for await (const chunk of bytes) {
    const text = Buffer.from(decode(chunk), 'utf8');
    line += linesIn(text);
    yield text;
  }
  yield Buffer.from(decode(), 'utf8');
}

async function* checkedUtf8(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let line = 1;
  let first = true;
  for await (const { text, rest } of wholeCharacters(bytes)) {
    const mark = first ? byteOrderMark(text) : { encoding: null, bytes: 0 };
    first = false;
    if (mark.encoding === 'utf-16le' || mark.encoding === 'utf-16be') {
      throw new TextFault(`it begins with the mark of ${mark.encoding} text`, {
        line: 1,
        fix: `say \`encoding: ${mark.encoding}\`, or save it as UTF-8`,
      });
    }
    if (!isUtf8(text) || rest) {
      const bad = line + linesIn(text.subarray(0, firstInvalid(text)));
      throw new TextFault('it is not UTF-8', {
        line: bad,
        fix: 'say `encoding: windows-1252` if it was written on Windows or in Latin-1, or save it as UTF-8',
      });
    }
    line += linesIn(text);
    yield mark.bytes > 0 ? text.subarray(mark.bytes) : text;
  }
}

/** The same bytes in pieces that end where a UTF-8 character ends; `rest` in the last where none does. */
export async function* wholeCharacters(
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ text: Uint8Array; rest: boolean }> {
  let left = new Uint8Array();
  for await (const chunk of bytes) {
    const all = left.length === 0 ? chunk : Buffer.concat([left, chunk]);
    const end = all.length - unfinished(all);
    left = Uint8Array.prototype.slice.call(all, end) as Uint8Array<ArrayBuffer>;
    if (end > 0) yield { text: all.subarray(0, end), rest: false };
  }
  if (left.length > 0) yield { text: left, rest: true };
}

/** Bytes at the end that begin a character and do not finish it: 0 to 3. */
function unfinished(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? back : 0;
  }
  return 0;
}

/** Offset of the first byte that is no UTF-8, by halving. */
function firstInvalid(bytes: Uint8Array): number {
  let from = 0;
  let until = bytes.length;
  while (until - from > 1) {
    const middle = from + ((until - from) >> 1);
    const head = bytes.subarray(from, middle);
    const whole = head.subarray(0, head.length - unfinished(head));
    if (whole.length > 0 && isUtf8(whole)) from += whole.length;
    else if (whole.length === 0) return from;
    else until = middle;
  }
  return from;
}

export function linesIn(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines += 1;
  return lines;
}
