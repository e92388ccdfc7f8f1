import type { Dialect } from '../lifecycle/data-source.ts';
import { splitRecord } from './csv-record.ts';

/** In the order in which they are taken where several fit alike. */
const DELIMITERS = ['\t', ';', '|', ',', '\u0001', '\u001f', '^', '~', ':', ' '];
const MOST_RECORDS = 2000;

export type Guess = Pick<Dialect, 'delimiter' | 'quote' | 'header' | 'decimal'>;

/**
 * How the beginning of a CSV file is written. `asked` is taken as it is; `names` are columns that somebody
 * expects: a first line that holds one of them is a header.
 */
export function guessDialect(
  sample: string,
  { asked, names }: { asked: Partial<Guess>; names: readonly string[] },
): Guess {
  const quote = asked.quote ?? guessQuote(sample);
  const delimiter = asked.delimiter ?? guessDelimiter(sample, quote);
  const [first = [], ...rest] = recordsOf(sample, { delimiter, quote });
  const header = asked.header ?? guessHeader(first, rest, names);
  const decimal = asked.decimal ?? guessDecimal(header ? rest : [first, ...rest], delimiter);
  return { delimiter, quote, header, decimal };
}

function guessQuote(sample: string): Guess['quote'] {
  if (/(^|[\t;|,\n]) *"/.test(sample)) return '"';
  // An apostrophe begins a word in many texts, so both ends have to be at a cell's edge, and often.
  const cells = sample.match(/(^|[\t;|,\n])'[^'\n]*'(?=[\t;|,\r\n]|$)/g) ?? [];
  return cells.length >= 2 && cells.length >= (sample.match(/'/g)?.length ?? 0) / 3 ? "'" : '"';
}

function guessDelimiter(sample: string, quote: Guess['quote']): string {
  const found = DELIMITERS.map((delimiter) => {
    const counts = recordsOf(sample, { delimiter, quote }).map((cells) => cells.length);
    const columns = counts[0] ?? 1;
    const alike = counts.filter((count) => count === columns).length / Math.max(1, counts.length);
    return { delimiter, columns, alike };
  }).filter(({ columns }) => columns > 1);
  const whole = found.find(({ alike }) => alike === 1);
  if (whole) return whole.delimiter;
  // A file with a broken line: the scan names the line, so the delimiter of most lines is the right one.
  const most = found.toSorted((a, b) => b.alike - a.alike)[0];
  return most && most.alike > 0.5 ? most.delimiter : ',';
}

/** Whole records of the sample, blank lines left out; quotes may hold line ends. */
function recordsOf(sample: string, dialect: Pick<Dialect, 'delimiter' | 'quote'>): string[][] {
  const records: string[][] = [];
  let lines: string[] = [];
  let isOpen = false;
  for (const line of sample.split(/\r\n|\n|\r/)) {
    if (records.length === MOST_RECORDS) break;
    lines.push(line);
    if (dialect.quote !== '' && line.split(dialect.quote).length % 2 === 0) isOpen = !isOpen;
    if (isOpen) continue;
    if (lines.length > 1 || line !== '') records.push(splitRecord(lines.join('\n'), dialect));
    lines = [];
  }
  return records;
}

type Kind = 'empty' | 'number' | 'time' | 'text';

function kindOf(cell: string): Kind {
  const text = cell.trim();
  if (text === '') return 'empty';
  if (/^[+-]?(\d+([.,]\d*)?|[.,]\d+)(e[+-]?\d+)?$/i.test(text)) return 'number';
  if (/^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ]\d{1,2}:\d{2}.*)?$|^\d{1,2}:\d{2}(:\d{2}.*)?$/.test(text))
    return 'time';
  return 'text';
}

/**
 * A first line of texts above numbers or times is a header; one of numbers above numbers is none; where all
 * is text it is one, unless it repeats values of its column.
 */
function guessHeader(first: readonly string[], rest: readonly string[][], names: readonly string[]): boolean {
  if (first.some((cell) => names.includes(cell))) return true;
  let [yes, no] = [0, 0];
  for (const [index, cell] of first.entries()) {
    const below = rest.map((cells) => cells[index] ?? '');
    const kinds = new Set(below.map(kindOf).filter((kind) => kind !== 'empty'));
    const own = kindOf(cell);
    const [only] = kinds;
    if (kinds.size === 1 && only !== 'text' && own !== 'empty') {
      if (own === only) no += 1;
      else yes += 1;
    } else if (own === 'text' && below.includes(cell)) no += 1;
  }
  return yes > 0 || no === 0;
}

/** A decimal comma: some column is written with it, none with a decimal point. */
function guessDecimal(rows: readonly string[][], delimiter: string): Guess['decimal'] {
  if (delimiter === ',') return '.';
  const width = rows[0]?.length ?? 0;
  const isColumn = (index: number, decimal: RegExp) => {
    const cells = rows.map((row) => (row[index] ?? '').trim()).filter((cell) => cell !== '');
    return (
      cells.every((cell) => /^[+-]?\d+$/.test(cell) || decimal.test(cell)) &&
      cells.some((cell) => decimal.test(cell))
    );
  };
  const some = (decimal: RegExp) =>
    Array.from({ length: width }, (_, index) => isColumn(index, decimal)).includes(true);
  return some(/^[+-]?\d*,\d+(e[+-]?\d+)?$/i) && !some(/^[+-]?\d*\.\d+(e[+-]?\d+)?$/i) ? ',' : '.';
}
