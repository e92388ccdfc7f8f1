import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Build, buildData } from '#lib/data/build.ts';
import { randomOf } from '#lib/ml/stats/random.ts';
import { openStore } from '#lib/store/open.ts';
import { loadDefinition, workspaceFiles } from '../../actions/data/definition.ts';
import { executeInit, type InitInputs, planInit } from '../../actions/init/main.ts';
import { options } from '../formats/bikes.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'init-tables-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const random = randomOf(11);
const whole = (below: number) => Math.floor(random.uniform() * below);
const oneOf = (...values: string[]) => values[whole(values.length)] ?? '';

type Model = NonNullable<InitInputs['model']>;

/** The plan for a file of these lines; what is not asked for is found out. */
async function plan(name: string, lines: string[], asked: Partial<Model>) {
  const data = join(folder, `${name}.csv`);
  const root = join(folder, name);
  const scratch = join(folder, `${name}-scratch`);
  for (const made of [root, scratch]) mkdirSync(made, { recursive: true });
  writeFileSync(data, `${lines.join('\n')}\n`);
  const usual = { target: 'y', time: [], timeFormat: null, key: [], task: null, positive: null, asked: {} };
  const made = await planInit(
    { root, repository: options, model: { ...usual, data, name, ...asked } },
    scratch,
  );
  const text = (path: string) =>
    made.write.find((file) => file.path === `models/${name}/${path}`)?.text ?? '';
  return { made, text, root };
}

/** The rows as the data stage reads them from the files that were written. */
async function built(name: string, { made, root }: Awaited<ReturnType<typeof plan>>): Promise<Build> {
  const store = openStore(pathToFileURL(join(folder, `${name}-store`)).href);
  await executeInit(made, { root, store });
  const definition = await loadDefinition(name, workspaceFiles(root));
  return buildData({ ...definition, store, folder: join(folder, `${name}-built`), note: () => {} });
}

describe('calls of a bank: semicolons, quotes, "unknown", one yes in ten', () => {
  const rows = Array.from({ length: 800 }, (_, row) => {
    const yes = row % 10 === 3;
    const days = random.uniform() < 0.9 ? 999 : whole(28);
    return `${18 + whole(60)};"${oneOf('admin.', 'services', 'unknown')}";${yes ? 300 + whole(400) : whole(500)};${days};"${yes ? 'yes' : 'no'}"`;
  });
  test('is a binary problem by AUC that keeps what may be an answer', async () => {
    const { made, text } = await plan('bank', ['"age";"job";"duration";"pdays";"y"', ...rows], {});
    expect(made).toMatchObject({
      ...{ task: 'binary', positive: 'yes', rows: 800, leaks: [], left_out: [], time: null },
      problem: { metric: 'auc', trivial: 0.5, threshold: 0.55 },
      missing: [
        { column: 'job', codes: ['unknown'], applied: false },
        { column: 'pdays', codes: ['999'], applied: false },
      ],
      split: { by: 'key' },
    });
    expect(text('data.yml')).toContain('delimiter: ;');
    expect(text('data.yml')).toContain('"unknown" of "job"');
  });
});

describe('policies with $ amounts, percents and a total', () => {
  const money = (value: number) => `"$${value.toFixed(2).replace(/\B(?=(\d{3})+\.)/g, ',')}"`;
  const rows = Array.from({ length: 400 }, (_, row) => {
    const [amount, fee] = [whole(900_000) / 100, whole(9_000) / 100];
    const bmi = row % 20 === 0 ? '-999' : String(20 + whole(150) / 10);
    return `${100_000 + row},${oneOf('yes', 'no')},${bmi},${whole(30)}%,${money(amount)},${money(fee)},${money(amount - fee)}`;
  });
  const header = 'policy id,smoker?,bmi,discount,$ amount (usd),the fee,$ total (usd)';
  test('are read as numbers, and the total is found out', async () => {
    const found = await plan('policies', [header, ...rows], { target: '$ total (usd)' });
    expect(found.made.leaks).toMatchObject([{ columns: ['$ amount (usd)', 'the fee'], score: 1 }]);
    expect(found.made.left_out?.map(({ column }) => column)).toEqual([
      'policy id',
      '$ amount (usd)',
      'the fee',
    ]);
    const { table, session, data } = await built('policies', found);
    session.close();
    expect(Object.keys(data.inputs)).toEqual(['smoker?', 'bmi', 'discount']);
    // How amounts are written is said without any value of a row.
    expect(found.text('pipeline/10-rows.sql')).toMatch(/-- written as "9+%"/);
    const bmi = table.columns.get('bmi');
    expect(bmi?.kind === 'number' && bmi.values.filter((value) => Number.isNaN(value)).length).toBe(20);
    expect(new Set<unknown>(table.columns.get('smoker?')?.values)).toEqual(new Set(['yes', 'no']));
    expect(table.columns.get('discount')?.kind).toBe('number');
  });
});

