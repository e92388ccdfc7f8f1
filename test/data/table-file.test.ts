import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { openScan } from '#lib/data/csv-scan.ts';
import { openSession, readParquet, writeParquet } from '#lib/data/duckdb.ts';
import type { Table } from '#lib/data/table.ts';
import { detectTable, loadTable, type TableFormat } from '#lib/data/table-file.ts';
import { rawBytes, type TextFault } from '#lib/data/text-bytes.ts';
import { type Dialect, PLAIN_CSV } from '#lib/lifecycle/data-source.ts';
import { columnNameFault } from '#lib/lifecycle/scalars.ts';
import { cellsOf } from './tables.ts';
import '../properties.ts';

const base = mkdtempSync(join(tmpdir(), 'roundhouse-reader-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(base, 'case-'));
});

type Read = { format: TableFormat; table: Table; notes: string[]; types: Record<string, string> };
type Asked = { asked?: Partial<Dialect>; names?: string[]; name?: string; format?: TableFormat };

/** By the same two calls as `init` and the data stage: find out, then load. */
async function read(
  bytes: string | Uint8Array,
  { asked, names, name = 'a.csv', format }: Asked = {},
): Promise<Read> {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  const found =
    format ?? (await detectTable(path, { label: name, ...(asked && { asked }), ...(names && { names }) }));
  const session = await openSession({ folder });
  try {
    const { notes } = await loadTable({ session, path, format: found, label: name, table: 'data' });
    const columns = await session.columns('data');
    return {
      format: found,
      table: await session.read('data'),
      notes,
      types: Object.fromEntries(columns.map((column) => [column.name, column.type])),
    };
  } finally {
    session.close();
  }
}

const dialectOf = ({ format }: Read) => (format.kind === 'csv' ? format.dialect : null);
const refusal = async (bytes: string | Uint8Array, asked: Asked = {}) => {
  const error = await read(bytes, asked).then(
    () => null,
    (thrown) => thrown,
  );
  return { message: String(error?.message), fix: String(error?.fix), name: String(error?.name) };
};

const TEXT = 'name;größe;sold\nÄpfel;1,5;3\nBirnen;22,25;4\n';
/** TEXT as DuckDB writes it with COMPRESSION zstd. */
const ZSTD = 'KLUv/QBYcQEAbmFtZTtncsO2w59lO3NvbGQKw4RwZmVsOzEsNTszCkJpcm5lbjsyMiwyNTs0Cg==';
const utf16be = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le').swap16();

describe('how a file is written is found out, and it says the same however it is written', () => {
  test.each<[string, string | Uint8Array, Partial<Dialect>]>([
    ['as it is', TEXT, {}],
    ['a byte order mark', `\ufeff${TEXT}`, {}],
    ['Windows lines', TEXT.replaceAll('\n', '\r\n'), {}],
    ['lines of an old Mac', TEXT.replaceAll('\n', '\r'), {}],
    ['lines of two kinds', TEXT.replace('\n', '\r\n'), {}],
    ['no line end at the end', TEXT.trimEnd(), {}],
    ['blank lines', `\n${TEXT.replaceAll('\n', '\n\n')}`, {}],
    ['UTF-16', Buffer.from(`\ufeff${TEXT}`, 'utf16le'), { encoding: 'utf-16le' }],
    ['UTF-16, the other way round', utf16be(TEXT), { encoding: 'utf-16be' }],
    ['Latin-1', Buffer.from(TEXT, 'latin1'), { encoding: 'windows-1252' }],
    ['gzip', gzipSync(TEXT), { compression: 'gzip' }],
    [
      'two gzip members',
      Buffer.concat([gzipSync(TEXT.slice(0, 9)), gzipSync(TEXT.slice(9))]),
      { compression: 'gzip' },
    ],
    [
      'Latin-1 in gzip',
      gzipSync(Buffer.from(TEXT, 'latin1')),
      { compression: 'gzip', encoding: 'windows-1252' },
    ],
    ['Zstandard', Buffer.from(ZSTD, 'base64'), { compression: 'zstd' }],
    ['quoted', TEXT.replaceAll(/[^;\n]+/g, '"$&"'), {}],
    ['quoted by apostrophes', TEXT.replaceAll(/[^;\n]+/g, "'$&'"), { quote: "'" }],
  ])('%s', async (_, bytes, words) => {
    const found = await read(bytes);
    expect(dialectOf(found)).toEqual({ ...PLAIN_CSV, delimiter: ';', decimal: ',', ...words });
    expect([...found.table.columns.keys()]).toEqual(['name', 'größe', 'sold']);
    expect(cellsOf(found.table, 'name')).toEqual(['Äpfel', 'Birnen']);
    expect(cellsOf(found.table, 'größe')).toEqual([1.5, 22.25]);
    expect(cellsOf(found.table, 'sold')).toEqual([3, 4]);
  });

  test.each([',', ';', '\t', '|', '^', '~', '\u0001', ':', ' '])('delimiter %j', async (delimiter) => {
    const found = await read(`a,b\n1,x\n2,y\n`.replaceAll(',', delimiter));
    expect(dialectOf(found)).toEqual({ ...PLAIN_CSV, delimiter });
    expect(cellsOf(found.table, 'b')).toEqual(['x', 'y']);
  });

  test.each<[string, string, string[], boolean]>([
    ['texts above numbers', 'a,b\n1,2\n', [], true],
    ['numbers above numbers', '5,6\n1,2\n', [], false],
    ['days above days', '2020-01-01,x\n2020-01-02,y\n', [], false],
    ['texts above texts', 'name,city\nAnn,Rome\nBob,Bern\n', [], true],
    ['a text that comes again', 'Ann,Rome\nBob,Bern\nAnn,Bern\n', [], false],
    ['years as names, one of them asked for', 'land,2010,2011\nDE,1,2\nFR,3,4\n', ['2011'], true],
    ['a name without text, as pandas writes it', ',a,b\n0,1,2\n1,3,4\n', [], true],
  ])('header: %s', async (_, text, names, header) => {
    expect(dialectOf(await read(text, { names }))).toMatchObject({ header });
  });

  test('columns without a header or a name are called by their position, and that is said', async () => {
    const headless = await read('5,6\n1,2\n');
    expect([...headless.table.columns.keys()]).toEqual(['column1', 'column2']);
    expect(headless.notes).toEqual(['it has no header: its columns are called column1, column2']);
    const pandas = await read(',a\n0,1\n1,3\n');
    expect([...pandas.table.columns.keys()]).toEqual(['column1', 'a']);
    expect(pandas.notes).toEqual(['columns without a name are called column1']);
  });

  test('a decimal comma beside decimal points is none', async () => {
    const found = await read('a;b\n1,5;1.5\n2,5;2.5\n');
    expect(dialectOf(found)).toMatchObject({ decimal: '.' });
    expect(found.types).toEqual({ a: 'VARCHAR', b: 'DOUBLE' });
  });
});

