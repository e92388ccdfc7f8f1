import { createHash, hash } from 'node:crypto';
import type { Digest } from '../lifecycle/scalars.ts';
import { type Column, columnOf, type Table } from './table.ts';

const BATCH = 8192;

/**
 * Digest of what rows say, whatever file, library version or thread count they came from. Rows must be
 * ordered by key. Hashed are a header (number of rows, names and kinds of the columns sorted by name) and
 * then column after column: numbers and times as little-endian float64 with one NaN and one zero, text as
 * JSON strings, one a line.
 */
export function contentDigest(table: Table): Digest {
  const sum = createHash('sha256');
  const columns = [...table.columns].sort(([a], [b]) => (a < b ? -1 : 1));
  const header = { v: 1, rows: table.rows, columns: columns.map(([name, { kind }]) => [name, kind]) };
  sum.update(`${JSON.stringify(header)}\n`);
  for (const [, column] of columns) {
    for (let from = 0; from < table.rows; from += BATCH) sum.update(bytesOf(column, from));
  }
  return `sha256:${sum.digest('hex')}`;
}

function bytesOf(column: Column, from: number): Uint8Array | string {
  if (column.kind === 'text') {
    return column.values
      .slice(from, from + BATCH)
      .map((value) => `${JSON.stringify(value)}\n`)
      .join('');
  }
  const values = column.values.slice(from, from + BATCH);
  for (let row = 0; row < values.length; row += 1) {
    const value = values[row];
    if (value === 0 || Number.isNaN(value)) values[row] = value === 0 ? 0 : Number.NaN;
  }
  return new Uint8Array(values.buffer);
}

/**
 * What a row is known by outside the store: 16 bytes, in hex, of sha256 over the values of its key columns
 * (numbers as ECMAScript writes them, times as milliseconds, text as JSON strings, joined by commas).
 */
export function keyDigests(table: Table, key: readonly string[]): string[] {
  const columns = key.map((name) => columnOf(table, name));
  return Array.from({ length: table.rows }, (_, row) => {
    const cells = columns.map((column) =>
      column.kind === 'text' ? JSON.stringify(column.values[row]) : String(column.values[row]),
    );
    return hash('sha256', cells.join(',')).slice(0, 32);
  });
}

/** A set of key digests as an object of the store: sorted, one a line. */
export function renderKeySet(digests: Iterable<string>): string {
  return [...new Set(digests)]
    .sort()
    .map((digest) => `${digest}\n`)
    .join('');
}

export function parseKeySet(bytes: Uint8Array): Set<string> {
  const lines = Buffer.from(bytes).toString('latin1').split('\n').filter(Boolean);
  const bad = lines.findIndex((line) => !/^[0-9a-f]{32}$/.test(line));
  if (bad >= 0) throw new Error(`a key set has no digest of 32 hex characters on line ${bad + 1}`);
  return new Set(lines);
}
