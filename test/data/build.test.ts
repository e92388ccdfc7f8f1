import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type Build, buildData } from '#lib/data/build.ts';
import { contentDigest } from '#lib/data/content.ts';
import { readParquet, writeParquet } from '#lib/data/duckdb.ts';
import { rowsWithKeys, writePart } from '#lib/data/parts.ts';
import { type Data, dataSchema } from '#lib/lifecycle/data.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { openFileStore } from '#lib/store/file.ts';
import type { ArtifactStore } from '#lib/store/store.ts';
import { cellsOf, tableOf } from './tables.ts';

const base = mkdtempSync(join(tmpdir(), 'roundhouse-build-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

let store: ArtifactStore;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(base, 'case-'));
  store = openFileStore(join(folder, 'store'));
});

const SALES = 'id,day,shop,price,sold\n1,2020-01-02,a,1.5,10\n3,2020-01-01,b,2.5,20\n2,2020-01-03,a,,30\n';

type Case = {
  csv?: string | Uint8Array;
  sql?: Record<string, string>;
  data?: Record<string, unknown>;
  snapshot?: Digest;
  delimiter?: string;
  numericLabel?: boolean;
};

async function build(given: Case = {}): Promise<Build> {
  const { csv = SALES, sql = { '10-sales.sql': 'SELECT * FROM history' }, snapshot, delimiter = ',' } = given;
  const data: Data = dataSchema.parse({
    version: 1,
    sources: [
      { kind: 'csv', name: 'history', object: await store.put(csv), delimiter },
      ...(snapshot === undefined
        ? []
        : [{ kind: 'predictions', name: 'traffic', environment: 'production', snapshot }]),
    ],
    pipeline: Object.keys(sql).map((name) => `pipeline/${name}`),
    key: ['id'],
    time: 'day',
    target: 'sold',
    inputs: { shop: { from: 'request', type: 'category' }, price: { from: 'request', type: 'number' } },
    split: { by: 'time', recent: 'P1D', embargo: 'PT1H', validation: 'P1D' },
    ...given.data,
  });
  return buildData({
    data,
    file: 'models/m/data.yml',
    steps: Object.entries(sql).map(([name, text]) => ({
      path: `models/m/pipeline/${name}`,
      name: `pipeline/${name}`,
      sql: text,
    })),
    store,
    folder: join(folder, 'session'),
    numericLabel: given.numericLabel ?? true,
    note: () => undefined,
  });
}

async function built<Result>(given: Case, use: (build: Build) => Result | Promise<Result>): Promise<Result> {
  const made = await build(given);
  try {
    return await use(made);
  } finally {
    made.session.close();
  }
}

async function faultOf(given: Case): Promise<UserError> {
  const error = await build(given).then(
    ({ session }) => {
      session.close();
      return null;
    },
    (fault: unknown) => fault,
  );
  expect(error).toBeInstanceOf(UserError);
  return error as UserError;
}

