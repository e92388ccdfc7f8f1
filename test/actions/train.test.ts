import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseKeySet } from '#lib/data/content.ts';
import type { Statement } from '#lib/lifecycle/evidence.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { startPredictor } from '#lib/ml/predictor.ts';
import { main as data } from '../../actions/data/main.ts';
import type { Exchange, Progress, StageDeps } from '../../actions/kit/stage.ts';
import { main as train } from '../../actions/train/main.ts';
import { type BikesRepository, bikesRepository, dataYaml } from './bikes-repository.ts';

const OPERATE = readFileSync(new URL('../../runners/local/demo/bikes/operate.yml', import.meta.url), 'utf8');

function modelYaml(refit: 'none' | 'full'): string {
  return `version: 1
predictor: onnx
candidates:
  - {name: line, trainer: linear, loss: mae, epochs: 4, learning_rate: 0.02}
  - {name: net, trainer: mlp, hidden: [8], loss: mae, epochs: 8, learning_rate: 0.02}
seed: 1
refit: ${refit}
`;
}

let bikes: BikesRepository;
let rows: Statement<'data'>;
beforeAll(async () => {
  bikes = await bikesRepository();
  bikes.write(
    'models/bikes/data.yml',
    dataYaml(bikes.csv, { window: '{last: P120D, until: "2011-10-01T00:00:00Z"}' }),
  );
  bikes.write('models/bikes/operate.yml', OPERATE);
  bikes.write('models/bikes/model.yml', modelYaml('full'));
  rows = (await data({ model: 'bikes', plan: null, planDigest: null }, bikes.deps())).statement;
});
afterAll(() => bikes.remove());

function run(candidate: number, deps: StageDeps = bikes.deps()) {
  return train(
    {
      model: 'bikes',
      plan: null,
      planDigest: null,
      candidate,
      data: rows,
      backend: 'auto',
      env: process.env,
    },
    deps,
  );
}

async function keysOf(digest: Parameters<BikesRepository['store']['get']>[0]): Promise<Set<string>> {
  return parseKeySet(await bikes.store.get(digest));
}

describe('a candidate with refit: full', () => {
  test('is fitted three times, and the evidence says on what', async () => {
    const { statement, verdict } = await run(1);
    const { result } = statement.predicate;
    const { parts, output } = rows.predicate.result;
    expect(verdict).toBe('passed');
    expect(result).toMatchObject({
      candidate: { index: 1, name: 'net', trainer: 'mlp', params: { hidden: [8], loss: 'mae', epochs: 8 } },
      seed: 1,
      backend: 'wasm',
      data: output.content,
      validation: { metric: 'mae', rows: parts.validation.rows },
      refit: 'full',
    });
    expect(result.twin.rows).toBe(parts.train.rows + parts.validation.rows);
    expect(result.served.rows).toBe(parts.full.rows);
    expect(result.served.model).not.toBe(result.twin.model);
    expect(result.curve).toHaveLength(8);
    expect(statement.subject.map(({ name }) => name)).toEqual([
      'train/1/served.onnx',
      'train/1/twin.onnx',
      'train/1/seen.keys',
    ]);
    // A line through the hours of a day is far off: 8 epochs must have learnt something, and not everything.
    expect(result.validation.value).toBeGreaterThan(10);
    expect(result.validation.value).toBeLessThan(150);
    expect(await keysOf(result.seen)).toEqual(await keysOf(parts.full.keys));
  });

  test('gives the same bytes when it is run again', async () => {
    const [first, second] = [await run(0), await run(0)].map(({ statement }) => statement.predicate.result);
    expect(second).toEqual(first);
  });

  test('ships bytes that answer a request of the signature', async () => {
    const { served, signature } = (await run(0)).statement.predicate.result;
    expect(signature.inputs.map(({ name, datatype }) => `${name} ${datatype}`)).toEqual([
      'hr INT64',
      'weekday INT64',
      'workingday FP32',
      'weathersit INT64',
      'temp FP32',
      'hum FP32',
    ]);
    const predictor = await startPredictor({ model: await bikes.store.get(served.model), signature });
    try {
      const hour = (hr: bigint) => ({
        hr: BigInt64Array.of(hr),
        weekday: BigInt64Array.of(3n),
        workingday: Float32Array.of(1),
        weathersit: BigInt64Array.of(1n),
        temp: Float32Array.of(0.7),
        hum: Float32Array.of(0.5),
      });
      const [night, evening] = [await predictor.predict(hour(4n), 1), await predictor.predict(hour(17n), 1)];
      expect(evening.values[0]).toBeGreaterThan((night.values[0] ?? 0) + 100);
    } finally {
      await predictor.close();
    }
  });
});

test('with refit: none the judged bytes are served, and the holdout was never seen', async () => {
  bikes.write('models/bikes/model.yml', modelYaml('none'));
  try {
    const { result } = (await run(0)).statement.predicate;
    expect(result.served).toEqual(result.twin);
    const { parts } = rows.predicate.result;
    const [seen, recent] = [await keysOf(result.seen), await keysOf(parts.recent.keys)];
    expect(seen.size).toBe(parts.train.rows + parts.validation.rows);
    expect([...recent].filter((key) => seen.has(key))).toEqual([]);
  } finally {
    bikes.write('models/bikes/model.yml', modelYaml('full'));
  }
});

test('reads and writes under train/ alone, and tells how far it is', async () => {
  const deps = bikes.deps();
  const names: string[] = [];
  const phases: string[] = [];
  const named =
    <Rest extends unknown[], Result>(of: (name: string, ...rest: Rest) => Result) =>
    (name: string, ...rest: Rest): Result => {
      names.push(name);
      return of(name, ...rest);
    };
  const { put, putFile, get, getFile } = deps.exchange;
  const exchange: Exchange = {
    put: named(put),
    putFile: named(putFile),
    get: named(get),
    getFile: named(getFile),
  };
  let last = '';
  const progress: Progress = {
    ...deps.progress,
    phase: (name) => phases.push(name),
    update: (done, total, unit) => {
      last = `${done} of ${total} ${unit}`;
    },
  };
  await run(0, { ...deps, exchange, progress });
  expect(names.length).toBeGreaterThan(6);
  expect(names.filter((name) => !name.startsWith('train/'))).toEqual([]);
  expect(phases.map((phase) => phase.replace(/\d+ rows/, 'rows'))).toEqual([
    'train bikes/line: search, rows',
    'train bikes/line: twin, rows',
    'train bikes/line: served, rows',
  ]);
  expect(last).toBe('4 of 4 epochs');
});

test('a candidate that is not in model.yml is the mistake of the user', async () => {
  await expect(run(2)).rejects.toThrow('models/bikes/model.yml has no candidate number 2');
  await expect(run(2)).rejects.toThrow(UserError);
});