describe('values', () => {
  test('codes of missing values: in all columns and in one', async () => {
    const dialect = { ...PLAIN_CSV, missing: ['NA', '?'], missing_by_column: { t: ['-999'], w: ['none'] } };
    const { table, types } = await read('t,w,n\n-999,none,NA\n5,7,?\n6,8,-999\n', {
      format: { kind: 'csv', dialect },
    });
    expect(types).toEqual({ t: 'BIGINT', w: 'BIGINT', n: 'BIGINT' });
    expect(cellsOf(table, 't')).toEqual([Number.NaN, 5, 6]);
    expect(cellsOf(table, 'w')).toEqual([Number.NaN, 7, 8]);
    expect(cellsOf(table, 'n')).toEqual([Number.NaN, Number.NaN, -999]);
  });

  test('whole numbers too long for a float are kept exactly, as text where no integer holds them', async () => {
    const { table, types, notes } = await read(
      'id,big\n9007199254740993,12345678901234567890\n1,12345678901234567891\n',
    );
    expect(types).toEqual({ id: 'BIGINT', big: 'VARCHAR' });
    expect(cellsOf(table, 'id')).toEqual(['9007199254740993', '1']);
    expect(cellsOf(table, 'big')).toEqual(['12345678901234567890', '12345678901234567891']);
    expect(notes).toEqual(['"big" stays text: it has whole numbers too long to be kept exactly as numbers']);
  });

  test('dates in two formats stay text', async () => {
    const { table } = await read('day,y\n2020-01-02,1\n31/01/2020,2\n');
    expect(cellsOf(table, 'day')).toEqual(['2020-01-02', '31/01/2020']);
  });

  test('a column without any value, and a wide one', async () => {
    const cell = 'x'.repeat(1_500_000);
    const { table } = await read(`a,b\n,${cell}\n,y\n`);
    expect(cellsOf(table, 'a')).toEqual([null, null]);
    expect(cellsOf(table, 'b')[0]).toHaveLength(cell.length);
  });
});