describe('steps', () => {
  test('each makes a table named after its file, counted; the last is the output, ordered by key', async () => {
    const sql = {
      '10-sales.sql': "SELECT * FROM history WHERE shop = 'a'",
      '20-priced-sales.sql':
        'WITH s AS (SELECT * FROM sales) SELECT *, coalesce(price, 0) AS paid FROM s -- the end\n;',
      'last.sql': 'FROM priced_sales ORDER BY id DESC',
    };
    await built({ sql }, ({ table, steps, sources, columns }) => {
      expect(steps.map(({ path, rows }) => [path, rows])).toEqual([
        ['pipeline/10-sales.sql', 2],
        ['pipeline/20-priced-sales.sql', 2],
        ['pipeline/last.sql', 2],
      ]);
      expect(sources.map(({ name, rows }) => [name, rows])).toEqual([['history', 3]]);
      expect(cellsOf(table, 'id')).toEqual([1, 2]);
      expect(cellsOf(table, 'paid')).toEqual([1.5, 0]);
      expect(columns.map(({ type }) => type)).toEqual([
        'BIGINT',
        'DATE',
        'VARCHAR',
        'DOUBLE',
        'BIGINT',
        'DOUBLE',
      ]);
    });
  });

  test.each<[string, Record<string, string>, RegExp]>([
    [
      'two statements',
      { '10-a.sql': 'SELECT 1; SELECT 2' },
      /pipeline\/10-a\.sql: a step is one SELECT, and these are 2/,
    ],
    ['no statement', { '10-a.sql': '-- nothing\n' }, /pipeline\/10-a\.sql/],
    ['another statement', { '10-a.sql': 'CREATE TABLE x AS SELECT 1' }, /one SELECT, and this is another/],
    ['COPY', { '10-a.sql': "COPY history TO 'x.csv'" }, /10-a\.sql: (Permission Error|a step is one SELECT)/],
    ['parameters', { '10-a.sql': 'SELECT * FROM history WHERE id = ?' }, /one SELECT/],
    [
      'an unknown table',
      { '10-a.sql': 'SELECT *\nFROM\n  histry' },
      /models\/m\/pipeline\/10-a\.sql:3: Catalog Error: .*histry/,
    ],
    ['a syntax error', { '10-a.sql': 'SELECT *\nFORM history' }, /10-a\.sql:2: Parser Error/],
    [
      'a failing row',
      { '10-a.sql': 'SELECT *, CAST(shop AS INTEGER) AS n FROM history' },
      /10-a\.sql(:1)?: Conversion Error/,
    ],
    [
      'the clock',
      { '10-a.sql': 'SELECT *, now() AS at FROM history' },
      /10-a\.sql: now would give other rows/,
    ],
    ['the date', { '10-a.sql': 'SELECT *, CURRENT_DATE AS at FROM history' }, /CURRENT_DATE would give/],
    [
      'chance, deep inside',
      { '10-a.sql': 'SELECT * FROM (SELECT * FROM history WHERE random() < 2)' },
      /random would give/,
    ],
    ['a sample', { '10-a.sql': 'SELECT * FROM history USING SAMPLE 2' }, /a sample would give/],
    [
      'a file outside',
      { '10-a.sql': "SELECT * FROM read_csv('/etc/passwd')" },
      /10-a\.sql:1: Permission Error/,
    ],
    [
      'the name of a source',
      { '10-history.sql': 'SELECT * FROM history' },
      /there is a table "history" already/,
    ],
    ['no name', { '10.sql': 'SELECT * FROM history' }, /10\.sql: no name/],
  ])('%s is refused with file and line', async (_name, sql, message) => {
    const fault = await faultOf({ sql });
    expect(fault.message).toMatch(message);
    expect(fault.fix).not.toBe('');
  });

  test.each([
    ['a cast', 'SELECT *, CAST(shop AS INTEGER) AS n FROM history'],
    ['a date', "SELECT *, strptime(shop, '%Y') AS n FROM history"],
    ['a number too large', 'SELECT *, CAST(price AS TINYINT) AS n FROM history'],
  ])('the cell at fault in %s is not told', async (_name, sql) => {
    const fault = await faultOf({
      csv: `${SALES}9,2020-01-01,secret-shop,98765.5,1\n`,
      sql: { 'a.sql': sql },
    });
    expect(fault.message).toMatch(/Error/);
    expect(fault.message).not.toMatch(/secret|98765/);
  });

  test('the source bytes are out of reach once they are loaded', async () => {
    const seen = join(folder, 'session', 'history.csv');
    expect((await faultOf({ sql: { 'a.sql': `SELECT * FROM read_csv('${seen}')` } })).message).toMatch(
      /No files found|IO Error/,
    );
    expect(readdirSync(join(folder, 'session')).filter((name) => name.endsWith('.csv'))).toEqual([]);
  });
});

