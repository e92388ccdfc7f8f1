import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSession, type Session } from '#lib/data/duckdb.ts';

let folder: string;
let session: Session;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'unstable-'));
  session = await openSession({ folder });
  await session.run("CREATE TABLE history AS SELECT 'a' AS uuid, 1 AS today, 2 AS now, 3 AS random");
});
afterAll(() => {
  session.close();
  rmSync(folder, { recursive: true, force: true });
});

test.each([
  ['SELECT uuid, today FROM history', []],
  ['SELECT h.uuid FROM history AS h ORDER BY now, random', []],
  ['SELECT uuid() FROM history', ['uuid']],
  ['SELECT "Random"() FROM history', ['random']],
  ['SELECT Now(), localtimestamp FROM history', ['localtimestamp', 'now']],
  ['SELECT Current_Timestamp FROM history', ['Current_Timestamp']],
  ['SELECT current_transaction_id()', ['current_transaction_id']],
  ['SELECT list_transform([1], lambda x: x + random())', ['random']],
])('%s', async (sql, unstable) => {
  expect((await session.inspect(sql)).unstable).toEqual(unstable);
  await session.run(`CREATE OR REPLACE TABLE made AS ${sql}`);
});