test('a large file in Zstandard', async () => {
  const session = await openSession({ folder });
  const path = join(folder, 'large.csv.zst');
  const rows = "(SELECT i AS id, 'word ' || (i % 97) AS word FROM range(200000) t(i))";
  await session.run(`COPY ${rows} TO '${path}' (FORMAT csv, HEADER, COMPRESSION zstd)`);
  session.close();
  const { table } = await read(readFileSync(path));
  expect(table.rows).toBe(200_000);
  expect(cellsOf(table, 'word').at(-1)).toBe(`word ${199_999 % 97}`);
  expect(await refusal(readFileSync(path).subarray(0, 100_000))).toMatchObject({
    message: expect.stringMatching(/^a\.csv can't be read: its zstd bytes are damaged or cut off/),
  });
});

test('a small Zstandard file that stands for very much is never all in memory', async () => {
  // A frame of 4,000 blocks, each one byte repeated 131,072 times: half a gigabyte in 16 KB (RFC 8878, 3.1.1).
  const block = 128 * 1024 * 8 + 2;
  const blocks = Buffer.concat(
    Array.from({ length: 4000 }, () => Buffer.from([block & 255, (block >> 8) & 255, block >> 16, 10])),
  );
  const path = join(folder, 'bomb.zst');
  writeFileSync(path, Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x38]), blocks]));
  const before = process.memoryUsage().arrayBuffers;
  for await (const piece of rawBytes(path, 'zstd')) {
    expect(piece.every((byte) => byte === 10)).toBe(true);
    break;
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200e6);
});

describe('what is no table is refused in one line', () => {
  const zip = Buffer.from('PK\u0003\u0004....[Content_Types].xml....xl/workbook.xml', 'latin1');
  test.each<[string, string | Uint8Array, RegExp]>([
    ['nothing', '', /it is empty$/],
    ['line ends alone', '\n\n\n', /it is empty$/],
    ['a header alone', 'a,b\n', /it has a header and no rows$/],
    ['a row too short', 'a,b\n1,2\n3\n4,5\n', /line 3: it has 1 column, and the header has 2$/],
    ['a row too long', 'a,b\n1,2\n3,4,5\n4,5\n', /line 3: it has 3 columns, and the header has 2$/],
    ['a title above the header', 'Sales\na,b\n1,2\n3,4\n', /line 2: it has 2 columns, and the header has 1$/],
    ['a quote that never closes', 'a,b\n1,"x\n2,y\n', /line 2: the quote that opens here never closes$/],
    [
      'text behind a quote',
      'a,b\n1,"x"y\n2,z\n',
      /line 2: text follows a closing quote \(the quote opened on line 2\)$/,
    ],
    ['two names alike', 'a,b,a\n1,2,3\n', /line 1: columns 1 and 3 are both called "a"$/],
    [
      'two names alike in SQL',
      'Äa,b,äA\n1,2,3\n',
      /columns 1 and 3 are called "Äa" and "äA", which SQL takes/,
    ],
    ['a name of two lines', '"a\nb",c\n1,2\n', /the name of column 1 \("a\\nb"\) holds a line end/],
    [
      'a name that is a book',
      `${'x'.repeat(300)},c\n1,2\n`,
      /the name of column 1 \("x{40}…"\) has more than 200/,
    ],
    ['a name of JavaScript', '__proto__,c\n1,2\n', /the name of column 1 \("__proto__"\) is a word/],
    ['zero bytes', 'a,b\n1,2\n1,\u0000\n', /line 3: it holds a zero byte$/],
    ['UTF-16 without its mark', Buffer.from('a,b\n1,2\n', 'utf16le'), /line 1: it holds a zero byte$/],
    [
      'mixed encodings',
      Buffer.concat([Buffer.from('a\né\n'), Buffer.from('x\né\n', 'latin1')]),
      /line 2 is UTF-8 and line 4 is not/,
    ],
    ['half of a gzip', gzipSync('a,b\n1,2\n').subarray(0, 20), /its gzip bytes are damaged or cut off/],
    ['a workbook', zip, /it is an Excel workbook \(\.xlsx\), and no CSV$/],
    ['an image', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10), /it is a PNG image, and no CSV$/],
    ['Parquet', 'PAR1....', /it is a Parquet file, and no CSV$/],
    ['an image in gzip', gzipSync(Uint8Array.of(0x89, 0x50, 0x4e, 0x47)), /it is a PNG image, and no CSV$/],
    ['a page', '<!DOCTYPE html>\n<html>', /it is HTML or XML, and no CSV$/],
    ['JSON', '[{"a": 1}]', /it is JSON, and no CSV$/],
    ['a pointer', 'version https://git-lfs.github.com/spec/v1\n', /a pointer of Git LFS/],
  ])('%s', async (_, bytes, message) => {
    const error = await refusal(bytes);
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/^a\.csv can't be read: /);
    expect(error.message).not.toContain('\n');
    expect(error).toMatchObject({ name: 'UserError', fix: expect.stringMatching(/.../) });
  });

  test.each<[string, string | Uint8Array, RegExp]>([
    ['text', 'a,b\n1,2\n', /no whole Parquet file: it is text or something else/],
    ['a cut one', 'PAR1 and no end', /no whole Parquet file: its end is missing/],
    ['one of garbage', `PAR1${'x'.repeat(50)}PAR1`, /can't be read: /],
  ])('named .parquet: %s', async (_, bytes, message) => {
    const error = await refusal(bytes, { name: 'a.parquet' });
    expect(error).toMatchObject({ name: 'UserError', message: expect.stringMatching(message) });
  });

  test('a file that is not what data.yml says', async () => {
    const format: TableFormat = { kind: 'csv', dialect: PLAIN_CSV };
    expect(await refusal(gzipSync('a,b\n1,2\n'), { format })).toMatchObject({
      message: "a.csv can't be read: it is compressed with gzip",
      fix: 'say `compression: gzip` where data.yml says none',
    });
    expect(await refusal(Buffer.from('a,b\n1,2\né,5\n', 'latin1'), { format })).toMatchObject({
      message: "a.csv can't be read: line 3: it is not UTF-8",
      fix: expect.stringContaining('`encoding: windows-1252`'),
    });
    const dialect = { ...PLAIN_CSV, missing_by_column: { c: ['x'] } };
    expect(await refusal('a,b\n1,2\n', { format: { kind: 'csv', dialect } })).toMatchObject({
      message: expect.stringContaining('missing_by_column names "c"'),
    });
  });
});

