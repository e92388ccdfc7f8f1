import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { contentDigest } from '#lib/data/content.ts';
import {
  openSession,
  readParquet,
  type Session,
  type SessionOptions,
  writeParquet,
} from '#lib/data/duckdb.ts';
import { cellsOf, tableOf } from './tables.ts';

const base = mkdtempSync(join(tmpdir(), 'roundhouse-duckdb-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

let outside: string;
let folder: string;
beforeEach(() => {
  outside = mkdtempSync(join(base, 'case-'));
  folder = join(outside, 'inside');
  mkdirSync(folder);
});

async function within<Result>(use: (session: Session) => Promise<Result>, options?: Partial<SessionOptions>) {
  const session = await openSession({ folder, ...options });
  try {
    return await use(session);
  } finally {
    session.close();
  }
}

describe('ways out of the folder', () => {
  test.each([
    ['another file', () => `SELECT * FROM read_csv('${outside}/secret.csv')`],
    ['dots', () => `SELECT * FROM read_csv('${folder}/../secret.csv')`],
    ['a link', () => `SELECT * FROM read_csv('${folder}/link.csv')`],
    ['a file by its bare name', () => `SELECT * FROM '${outside}/secret.csv'`],
    ['a folder with the same beginning', () => `SELECT * FROM read_csv('${folder}-too/secret.csv')`],
    ['the environment', () => `SELECT * FROM read_blob('/proc/self/environ')`],
    ['a listing', () => `SELECT * FROM glob('${outside}/*')`],
    ['sniffing', () => `SELECT * FROM sniff_csv('${outside}/secret.csv')`],
    ['COPY TO', () => `COPY (SELECT 1) TO '${outside}/written.csv'`],
    ['COPY FROM', () => `COPY kept FROM '${outside}/secret.csv'`],
    ['EXPORT', () => `EXPORT DATABASE '${outside}/written'`],
    ['ATTACH', () => `ATTACH '${outside}/written.db'`],
    ['the network', () => `SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')`],
    ['INSTALL', () => 'INSTALL httpfs'],
    ['LOAD', () => 'LOAD httpfs'],
    ['opening up again', () => 'SET enable_external_access = true'],
    ['another folder', () => `SET allowed_directories = ['${outside}/']`],
    ['unlocking', () => 'SET lock_configuration = false'],
    ['more memory', () => "SET memory_limit = '100GB'"],
    ['more threads', () => 'SET threads = 64'],
    ['RESET', () => 'RESET enable_external_access'],
    ['PRAGMA', () => 'PRAGMA threads = 64'],
  ])('%s is refused', async (_name, sql) => {
    writeFileSync(join(outside, 'secret.csv'), 'a\n1\n');
    mkdirSync(`${folder}-too`);
    writeFileSync(join(`${folder}-too`, 'secret.csv'), 'a\n1\n');
    symlinkSync(join(outside, 'secret.csv'), join(folder, 'link.csv'));
    const before = readdirSync(outside).sort();
    await within(async (session) => {
      await session.run('CREATE TABLE kept (a INTEGER)');
      await expect(session.run(sql())).rejects.toThrow(
        /Permission Error|disabled|locked|Cannot change|Cannot access/,
      );
      expect(await session.count('kept')).toBe(0);
    });
    expect(readdirSync(outside).sort()).toEqual(before);
  });

  test('a file inside is read', async () => {
    writeFileSync(join(folder, 'open.csv'), 'a\n1\n');
    expect(await within((session) => session.count(`read_csv('${folder}/open.csv')`))).toBe(1);
  });
});

describe('limits', () => {
  test('a statement past its deadline is interrupted and the session goes on', async () => {
    await within(
      async (session) => {
        const endless = 'SELECT count(*) FROM range(1000000000) a, range(1000000000) b';
        await expect(session.run(endless)).rejects.toThrow('it ran longer than 0.3 s and was stopped');
        expect(await session.count('range(3)')).toBe(3);
      },
      { deadlineMs: 300 },
    );
  });

  test('a statement that needs more memory than it has is an error', async () => {
    await within(
      async (session) => {
        const hungry = "SELECT list(i || repeat('x', 1000)) FROM range(1000000) t(i)";
        await expect(session.run(hungry)).rejects.toThrow(/Out of Memory/i);
      },
      { memoryMiB: 64 },
    );
  });
});

describe('reading', () => {
  test('statements asked for at once run one after the other, so that none ends the stream of another', async () => {
    await within(async (session) => {
      const tables = await Promise.all(
        Array.from({ length: 6 }, (_, at) => session.read(`(SELECT i + ${at} AS i FROM range(50000) t(i))`)),
      );
      expect(tables.map((table) => cellsOf(table, 'i').at(-1))).toEqual(
        [0, 1, 2, 3, 4, 5].map((at) => 49_999 + at),
      );
    });
  });

  test('whole numbers beyond 2^53 stay exact as text; others are numbers', async () => {
    const table = await within((session) =>
      session.read('(SELECT 9007199254740993::BIGINT AS id, 7::BIGINT AS n, 3::HUGEINT AS h)'),
    );
    expect(table.columns.get('id')).toEqual({ kind: 'text', values: ['9007199254740993'] });
    expect(table.columns.get('n')).toMatchObject({ kind: 'number', integer: true });
    expect(cellsOf(table, 'h')).toEqual([3]);
  });

  test('missing and infinite values are missing, and times are milliseconds of UTC', async () => {
    const sql = `(SELECT * FROM (VALUES
      (1.5::DOUBLE, TIMESTAMP '2011-01-01 00:00:00.25', 'a', DATE '2011-01-01', TIMESTAMPTZ '2011-01-01 02:00:00+02', true),
      ('inf'::DOUBLE, TIMESTAMP 'infinity', NULL, NULL, NULL, false),
      (NULL, NULL, '', NULL, NULL, NULL)) t(x, t, s, d, z, b))`;
    const table = await within((session) => session.read(sql));
    const day = Date.UTC(2011, 0, 1);
    expect(cellsOf(table, 'x')).toEqual([1.5, Number.NaN, Number.NaN]);
    expect(cellsOf(table, 't')).toEqual([day + 250, Number.NaN, Number.NaN]);
    expect(cellsOf(table, 's')).toEqual(['a', null, '']);
    expect(cellsOf(table, 'd')).toEqual([day, Number.NaN, Number.NaN]);
    expect(cellsOf(table, 'z')).toEqual([day, Number.NaN, Number.NaN]);
    expect(cellsOf(table, 'b')).toEqual(['true', 'false', null]);
  });

  test('rows and their content are the same with one thread and with several', async () => {
    const csv = join(folder, 'rows.csv');
    const rows = Array.from({ length: 200_000 }, (_, at) => `${(at * 7919) % 200_000},${at / 7},s${at % 13}`);
    writeFileSync(csv, `id,x,s\n${rows.join('\n')}\n`);
    const relation = `(SELECT * FROM read_csv('${csv}', sample_size = -1) ORDER BY id)`;
    const digest = (threads: number) =>
      within(async (session) => contentDigest(await session.read(relation)), { threads });
    expect(new Set([await digest(1), await digest(2), await digest(2), await digest(4)]).size).toBe(1);
  });

  test('a column that is not there is named with those that are', async () => {
    await within((session) =>
      expect(session.read('range(3)', ['nope'])).rejects.toThrow(/no column nope; there are: range/),
    );
  });
});

describe('Parquet', () => {
  test('what is written is read back, in order, for any names and values', async () => {
    const cell = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(null));
    const name = fc.string({ minLength: 1, maxLength: 8 }).filter((text) => /^[^\0]+$/.test(text));
    const rows = fc.array(fc.tuple(cell, fc.oneof(fc.string({ unit: 'grapheme' }), fc.constant(null))), {
      maxLength: 30,
    });
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(name, rows, async (first, values) => {
        runs += 1;
        const path = join(folder, `${runs}.parquet`);
        const table = tableOf({
          [`${first}1`]: values.map(([x]) => x),
          [`${first}2`]: ['', ...values.map(([, s]) => s)].slice(1),
        });
        await writeParquet(path, table);
        const back = await readParquet(path);
        expect(back.rows).toBe(values.length);
        expect(cellsOf(back, `${first}1`)).toEqual(values.map(([x]) => x ?? Number.NaN));
        expect([...back.columns.keys()]).toEqual([...table.columns.keys()]);
      }),
      { numRuns: 12 },
    );
  });

  test('kinds survive: integers, times with parts of a millisecond, text', async () => {
    const path = join(folder, 'kinds.parquet');
    const size = 5000;
    const table = tableOf({
      id: Array.from({ length: size }, (_, at) => at),
      s: Array.from({ length: size }, (_, at) => (at === 7 ? null : `ü${at}`)),
    });
    table.columns.set('t', {
      kind: 'time',
      values: Float64Array.from({ length: size }, (_, at) => 1.3e12 + at + 0.125),
    });
    await writeParquet(path, table);
    const back = await readParquet(path);
    expect(back).toEqual(table);
    expect([...(await readParquet(path, ['t', 'id'])).columns.keys()]).toEqual(['t', 'id']);
  });

  test('a fault while writing leaves no file', async () => {
    const table = tableOf({ a: [1, 2] });
    table.columns.set('A', { kind: 'number', values: Float64Array.of(1, 2), integer: true });
    const path = join(folder, 'half.parquet');
    await expect(writeParquet(path, table)).rejects.toThrow();
    expect(existsSync(path)).toBe(false);
    expect(readdirSync(folder).filter((file) => file.includes('half'))).toEqual([]);
  });

  test('bytes that are no Parquet are an error', async () => {
    const path = join(folder, 'fake.parquet');
    writeFileSync(path, 'PAR1 not really PAR1');
    await expect(readParquet(path)).rejects.toThrow();
  });
});