describe('the output', () => {
  test.each<[string, Case, RegExp]>([
    [
      'a repeated key',
      { csv: `${SALES}1,2020-01-09,b,1,1\n` },
      /`key: \[id\]` is not unique: 4 rows of the output have 3 keys/,
    ],
    ['a missing key', { csv: `${SALES},2020-01-09,b,1,1\n` }, /1 of 4 rows of the output lack id or day/],
    ['a missing time', { csv: `${SALES}4,,b,1,1\n` }, /1 of 4 rows of the output lack id or day/],
    [
      'absent columns, all at once',
      { sql: { 'a.sql': 'SELECT id, day FROM history' } },
      /"sold"; there is no column "shop"; there is no column "price"/,
    ],
    [
      'a time that is text',
      { sql: { 'a.sql': 'SELECT * REPLACE (CAST(day AS VARCHAR) AS day) FROM history' } },
      /"day" under `time:` is no timestamp/,
    ],
    [
      'a number that is text',
      { sql: { 'a.sql': 'SELECT * REPLACE (shop AS price) FROM history' } },
      /input "price" is declared a number and holds text/,
    ],
    ['a draft', { data: { sources: [], pipeline: [] }, sql: {} }, /names no sources, so it is a draft/],
  ])('%s is refused', async (_name, given, message) => {
    const fault = await faultOf(given);
    expect(fault.message).toMatch(message);
    expect(fault.message).toContain('models/m/data.yml');
  });

  test('parts hold the columns that stages need, and are found again by key', async () => {
    const data = { unit: { group: 'shop' } };
    await built({ data, sql: { 'a.sql': 'SELECT *, 1 AS extra FROM history' } }, async (made) => {
      const path = join(folder, 'session', 'part.parquet');
      const part = await writePart(made, Int32Array.of(0, 2), path);
      const back = await readParquet(path);
      expect([...back.columns.keys()]).toEqual(['id', 'day', 'shop', 'sold', 'price']);
      expect(cellsOf(back, 'id')).toEqual([1, 3]);
      expect(contentDigest(back)).toBe(part.content);
      expect([part.from, part.until]).toEqual(['2020-01-01T00:00:00.000Z', '2020-01-02T00:00:00.000Z']);
      const keys = new Set(part.keys.trim().split('\n'));
      expect(Array.from(rowsWithKeys(made, keys))).toEqual([0, 2]);
    });
  });

  test('an empty part is a Parquet with the columns and no rows', async () => {
    await built({}, async (made) => {
      const path = join(folder, 'session', 'part.parquet');
      expect(await writePart(made, new Int32Array(), path)).toMatchObject({ keys: '', from: null });
      expect((await readParquet(path)).rows).toBe(0);
    });
  });

  test('sums of floats are the same to the last bit on a second run', async () => {
    // Two threads give another last digit on most runs of these very steps.
    const sql = {
      '10-visits.sql': "SELECT 's' || (i % 5) AS shop, (hash(i) % 1000) / 7.0 AS x FROM range(1500000) t(i)",
      '20-shops.sql': 'SELECT shop, sum(x) AS price, stddev(x) AS sd, 1 AS sold FROM visits GROUP BY shop',
      '30-sales.sql':
        "SELECT row_number() OVER (ORDER BY shop) AS id, DATE '2020-01-01' AS day, * FROM shops",
    };
    const digest = () => built({ sql }, ({ table }) => contentDigest(table));
    const first = await digest();
    for (let again = 0; again < 2; again += 1) expect(await digest()).toBe(first);
  });
});