test('amounts in brackets are below zero', async () => {
  const rows = Array.from({ length: 300 }, (_, row) => {
    const cents = ((row * 7919) % 400_000) / 100;
    const shown = `$${cents.toFixed(2).replace(/\B(?=(\d{3})+\.)/g, ',')}`;
    return `${whole(100)},"${row % 2 === 0 ? shown : `(${shown})`}"`;
  });
  const found = await plan('balances', ['size,balance', ...rows], { target: 'balance', task: 'regression' });
  const { table, session } = await built('balances', found);
  session.close();
  const balance = table.columns.get('balance');
  const below = balance?.kind === 'number' ? balance.values.filter((value) => value < 0) : [];
  expect(below.length).toBeGreaterThan(140);
  expect(Math.min(...below)).toBeLessThan(-3000);
});

test('an export of a spreadsheet: percents and amounts with a comma, a total with a code for none', async () => {
  const comma = (value: number, digits: number) => value.toFixed(digits).replace('.', ',');
  const rows = Array.from({ length: 400 }, (_, row) => {
    const rate = `${comma(whole(5000) / 100, 2)} %`;
    const price = `${1 + whole(8)}.${String(100 + whole(800))},50 €`;
    return `${rate};${price};${comma(whole(900) / 10, 1)};${row % 40 === 3 ? '-9999' : comma(40 + whole(900) / 10, 1)}`;
  });
  const found = await plan('export', ['Rabatt in %;Preis;Größe;y', ...rows], {});
  expect(found.made).toMatchObject({
    ...{ task: 'regression', rows: 390, dropped: { unlabelled: 10 }, left_out: [] },
    dialect: { delimiter: ';', decimal: ',' },
  });
  const { table, session } = await built('export', found);
  session.close();
  const values = (name: string) => table.columns.get(name)?.values as Float64Array;
  expect(Math.max(...values('Rabatt in %'))).toBeLessThan(50);
  expect(Math.min(...values('Preis'))).toBeGreaterThan(1100);
  expect(Math.min(...values('y'))).toBeGreaterThanOrEqual(40);
});

test('a date that only leavers have is told as the answer, and never as the time of the rows', async () => {
  const rows = Array.from({ length: 400 }, (_, row) => {
    const left = row % 4 === 1;
    return `${day(row * 7).slice(0, 10)},${left ? day(row).slice(0, 10) : ''},${whole(90)},${left ? 1 : 0}`;
  });
  const { made } = await plan('leavers', ['joined_on,left_on,age,y', ...rows], {});
  expect(made.leaks).toMatchObject([{ columns: ['left_on'] }]);
  expect(made.notes.join('\n')).toContain('did you mean --time joined_on?');
});

