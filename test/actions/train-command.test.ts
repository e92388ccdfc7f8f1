import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Statement } from '#lib/lifecycle/evidence.ts';
import { startPredictor } from '#lib/ml/predictor.ts';
import { main as data } from '../../actions/data/main.ts';
import { main as evaluate } from '../../actions/evaluate/main.ts';
import type { StageDeps } from '../../actions/kit/stage.ts';
import { main as train } from '../../actions/train/main.ts';
import { type BikesRepository, bikesRepository, dataYaml } from './bikes-repository.ts';

const OPERATE = readFileSync(new URL('../../runners/local/demo/bikes/operate.yml', import.meta.url), 'utf8');
const PROGRAM = fileURLToPath(new URL('./least-squares.mjs', import.meta.url));
const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));

function modelYaml(broken: string, { path = 'models/bikes/train.mjs', timeout = 'PT2M' } = {}): string {
  return `version: 1
predictor: onnx
candidates:
  - name: squares
    trainer: command
    command: [${process.execPath}, ${path}]
    rows: csv
    timeout: ${timeout}
    environment: [SEEDED]
    params: {ridge: 0.001, broken: "${broken}"}
seed: 5
refit: full
`;
}

let bikes: BikesRepository;
let rows: Statement<'data'>;
beforeAll(async () => {
  bikes = await bikesRepository();
  const yaml = dataYaml(bikes.csv, { window: '{last: P120D, until: "2011-10-01T00:00:00Z"}' });
  // One matrix of numbers is what most exporters write.
  bikes.write('models/bikes/data.yml', yaml.replaceAll('type: category', 'type: number'));
  bikes.write('models/bikes/operate.yml', OPERATE);
  bikes.write('models/bikes/model.yml', modelYaml(''));
  for (const path of ['models/bikes/train.mjs', 'scripts/train.mjs']) {
    mkdirSync(dirname(join(bikes.workspace, path)), { recursive: true });
    copyFileSync(PROGRAM, join(bikes.workspace, path));
  }
  // The program finds its packages as in any checkout.
  symlinkSync(MODULES, join(bikes.workspace, 'node_modules'));
  rows = (await data({ model: 'bikes', plan: null, planDigest: null }, bikes.deps())).statement;
});
afterAll(() => bikes.remove());

const ENV = { PATH: process.env.PATH, SECRET: 'hush', SEEDED: 'seen' };

function run(deps: StageDeps = bikes.deps()) {
  return train(
    { model: 'bikes', plan: null, planDigest: null, candidate: 0, data: rows, backend: 'auto', env: ENV },
    deps,
  );
}

describe('a candidate that a command trains', () => {
  test('is fitted three times, checked, and judged like any other', async () => {
    const said: string[] = [];
    const progress = { phase() {}, update() {}, note: (text: string) => void said.push(text), warn() {} };
    const deps = bikes.deps({ progress });
    const { statement } = await run(deps);
    const { result } = statement.predicate;
    const { parts } = rows.predicate.result;
    expect(said.filter((line) => line.startsWith('|'))).toEqual([
      `| search: ${parts.train.rows} rows, secret unseen, seed seen`,
      `| twin: ${parts.train.rows + parts.validation.rows} rows, secret unseen, seed seen`,
      `| served: ${parts.full.rows} rows, secret unseen, seed seen`,
    ]);
    expect(result).toMatchObject({
      candidate: { name: 'squares', trainer: 'command', params: { rows: 'csv', params: { ridge: 0.001 } } },
      seed: 5,
      curve: [3, 2, 1],
      parity: { rows: 500 },
    });
    expect(result.signature.inputs.map(({ name }) => name)).toContain('hum');
    expect(readdirSync(deps.scratch).filter((name) => name.startsWith('command-'))).toEqual([]);

    const predictor = await startPredictor({
      model: await bikes.store.get(result.served.model),
      signature: result.signature,
    });
    try {
      const hour = Object.fromEntries(
        result.signature.inputs.map(({ name }) => [name, Float32Array.of(0.5)]),
      );
      expect((await predictor.predict(hour, 1)).values[0]).toBeGreaterThan(0);
    } finally {
      await predictor.close();
    }

    const judged = await evaluate(
      {
        model: 'bikes',
        plan: null,
        planDigest: null,
        data: rows,
        train: [statement],
        champion: null,
        anchor: null,
        looks: {},
      },
      bikes.deps(),
    );
    expect(judged.statement.predicate.result).toMatchObject({ trainer: 'command', winner: 0 });
  });

  test.each([
    ['exit', /ended with exit code 3; its last lines:\n {2}\| cannot allocate memory/],
    ['nothing', /left no model\.onnx/],
    ['pickle', /refused: it is a Python pickle/],
    ['pipe', /model\.onnx is no plain file/],
    ['other', /row 1 of the comparison has/],
  ])('a program that goes wrong (%s) says so, and leaves nothing', async (broken, message) => {
    bikes.write('models/bikes/model.yml', modelYaml(broken));
    const deps = bikes.deps();
    await expect(run(deps)).rejects.toThrow(message);
    expect(readdirSync(deps.scratch).filter((name) => name.startsWith('command-'))).toEqual([]);
  });

  test('is stopped at its deadline, with what it said last', async () => {
    bikes.write('models/bikes/model.yml', modelYaml('slow', { timeout: 'PT2S' }));
    await expect(run()).rejects.toThrow(/ran longer than 2 s and was stopped/);
  });

  test('is refused where the code digest does not cover its program', async () => {
    bikes.write('models/bikes/model.yml', modelYaml('', { path: 'scripts/train.mjs' }));
    await expect(run()).rejects.toMatchObject({
      message: expect.stringContaining('runs scripts/train.mjs, which the code digest does not cover'),
      fix: 'put it below models/bikes/, or list it: code: [scripts/train.mjs]',
    });
    bikes.write(
      'models/bikes/model.yml',
      `${modelYaml('nothing', { path: 'scripts/train.mjs' })}code: [scripts/**]\n`,
    );
    await expect(run()).rejects.toThrow(/left no model\.onnx/);
  });

  test('is told by name when its program is not there', async () => {
    bikes.write('models/bikes/model.yml', modelYaml('').replace(process.execPath, 'no-such-program'));
    await expect(run()).rejects.toThrow(/can't be started: spawn no-such-program ENOENT/);
    expect(existsSync(join(bikes.workspace, 'model.onnx'))).toBe(false);
  });
});