describe('endless input is refused before it fills the memory', () => {
  function* endless(piece: string, first = '') {
    yield Buffer.from(first);
    for (let sent = 0; sent < 2 ** 31; sent += piece.length) yield Buffer.from(piece);
  }
  const scanned = (pieces: Iterable<Uint8Array>) => {
    const scanner = openScan(PLAIN_CSV);
    let bytes = 0;
    try {
      for (const piece of pieces) {
        bytes += piece.length;
        scanner.push(piece);
      }
    } catch (error) {
      return { bytes, error: error as TextFault };
    }
    throw new Error('nothing was refused');
  };
  test.each<[string, Iterable<Uint8Array>, RegExp, number]>([
    ['a line of 2 GB', endless('x'.repeat(65_536), 'a,b\n1,2\n'), /longer than 2 MB/, 3],
    [
      'a quote over 2 GB',
      endless('x\n'.repeat(32_768), 'a,b\n1,"'),
      /the quote that opens here does not close within 2 MB/,
      2,
    ],
    ['a header of a million columns', endless('name,'.repeat(1000)), /more than 10000 columns/, 1],
  ])('%s', (_, pieces, message, line) => {
    const { bytes, error } = scanned(pieces);
    expect(error.message).toMatch(message);
    expect(error.line).toBe(line);
    expect(bytes).toBeLessThan(3e6);
  });
});

describe('round trips', () => {
  const text = fc.string({ unit: 'grapheme-composite', maxLength: 12 });
  const name = text.filter((each) => columnNameFault(each) === null && each.trim() !== '');
  const names = fc.uniqueArray(name, { minLength: 1, maxLength: 6, selector: (each) => each.toLowerCase() });
  const cell = fc.oneof(
    text.filter((each) => !each.includes('\0')),
    fc.constantFrom('a,b', '"', '""', "'", ' x ', '\n', '\r\n', ';', 'NULL', 'null', '=1+1', '\\'),
  );
  test('names and texts come through reader, table and Parquet as they are', async () => {
    const shape = fc.record({
      names,
      delimiter: fc.constantFrom(',', ';', '\t', '|'),
      rows: fc.array(fc.array(cell, { minLength: 6, maxLength: 6 }), { minLength: 1, maxLength: 8 }),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ names, delimiter, rows }) => {
        const lines = [names, ...rows.map((cells) => cells.slice(0, names.length)), names.map(() => 'text')];
        const csv = lines
          .map((cells) => cells.map((each) => `"${each.replaceAll('"', '""')}"`).join(delimiter))
          .join('\n');
        const found = await read(csv, { asked: { delimiter, header: true } });
        expect([...found.table.columns.keys()]).toEqual(names);
        const path = join(folder, 'back.parquet');
        await writeParquet(path, found.table);
        const back = await readParquet(path);
        for (const [index, each] of names.entries()) {
          const cells = lines.slice(1).map((line) => line[index] || null);
          expect(cellsOf(found.table, each)).toEqual(cells);
          expect(cellsOf(back, each)).toEqual(cells);
        }
      }),
      { numRuns: 40 },
    );
  });

  test('numbers come through as they are, with a point and with a comma', async () => {
    const values = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }), {
      minLength: 2,
      maxLength: 20,
    });
    await fc.assert(
      fc.asyncProperty(values, fc.constantFrom('.', ','), async (numbers, decimal) => {
        const cells = numbers.map((each) => String(each).replace('.', decimal));
        const { table } = await read(`x;y\n${cells.map((each) => `${each};t`).join('\n')}\n`, {
          asked: { delimiter: ';', decimal: decimal as '.' | ',' },
        });
        expect(cellsOf(table, 'x')).toEqual(numbers.map((each) => each + 0));
      }),
      { numRuns: 30 },
    );
  });
});