describe('arrivals at 225 airports, days first', () => {
  const rows = Array.from({ length: 2500 }, (_, row) => {
    const at = new Date(Date.UTC(2021, 0, 1) + row * 5_400_000).toISOString();
    const time = `${at.slice(8, 10)}/${at.slice(5, 7)}/${at.slice(0, 4)} ${at.slice(11, 16)}`;
    const delay = row % 50 === 7 ? '?' : String(whole(90));
    return `${time},A${row % 225},${whole(3000)},remark ${row} on this very arrival,${delay},${row % 97 === 5 ? '' : 1 + whole(3)}`;
  });
  const lines = ['when,airport,km,remark,wait,y', ...rows];
  test('give a category, a time, and a task of three classes', async () => {
    const found = await plan('arrivals', lines, { time: ['when'] });
    const dropped = rows.filter((row) => row.endsWith(',')).length;
    expect(found.made).toMatchObject({
      ...{
        task: 'multiclass',
        rows: 2500 - dropped,
        dropped: { unlabelled: dropped, timeless: 0 },
        leaks: [],
      },
      time: { columns: ['when'], format: 'dd/mm/yyyy hh:mm', from: '2021-01-01T00:00:00.000Z' },
      left_out: [{ column: 'remark' }],
      missing: [{ column: null, codes: ['?'], applied: true }],
    });
    const { table, session, data } = await built('arrivals', found);
    session.close();
    expect(table.rows).toBe(2500 - dropped);
    expect(data).toMatchObject({
      key: ['event_time'],
      inputs: { airport: { type: 'category' }, wait: { type: 'number' } },
    });
  });
  test('a bad date is named with its line', async () => {
    const broken = lines.with(42, '31/02/2021 10:00,A1,5,x,1,1');
    await expect(plan('broken', broken, { time: ['when'] })).rejects.toThrow(
      /line 43: "when" is "31\/02\/2021 10:00", which is no dd\/mm\/yyyy hh:mm/,
    );
  });
  test('without --time it is asked whether one was meant', async () => {
    const { made } = await plan('untimed', lines, {});
    expect(made.notes.join('\n')).toContain('did you mean --time when?');
  });
});

const day = (row: number) => new Date(Date.UTC(2021, 0, 5) + row * 86_400_000).toISOString();
test.each<[string, string[], (row: number) => string, string]>([
  ['epoch seconds', ['t'], (row) => String(1_600_000_000 + row * 60), 'seconds since 1970'],
  ['milliseconds', ['t'], (row) => String((1_600_000_000 + row * 60) * 1000), 'milliseconds since 1970'],
  ['compact days', ['t'], (row) => day(row).slice(0, 10).replaceAll('-', ''), 'yyyymmdd'],
  [
    'months first',
    ['t'],
    (row) => `${day(row).slice(5, 7)}/${day(row).slice(8, 10)}/${day(row).slice(0, 4)}`,
    'mm/dd/yyyy',
  ],
  ['offsets', ['t'], (row) => `${day(row).slice(0, 19)}+02:00`, 'with its offset, in UTC'],
  [
    'year, month, day, hour',
    ['t', 'month', 'day', 'hour'],
    (row) => `2021,${1 + Math.floor(row / 700)},${1 + (Math.floor(row / 24) % 28)},${row % 24}`,
    'year, month, day, hour',
  ],
  [
    'a day and hours with minutes',
    ['t', 'clock'],
    (row) => `${day(row).slice(0, 10)},${100 * (row % 24) + 45}`,
    'as it stands, then hhmm',
  ],
])('a time as %s', async (name, time, cell, format) => {
  const lines = Array.from({ length: 90 }, (_, row) => `${cell(row)},${whole(50)},${whole(500)}`);
  const { made } = await plan(name.replaceAll(/[^a-z]+/g, '-'), [`${time.join(',')},x,y`, ...lines], {
    time,
  });
  expect(made.time).toMatchObject({ columns: time, format });
});

test('a day that fits two forms is asked for', async () => {
  const lines = Array.from(
    { length: 90 },
    () => `0${1 + whole(9)}/0${1 + whole(9)}/2021,${whole(50)},${whole(500)}`,
  );
  await expect(plan('two', ['t,x,y', ...lines], { time: ['t'] })).rejects.toMatchObject({
    fix: expect.stringContaining("--time-format '%d/%m/%Y'"),
  });
  const { made } = await plan('said', ['t,x,y', ...lines], { time: ['t'], timeFormat: '%m/%d/%Y' });
  expect(made.time?.format).toBe('mm/dd/yyyy');
});

test('a key is checked, and names like those of the log are changed where all can see it', async () => {
  const lines = Array.from({ length: 90 }, (_, row) => `k${row},${row % 40},${whole(50)},${whole(500)}`);
  const header = 'code,half,version,y';
  await expect(plan('half', [header, ...lines], { key: ['half'] })).rejects.toThrow(
    /90 rows have 40 different ones/,
  );
  const { made, text } = await plan('code', [header, ...lines], { key: ['code'] });
  expect(made.columns?.find(({ name }) => name === 'code')?.role).toBe('key');
  expect(text('pipeline/10-rows.sql')).toContain('"version" as "version_"');
  expect(readFileSync(join(folder, 'code.csv'), 'utf8')).toContain('version');
});