describe('sources', () => {
  test.each<[string, Case, RegExp]>([
    [
      'bytes that are no text',
      { csv: Uint8Array.of(0xff, 0xfe, 0, 1, 2, 10, 0xff) },
      /source "history" \(sha256:.*can't be read/,
    ],
    [
      'a row too short',
      { csv: `${SALES}4,2020-01-01,secret-cell\n` },
      /line 5: it has 3 columns, and the header has 5/,
    ],
    [
      'a row too long',
      { csv: `id,day,shop,price,sold\n1,2020-01-01,a,1,2\n4,2020-01-01,secret-cell,1,2,3,4\n` },
      /line 3: it has 7 columns, and the header has 5/,
    ],
    [
      'a quote that never ends',
      { csv: `${SALES}4,2020-01-01,"secret-cell,1,2\n` },
      /line 5: the quote that opens here never closes/,
    ],
    ['lines above the header', { csv: `Sales of May\n${SALES}` }, /source "history"/],
    [
      'Windows lines, one too long',
      { csv: `${SALES}4,2020-01-01,a,1,2,3\n`.replaceAll('\n', '\r\n') },
      /line 5: it has 6 columns/,
    ],
  ])('%s', async (_name, given, message) => {
    const fault = await faultOf(given);
    expect(fault.message).toMatch(message);
    expect(fault.message).not.toContain('secret-cell');
  });

  test('quoted cells, Windows lines and a byte order mark', async () => {
    const csv = '\ufeffid,day,shop,price,sold\r\n1,2020-01-02,"a, ""b""\nc",1.5,10\r\n';
    await built({ csv }, ({ table }) => expect(cellsOf(table, 'shop')).toEqual(['a, "b"\nc']));
  });

  test('another delimiter, even a quote', async () => {
    await built({ csv: SALES.replaceAll(',', ';'), delimiter: ';' }, ({ table }) =>
      expect(table.rows).toBe(3),
    );
    await built({ csv: SALES.replaceAll(',', "'"), delimiter: "'" }, ({ table }) =>
      expect(table.rows).toBe(3),
    );
  });

  test('an object that is not in the store is named', async () => {
    const object = `sha256:${'a'.repeat(64)}`;
    const data = { sources: [{ kind: 'csv', name: 'history', object }] };
    const fault = await faultOf({ data });
    expect(fault.message).toContain(`models/m/data.yml: source "history": ${object} is not in`);
  });

  const UNION = {
    '10-all.sql': `SELECT id, day, shop, price, sold FROM history
      UNION ALL BY NAME
      SELECT 1000 + row_number() OVER (ORDER BY prediction_id) AS id, CAST(event_time AS DATE) AS day, shop, price, label AS sold FROM traffic`,
  };

  test('before the first snapshot the table of predictions is empty and has the same columns', async () => {
    const none = await built(
      { sql: UNION, snapshot: 'none' as Digest },
      async ({ table, columns, session, sources }) => {
        expect(table.rows).toBe(3);
        expect(sources[1]).toMatchObject({ name: 'traffic', rows: 0 });
        return { output: columns, traffic: await session.columns('traffic') };
      },
    );
    const path = join(folder, 'snapshot.parquet');
    await writeParquet(
      path,
      tableOf({
        prediction_id: ['p'],
        event_time: [new Date(0)],
        version: ['1.0.0'],
        prediction: [1],
        label: [5],
        shop: ['a'],
        price: [2],
      }),
    );
    const snapshot = await store.putFile(path);
    await built({ sql: UNION, snapshot }, async ({ table, columns, session }) => {
      expect(table.rows).toBe(4);
      expect({ output: columns, traffic: await session.columns('traffic') }).toEqual(none);
      expect(cellsOf(table, 'sold')).toEqual([10, 30, 20, 5]);
    });
    expect(none.traffic.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'prediction_id VARCHAR',
      'event_time TIMESTAMP',
      'version VARCHAR',
      'prediction DOUBLE',
      'label DOUBLE',
      'shop VARCHAR',
      'price DOUBLE',
    ]);
  });

  test('categories and class labels take the types of the CSV; what is none of the type is missing', async () => {
    const path = join(folder, 'snapshot.parquet');
    await writeParquet(
      path,
      tableOf({
        prediction_id: ['p', 'q'],
        event_time: [new Date(0), new Date(1)],
        label: ['20', 'x'],
        id: ['7', 'seven'],
      }),
    );
    const snapshot = await store.putFile(path);
    const data = {
      inputs: { id: { from: 'request', type: 'category' }, price: { from: 'request', type: 'number' } },
      key: ['day'],
    };
    await built({ snapshot, data, numericLabel: false }, async ({ session }) => {
      const traffic = await session.read('traffic');
      expect((await session.columns('traffic')).map(({ name, type }) => `${name} ${type}`).slice(4)).toEqual([
        'label BIGINT',
        'id BIGINT',
        'price DOUBLE',
      ]);
      expect(cellsOf(traffic, 'id')).toEqual([7, Number.NaN]);
      expect(cellsOf(traffic, 'label')).toEqual([20, Number.NaN]);
      expect(cellsOf(traffic, 'price')).toEqual([Number.NaN, Number.NaN]);
    });
  });

  test('hostile column names stay names', async () => {
    const evil = 'a"; DROP TABLE history; --';
    const csv = `id,day,shop,price,sold,"${evil.replaceAll('"', '""')}"\n1,2020-01-01,a,1,1,5\n`;
    const data = { inputs: { [evil]: { from: 'request', type: 'number' } } };
    mkdirSync(join(folder, 'session'), { recursive: true });
    writeFileSync(join(folder, 'session', 'keep'), '');
    await built({ csv, data, snapshot: 'none' as Digest }, async (made) => {
      await writePart(made, Int32Array.of(0), join(folder, 'session', 'part.parquet'));
      expect(cellsOf(made.table, evil)).toEqual([5]);
    });
  });
});
