import type { Dialect } from '../lifecycle/data-source.ts';
import { splitRecord } from './csv-record.ts';
import { TextFault } from './text-bytes.ts';

/** A longer record is a mistake (one quote too many, a file without line ends) and would fill the memory. */
export const MAX_RECORD_BYTES = 2_000_000;
/** What people look at and models are asked with; a wider table is one whose rows and columns are swapped. */
export const MAX_COLUMNS = 10_000;

export type CsvScan = {
  /** Records with values: without the header and without blank lines. */
  rows: number;
  columns: number;
  /** Cells of the first record; null where the file has none. */
  first: string[] | null;
  /** Line ends before the first record of values. */
  skip: number;
  /** Some lines end in another way than others. */
  hasMixedEnds: boolean;
};

/** Takes UTF-8 pieces of a file one after the other; `push` and `end` throw a TextFault. */
export type CsvScanner = { push(bytes: Uint8Array): void; end(): CsvScan };

const [OTHER, DELIMITER, QUOTE, LF, CR, SPACE, NUL] = [0, 1, 2, 3, 4, 5, 6];
/** Where a byte stands: at the start of a cell, in a bare cell, in quotes, or behind a quote in quotes. */
type Place = 'start' | 'bare' | 'quoted' | 'closed';

type Options = Pick<Dialect, 'delimiter' | 'quote' | 'header'> & {
  /** Told of each row as it ends: its number from 0 and the line it begins on. */
  onRow?: (row: number, line: number) => void;
};

/**
 * Walks over a CSV file by RFC 4180 (blanks before a quote are let through, as DuckDB does) in constant
 * memory and checks what a reader would stumble over: rows of unequal length, quotes that do not close, zero
 * bytes, endless lines.
 */
