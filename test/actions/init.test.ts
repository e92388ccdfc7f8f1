import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buildData } from '#lib/data/build.ts';
import { openStore } from '#lib/store/open.ts';
import { loadDefinition, workspaceFiles } from '../../actions/data/definition.ts';
import { executeInit, type InitInputs, planInit } from '../../actions/init/main.ts';
import { loadModelFolder, loadPolicy } from '../../actions/kit/model-folder.ts';
import { options } from '../formats/bikes.ts';

const CSV = new URL('../../templates/starter-data/bike_sharing_hour.csv', import.meta.url).pathname;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'init-'));
  mkdirSync(join(folder, 'scratch'));
  mkdirSync(join(folder, 'root'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

type Model = NonNullable<InitInputs['model']>;
const bikesModel: Model = {
  data: CSV,
  target: 'cnt',
  time: ['dteday', 'hr'],
  timeFormat: null,
  key: [],
  task: null,
  name: 'bikes',
  positive: null,
  asked: {},
};
const inputs = (model: Model | null): InitInputs => ({
  root: join(folder, 'root'),
  repository: options,
  model,
});
const plan = (model: Model | null) => planInit(inputs(model), join(folder, 'scratch'));

async function init(model: Model | null) {
  const store = openStore(pathToFileURL(join(folder, 'store')).href);
  const made = await plan(model);
  await executeInit(made, { root: join(folder, 'root'), store });
  return { made, store };
}

/** A small CSV of our own. */
function csv(name: string, rows: string[]): Model {
  const data = join(folder, name);
  writeFileSync(data, `${rows.join('\n')}\n`);
  return { ...bikesModel, data, name: null, time: [] };
}

describe('bikes', () => {
  test('the files parse, the bytes are in the store, and what leaks is left out', async () => {
    const { made, store } = await init(bikesModel);
    const root = join(folder, 'root');
    const { data, problem, model } = loadModelFolder(root, 'bikes');
    expect(loadPolicy(root).environments[0]?.target.url).toBe(options.supervisor);
    expect(problem).toMatchObject({
      task: { kind: 'regression' },
      target: 'cnt',
      success: [{ metric: 'mae', threshold: 124 }],
    });
    expect(data).toMatchObject({
      key: ['event_time'],
      time: 'event_time',
      split: { by: 'time', recent: 'P28D' },
    });
    expect(data.inputs).toMatchObject({
      hr: { type: 'category' },
      temp: { type: 'number' },
      workingday: { type: 'number' },
    });
    const inputs = Object.keys(data.inputs);
    for (const left of ['registered', 'casual', 'instant', 'yr']) expect(inputs).not.toContain(left);
    expect(made.leaks).toEqual([
      {
        columns: ['registered', 'casual'],
        reason: 'registered + casual gives the target on every row',
        score: 1,
      },
    ]);
    expect(model.refit).toBe('full');
    expect(await store.has(made.object?.digest ?? 'sha256:')).toBe(true);
    expect(readFileSync(join(root, 'models/bikes/pipeline/10-rows.sql'), 'utf8')).toContain('to_hours("hr")');
  });

  test('twice is once, and a file of the user is never overwritten', async () => {
    writeFileSync(join(folder, 'root', 'README.md'), 'mine');
    const first = await init(bikesModel);
    expect(first.made.keep).toEqual(['README.md']);
    const second = await init(bikesModel);
    expect(second.made.write).toEqual([]);
    expect(readFileSync(join(folder, 'root', 'README.md'), 'utf8')).toBe('mine');
    expect(readdirSync(join(folder, 'root')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

test('a plan writes nothing', async () => {
  expect((await plan(bikesModel)).write.length).toBeGreaterThan(10);
  expect(readdirSync(join(folder, 'root'))).toEqual([]);
  expect(existsSync(join(folder, 'store'))).toBe(false);
});

test('without data: policy, workflows and forms', async () => {
  const { made } = await init(null);
  expect(made.write.map(({ path }) => path).filter((path) => path.startsWith('models/'))).toEqual([]);
  expect(existsSync(join(folder, 'root', '.github/workflows/roundhouse-evaluate.yml'))).toBe(true);
});

describe('what is predicted', () => {
  const rows = Array.from(
    { length: 60 },
    (_, index) => `${index},${index % 7},${index % 2 ? 'gone' : 'kept'},${'abc'[index % 3]}`,
  );
  const file = () => csv('Churn Data.csv', ['id,visits,left,plan', ...rows]);

  test('two values are a binary problem, named after the file', async () => {
    await init({ ...file(), target: 'left', positive: 'gone' });
    const { problem, data } = loadModelFolder(join(folder, 'root'), 'churn-data');
    expect(problem).toMatchObject({
      task: { kind: 'binary', positive: 'gone' },
      success: [{ metric: 'accuracy', threshold: 0.55 }],
    });
    expect(data).toMatchObject({
      key: ['row_number'],
      time: null,
      split: { by: 'key' },
      inputs: { visits: {}, plan: { type: 'category' } },
    });
  });
  test('some texts are a multiclass problem', async () => {
    await init({ ...file(), target: 'plan' });
    expect(loadModelFolder(join(folder, 'root'), 'churn-data').problem.task).toEqual({ kind: 'multiclass' });
  });
});

describe('what stands between the values', () => {
  const lines = Array.from({ length: 60 }, (_, row) => [`a${row}`, row % 7, (row * 5) % 11, row % 3]);
  const file = (between: string) =>
    csv(
      'between.csv',
      [['uuid', 'x', 'z', 'y'], ...lines].map((cells) => cells.join(between)),
    );
  const written = () => readFileSync(join(folder, 'root', 'models/between/data.yml'), 'utf8');

  test.each([';', '\t', '|', ','])('%j is found, and the data stage reads the file', async (between) => {
    const { store } = await init({ ...file(between), target: 'z' });
    const { data: config } = loadModelFolder(join(folder, 'root'), 'between');
    expect(config.sources).toMatchObject([{ kind: 'csv', delimiter: between }]);
    expect(written().includes('delimiter')).toBe(between !== ',');
    const built = await buildData({
      ...(await loadDefinition('between', workspaceFiles(join(folder, 'root')))),
      ...{ store, folder: join(folder, 'built'), note: () => {} },
    });
    built.session.close();
    expect(built.table.rows).toBe(60);
  });

  test('the one that is asked for is taken; where it gives one column the next move is said', async () => {
    await expect(plan({ ...file(';'), target: 'z', asked: { delimiter: ',' } })).rejects.toMatchObject({
      message: expect.stringContaining('has no column "z"; it has: uuid;x;z;y'),
      fix: expect.stringContaining('--delimiter: "," gives one column'),
    });
  });
});

describe('mistakes name the value and the next move', () => {
  const file = () => csv('a.csv', ['day,n,y', '2020-01-01,1,a', '2020-01-02,2,b']);
  test.each<[string, () => Model, RegExp]>([
    ['no file', () => ({ ...bikesModel, data: '/nowhere.csv' }), /no file \/nowhere\.csv/],
    ['no target', () => ({ ...file(), target: 'z' }), /no column "z"; it has: day, n, y/],
    ['no time', () => ({ ...file(), target: 'n', time: ['hour'] }), /no column "hour" for the time/],
    ['a number as time', () => ({ ...file(), target: 'y', time: ['n'] }), /"n" is a number/],
    [
      'a regression of texts',
      () => ({ ...file(), target: 'y', task: 'regression' }),
      /a regression predicts a number/,
    ],
    [
      'a yes that is none',
      () => ({ ...file(), target: 'y', positive: 'c' }),
      /"y" has no value "c"; it has: a, b/,
    ],
    ['a name that is none', () => ({ ...file(), target: 'n', name: 'My Model' }), /no name of a model/],
    ['no table', () => csv('b.csv', ['']), /b\.csv can't be read: it is empty/],
  ])('%s', async (_, model, message) => {
    await expect(plan(model())).rejects.toThrow(message);
    expect(readdirSync(join(folder, 'root'))).toEqual([]);
  });
});
