import { open } from 'node:fs/promises';
import type { Session } from './duckdb.ts';
import { quoteText } from './table-io.ts';

export type Csv = { path: string; delimiter: string };

/**
 * Table function of a CSV file with a header, RFC 4180 quotes and no lines to skip. The dialect is fixed:
 * DuckDB's own guess drops rows at the top, without a word, when a longer one follows. Types are guessed from
 * all rows, so that none depends on where a sample fell.
 */
export function csvReader(csv: Csv): string {
  return `read_csv(${dialect(csv)}, comment = '', sample_size = -1)`;
}

const LINES = `header = true, quote = '"', escape = '"', skip = 0, strict_mode = true, null_padding = false, ignore_errors = false`;

function dialect({ path, delimiter }: Csv): string {
  return `${quoteText(path)}, delim = ${quoteText(delimiter)}, ${LINES}`;
}

/** What stands between the values of a file, as all its lines suggest; null where they suggest nothing. */
export async function guessDelimiter(session: Session, path: string): Promise<string | null> {
  const sniffed = `(SELECT Delimiter AS found FROM sniff_csv(${quoteText(path)}, ${LINES}, sample_size = -1))`;
  const column = await session.read(sniffed).then(
    ({ columns }) => columns.get('found'),
    () => undefined,
  );
  return column?.kind === 'text' ? (column.values[0] ?? null) : null;
}

/**
 * The line that breaks a CSV file and why, without its cells; null where each line reads well. The guess of
 * types tells neither, so the file is read once more as text with the columns of its header.
 */
export async function csvFault(session: Session, csv: Csv): Promise<string | null> {
  const header = await firstLine(csv.path);
  const columns = header.split(csv.delimiter).map((_, index) => `'c${index}': 'VARCHAR'`);
  const reader = `read_csv(${dialect(csv)}, auto_detect = false, columns = {${columns.join(', ')}})`;
  try {
    // Every column must be read: a bare count would skip the check of quotes.
    await session.count(`(SELECT * FROM ${reader} WHERE hash(COLUMNS(*)) IS NOT NULL)`);
    return null;
  } catch (error) {
    const text = String(error);
    const line = /CSV Error on Line: (\d+)/.exec(text)?.[1];
    const why =
      /^(Expected Number of Columns: \d+ Found: \d+|Value with unterminated quote found|Invalid unicode.*|.*[Mm]aximum line size.*)/m.exec(
        text,
      );
    return line === undefined ? null : `line ${line}${why === null ? '' : `: ${why[0]}`}`;
  }
}

const HEADER_BYTES = 64 * 1024;

async function firstLine(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead).split('\n')[0] ?? '';
  } finally {
    await file.close();
  }
}