export function openScan({ delimiter, quote, header, onRow }: Options): CsvScanner {
  const classes = classesOf(delimiter, quote);
  let place: Place = 'start';
  let [line, cells, bytes, records] = [1, 1, 0, 0];
  let [recordLine, quoteLine, columns, skip, blank] = [1, 0, 0, 0, 0];
  let first: Uint8Array[] | null = [];
  let cellsOfFirst: string[] | null = null;
  let afterCr = false;
  const ends = { lf: false, crlf: false, cr: false };

  function fault(message: string, fix: string, at: number = line): TextFault {
    return new TextFault(message, { line: at, fix });
  }

  function endRecord(): void {
    if (bytes === 0) {
      blank += 1;
      if (first === null && columns === 1) onRow?.(rowNumber(), recordLine);
      begin();
      return;
    }
    if (first !== null) {
      cellsOfFirst = splitRecord(Buffer.concat(first).toString('utf8'), { delimiter, quote });
      first = null;
      columns = cells;
      skip = header ? line : line - 1;
    } else if (cells !== columns) throw fault(...unequal(cells, columns, header), recordLine);
    records += 1;
    if (records > 1 || !header) onRow?.(rowNumber(), recordLine);
    begin();
  }

  /** Of the record or blank line that has just ended; a blank line is a row where there is one column. */
  function rowNumber(): number {
    return records - 1 - (header ? 1 : 0) + (columns === 1 ? blank : 0);
  }

  function begin(): void {
    [cells, bytes, place] = [1, 0, 'start'];
    recordLine = line + 1;
  }

  function tooLong(): TextFault {
    const size = `${MAX_RECORD_BYTES / 1e6} MB`;
    if (place === 'quoted') {
      return fault(
        `the quote that opens here does not close within ${size}`,
        'close it, or double each quote inside a cell',
        quoteLine,
      );
    }
    return fault(
      `it is longer than ${size}`,
      'check that the file has line ends, and that its cells are cells',
      recordLine,
    );
  }

  /** Walks over one piece and calls `endRecord` at each line end outside quotes. */
  function walk(piece: Uint8Array): void {
    let kept = 0;
    for (let at = 0; at < piece.length; at += 1) {
      const kind = classes[piece[at] as number] as number;
      if (afterCr) {
        afterCr = false;
        if (kind === LF) {
          ends.crlf = true;
          kept = at + 1;
          continue;
        }
        ends.cr = true;
      }
      if (kind === OTHER) {
        if (place === 'start') place = 'bare';
        else if (place === 'closed') throw fault(...behindQuote(quoteLine));
        const from = at;
        while (at + 1 < piece.length && classes[piece[at + 1] as number] === OTHER) at += 1;
        bytes += at - from + 1;
        continue;
      }
      if (kind === LF || kind === CR) {
        if (place === 'quoted') {
          if (kind === LF) line += 1;
          bytes += 1;
          continue;
        }
        if (first !== null) first.push(piece.slice(kept, at));
        kept = at + 1;
        if (kind === LF) ends.lf = true;
        else afterCr = true;
        endRecord();
        line += 1;
        continue;
      }
      bytes += 1;
      if (kind === NUL)
        throw fault('it holds a zero byte', 'it is binary, or UTF-16 without its mark: save it as UTF-8');
      if (kind === DELIMITER) {
        if (place === 'quoted') continue;
        cells += 1;
        place = 'start';
        if (first !== null && cells > MAX_COLUMNS) throw fault(...tooWide());
      } else if (kind === QUOTE) {
        if (place === 'start') [place, quoteLine] = ['quoted', line];
        else if (place === 'quoted') place = 'closed';
        else if (place === 'closed') place = 'quoted';
      } else if (place === 'closed') throw fault(...behindQuote(quoteLine));
      else if (place === 'start' && kind !== SPACE) place = 'bare';
    }
    if (first !== null && kept < piece.length) first.push(piece.slice(kept));
    if (bytes > MAX_RECORD_BYTES) throw tooLong();
  }

  return {
    push(piece) {
      // A record is measured where a piece ends, so pieces stay small.
      for (let from = 0; from < piece.length; from += PIECE) walk(piece.subarray(from, from + PIECE));
    },
    end() {
      if (place === 'quoted') {
        throw fault(
          'the quote that opens here never closes',
          'close it, or double each quote inside a cell',
          quoteLine,
        );
      }
      if (afterCr) ends.cr = true;
      if (bytes > 0) endRecord();
      const kinds = Object.values(ends).filter(Boolean).length;
      const rows = header ? Math.max(0, records - 1) : records;
      return {
        // In one column a blank line is a missing value.
        rows: columns === 1 ? rows + blank : rows,
        columns,
        first: cellsOfFirst,
        skip,
        hasMixedEnds: kinds > 1,
      };
    },
  };
}

const PIECE = 64 * 1024;

function classesOf(delimiter: string, quote: string): Uint8Array {
  const classes = new Uint8Array(256);
  classes[32] = SPACE as number;
  classes[0] = NUL as number;
  classes[10] = LF as number;
  classes[13] = CR as number;
  if (quote !== '') classes[quote.charCodeAt(0)] = QUOTE as number;
  classes[delimiter.charCodeAt(0)] = DELIMITER as number;
  return classes;
}

const columnsOf = (count: number) => `${count} column${count === 1 ? '' : 's'}`;

function unequal(cells: number, columns: number, header: boolean): [string, string] {
  const above = header ? 'the header' : 'the first line';
  return [
    `it has ${columnsOf(cells)}, and ${above} has ${columns}`,
    cells > columns
      ? 'quote cells that hold the delimiter, and remove lines above the header'
      : 'fill the row up, or remove the line (a title or a sum is no row)',
  ];
}

function behindQuote(quoteLine: number): [string, string] {
  return [
    `text follows a closing quote (the quote opened on line ${quoteLine})`,
    'double each quote inside a cell, and let the delimiter follow the closing one',
  ];
}

function tooWide(): [string, string] {
  return [
    `it has more than ${MAX_COLUMNS} columns`,
    'check the delimiter, or turn rows into columns and columns into rows',
  ];
}
