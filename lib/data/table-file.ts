import { open } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { type Dialect, PLAIN_CSV } from '../lifecycle/data-source.ts';
import { checkNames, columnNames } from './column-names.ts';
import { createFromCsv, type ScannedCsv } from './csv.ts';
import { guessDialect } from './csv-guess.ts';
import { type CsvScan, openScan } from './csv-scan.ts';
import type { Session } from './duckdb.ts';
import { checkFile, checkParquet, empty, headOf, placed, refuseForeign } from './file-check.ts';
import { byteOrderMark, compressionOf } from './foreign-file.ts';
import { findMisfits, type Misfit } from './misfits.ts';
import { quoteName, quoteText } from './table-io.ts';
import { rawBytes, TextFault, textBytes } from './text-bytes.ts';
import { detectEncoding } from './text-encoding.ts';

/** What a file is and how it is written: all that has to be known to read it without a guess. */
export type TableFormat = { kind: 'csv'; dialect: Dialect } | { kind: 'parquet' };

const SAMPLE_BYTES = 1024 * 1024;

/**
 * Finds out what a file is, from its bytes. `asked` is taken as it is; `names` are columns that somebody
 * expects in the header. Throws a UserError that begins with `label` where the file is no table.
 */
export async function detectTable(
  path: string,
  { label, asked = {}, names = [] }: { label: string; asked?: Partial<Dialect>; names?: readonly string[] },
): Promise<TableFormat> {
  return placed({ label, folder: dirname(path) }, async () => {
    await checkFile(path);
    const head = await headOf(path);
    if (head.length === 0) throw empty();
    if (extname(path).toLowerCase() === '.parquet') {
      await checkParquet(path);
      return { kind: 'parquet' };
    }
    refuseForeign(head);
    const compression = asked.compression ?? compressionOf(head);
    const encoding = asked.encoding ?? (await encodingOf(path, compression));
    const sample = await sampleOf(path, { compression, encoding });
    const dialect = { ...PLAIN_CSV, ...asked, compression, encoding };
    return { kind: 'csv', dialect: { ...dialect, ...guessDialect(sample, { asked, names }) } };
  });
}

async function encodingOf(path: string, compression: Dialect['compression']): Promise<Dialect['encoding']> {
  for await (const first of rawBytes(path, compression)) {
    if (compression !== 'none') refuseForeign(first);
    const { encoding } = byteOrderMark(first);
    if (encoding !== null) return encoding;
    break;
  }
  return detectEncoding(rawBytes(path, compression));
}

async function sampleOf(path: string, written: Pick<Dialect, 'compression' | 'encoding'>): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of textBytes(path, written)) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes >= SAMPLE_BYTES) break;
  }
  const all = Buffer.concat(pieces);
  const text = all.subarray(0, SAMPLE_BYTES).toString('utf8');
  // The last record is cut off where the sample ends.
  return bytes < SAMPLE_BYTES ? text : text.slice(0, text.lastIndexOf('\n') + 1 || undefined);
}

export type Loading = {
  session: Session;
  /** A file in the session's folder. */
  path: string;
  format: TableFormat;
  /** What faults begin with: the file as the user knows it. */
  label: string;
  /** The table that is made, rows in the file's order. */
  table: string;
};

/** A value that keeps a column from being one of numbers or times, with its line in a CSV. */
export type PlacedMisfit = Misfit & { line: number | null };
export type Loaded = { rows: number; notes: string[]; misfits: PlacedMisfit[] };

/** Makes a table of a file by its format. Notes are for people. Throws a UserError that names the line. */
export async function loadTable(loading: Loading): Promise<Loaded> {
  const { session, format, label, table } = loading;
  return placed({ label, folder: session.folder }, async () => {
    if (format.kind === 'parquet') await createFromParquet(loading);
    const notes = format.kind === 'csv' ? await loadCsv(loading, format.dialect) : [];
    const rows = await session.count(quoteName(table));
    if (rows === 0) throw noRows(false);
    return { rows, notes, misfits: await placeMisfits(loading, await findMisfits(session, table)) };
  });
}

/** Misfits with the lines that they stand on, which one more walk over the file tells. */
export async function placeMisfits(
  { path, format }: Pick<Loading, 'path' | 'format'>,
  misfits: readonly Misfit[],
): Promise<PlacedMisfit[]> {
  if (format.kind === 'parquet' || misfits.length === 0)
    return misfits.map((misfit) => ({ ...misfit, line: null }));
  const lines = new Map(misfits.map(({ row }): [number, number | null] => [row, null]));
  const onRow = (row: number, line: number) => void (lines.has(row) && lines.set(row, line));
  const scanner = openScan({ ...format.dialect, onRow });
  for await (const piece of textBytes(path, format.dialect)) scanner.push(piece);
  scanner.end();
  return misfits.map((misfit) => ({ ...misfit, line: lines.get(misfit.row) ?? null }));
}

async function createFromParquet({ session, path, table }: Loading): Promise<void> {
  await checkParquet(path);
  const file = `read_parquet(${quoteText(path)})`;
  checkNames((await session.columns(file)).map(({ name }) => name));
  await session.run(`CREATE TABLE ${quoteName(table)} AS SELECT * FROM ${file}`);
}

async function loadCsv({ session, path, table }: Loading, dialect: Dialect): Promise<string[]> {
  const head = await headOf(path);
  if (head.length === 0) throw empty();
  const compression = compressionOf(head);
  if (compression !== dialect.compression) throw otherCompression(compression, dialect.compression);
  refuseForeign(head);
  const { scan, plain } = await scanFile(path, dialect);
  if (scan.first === null) throw empty();
  if (scan.rows === 0) throw noRows(dialect.header);
  const { names, notes } = columnNames(dialect.header ? scan.first : null, scan.columns);
  for (const name of Object.keys(dialect.missing_by_column)) {
    if (names.includes(name)) continue;
    throw new TextFault(`missing_by_column names "${name}", and there is no such column`, {
      line: null,
      fix: 'name a column of the header',
    });
  }
  const { skip, hasMixedEnds } = scan;
  const csv: ScannedCsv = { path: plain, dialect, names, skip, hasMixedEnds };
  return [...notes, ...(await createFromCsv(session, table, csv))];
}

function noRows(header: boolean): TextFault {
  return new TextFault(header ? 'it has a header and no rows' : 'it has no rows', {
    line: null,
    fix: 'give a file with rows',
  });
}

function otherCompression(found: Dialect['compression'], said: Dialect['compression']): TextFault {
  return new TextFault(`it is ${found === 'none' ? 'not compressed' : `compressed with ${found}`}`, {
    line: null,
    fix: `say \`compression: ${found}\` where data.yml says ${said}`,
  });
}

/** Where the plain copy of a file lies while it is read. */
export function plainPath(path: string): string {
  return `${path}.plain`;
}

/** Checks each byte of a file; what DuckDB can't read as it is gets a copy in plain UTF-8 beside it. */
async function scanFile(path: string, dialect: Dialect): Promise<{ scan: CsvScan; plain: string }> {
  const scanner = openScan(dialect);
  if (dialect.compression === 'none' && dialect.encoding === 'utf-8') {
    for await (const piece of textBytes(path, dialect)) scanner.push(piece);
    return { scan: scanner.end(), plain: path };
  }
  const plain = plainPath(path);
  const file = await open(plain, 'w');
  try {
    for await (const piece of textBytes(path, dialect)) {
      scanner.push(piece);
      await file.writeFile(piece);
    }
  } finally {
    await file.close();
  }
  return { scan: scanner.end(), plain };
}
