import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseKeySet } from '#lib/data/content.ts';
import { readParquet, writeParquet } from '#lib/data/duckdb.ts';
import type { Profile } from '#lib/data/profile.ts';
import { digestOf } from '#lib/formats/digest.ts';
import { statementSchemas } from '#lib/lifecycle/evidence.ts';
import type { JobPlan } from '#lib/lifecycle/plan.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { main as accept } from '../../actions/accept/main.ts';
import { main } from '../../actions/data/main.ts';
import { quarantineExchange } from '../../actions/kit/exchange.ts';
import { statementText } from '../../actions/kit/statement.ts';
import { cellsOf, tableOf } from '../data/tables.ts';
import { type BikesRepository, bikesRepository, dataYaml, HOURS_SQL } from './bikes-repository.ts';

let bikes: BikesRepository;
beforeEach(async () => {
  bikes = await bikesRepository();
});
afterEach(() => bikes.remove());

const WINDOW_2011 = '{last: P365D, until: "2012-01-01T00:00:00Z"}';
const WINDOW_Q2 = '{last: P90D, until: "2012-07-01T00:00:00Z"}';
const some = digestOf('some');

function planWith(parts: Partial<JobPlan>): JobPlan {
  const sha = 'a'.repeat(40);
  return {
    kind: 'roundhouse-plan',
    version: 1,
    repository: 'acme/bikes',
    pull_request: 1,
    model: 'bikes',
    base: sha,
    head: sha,
    merge: sha,
    digests: { code: some, config: some, gates: some, policy: some, problem: some },
    champion: null,
    anchor: null,
    looks: {},
    candidates: [{ index: 0, name: 'mlp' }],
    accepted: null,
    ...parts,
  };
}

const championAt = (commit: string): JobPlan['champion'] => ({
  version: '1.0.0',
  commit,
  candidate: some,
  bundle: some,
  model: some,
  seen: some,
  reference: { mae: 30 },
});

const run = (plan: JobPlan | null = null, deps = bikes.deps()) =>
  main({ model: 'bikes', plan, planDigest: null }, deps);
const fileOf = async (object: Digest) =>
  bikes.store.getFile(object, join(bikes.workspace, '..', `${object.slice(7, 20)}.parquet`));

describe('the first version', () => {
  test('parts, digests and objects of the bikes of 2011', async () => {
    const { statement, verdict, outputs } = await run();
    const { result } = statement.predicate;
    expect(verdict).toBe('passed');
    expect(outputs).toMatchObject({ verdict: 'passed', rows: '17379' });
    // 8645 hours of 2011, as the data's description counts them.
    expect(result.parts.full).toMatchObject({
      rows: 8645,
      from: '2011-01-01T00:00:00.000Z',
      until: '2011-12-31T23:00:00.000Z',
    });
    expect(result.parts.recent).toMatchObject({ rows: 669, from: '2011-12-04T00:00:00.000Z' });
    expect(result.parts.validation).toMatchObject({ rows: 671, until: '2011-12-02T23:00:00.000Z' });
    expect(result.parts.train.rows + result.parts.validation.rows + result.parts.recent.rows).toBe(8645 - 24);
    expect(result.parts.recent_champion).toBeNull();
    expect(result.parts.anchor).toBeNull();
    expect(result.window).toEqual({ from: '2011-01-01T00:00:00.000Z', until: '2012-01-01T00:00:00.000Z' });

    for (const { digest } of statement.subject)
      expect(await bikes.store.has(`sha256:${digest.sha256}`)).toBe(true);
    const named = statement.subject.map(({ name }) => name).sort();
    expect(named).toEqual([
      'holdout/output.parquet',
      'holdout/recent.keys',
      'holdout/recent.parquet',
      'train/full.keys',
      'train/full.parquet',
      'train/profile.json',
      'train/train.keys',
      'train/train.parquet',
      'train/validation.keys',
      'train/validation.parquet',
    ]);
    const recent = await readParquet(await fileOf(result.parts.recent.object));
    expect([...recent.columns.keys()]).toEqual([
      'ts',
      'cnt',
      'hr',
      'weekday',
      'workingday',
      'weathersit',
      'temp',
      'hum',
    ]);
    expect(recent.rows).toBe(669);
    const keysOf = async (digest: Digest) => parseKeySet(await bikes.store.get(digest));
    const trained = await keysOf(result.parts.train.keys);
    const judging = await keysOf(result.parts.recent.keys);
    expect(judging.size).toBe(669);
    expect([...judging].filter((key) => trained.has(key))).toEqual([]);
    const profile = JSON.parse(Buffer.from(await bikes.store.get(result.profile)).toString()) as Profile;
    expect(profile).toMatchObject({ kind: 'roundhouse-profile', rows: 8645 });
    expect(profile.columns.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      'hr category',
      'weekday category',
      'workingday number',
      'weathersit category',
      'temp number',
      'hum number',
      'cnt number',
    ]);
    // The mean of 2011 that the data's description gives.
    expect(profile.columns.at(-1)?.number?.mean).toBeCloseTo(143.8, 1);
  });

  test('a second run finds the same digests throughout', async () => {
    const [first, second] = [await run(), await run()];
    expect(second.statement.predicate.result).toEqual(first.statement.predicate.result);
    expect(second.statement.subject).toEqual(first.statement.subject);
  });

  test('comments in the SQL change its digest and not the data', async () => {
    const first = await run();
    bikes.write('models/bikes/pipeline/10-hours.sql', `${HOURS_SQL}-- the end\n`);
    const second = await run();
    expect(second.statement.predicate.result.steps_digest).not.toBe(
      first.statement.predicate.result.steps_digest,
    );
    expect(second.statement.predicate.result.output.content).toBe(
      first.statement.predicate.result.output.content,
    );
  });

  test('a broken contract is a verdict, and a value of no row is in the evidence', async () => {
    bikes.write(
      'models/bikes/data.yml',
      dataYaml(bikes.csv, { window: WINDOW_2011 }).replace('minimum: 1000', 'minimum: 100000'),
    );
    const { verdict, statement } = await run();
    expect(verdict).toBe('failed');
    expect(statement.predicate.result.contract.reasons[0]).toMatchObject({
      rule: 'rows.minimum',
      actual: '17379 rows',
    });
  });

  test('so are fewer rows than the problem needs', async () => {
    const file = 'models/bikes/problem.yml';
    const problem = await readFile(join(bikes.workspace, file), 'utf8');
    bikes.write(file, `${problem}data: {min_rows: 20000}\n`);
    const { verdict, statement } = await run();
    expect(verdict).toBe('failed');
    expect(statement.predicate.result.contract.reasons).toContainEqual({
      rule: 'data.min_rows of problem.yml',
      verdict: 'failed',
      expected: 'at least 20000 rows',
      actual: '17379 rows',
      where: 'output',
    });
  });
});

describe('a later version', () => {
  test('the champion meets the same hours through its own pipeline, and the anchor is found again', async () => {
    const first = await run();
    const commit = bikes.commit();
    const anchor = first.statement.predicate.result.parts.recent;
    bikes.write('models/bikes/data.yml', dataYaml(bikes.csv, { window: WINDOW_Q2 }));
    bikes.write(
      'models/bikes/pipeline/10-hours.sql',
      HOURS_SQL.replaceAll(' temp', ' temp * 41 AS temp').replace(
        '* 41 AS temp, hum FROM traffic',
        ', hum FROM traffic',
      ),
    );
    const { statement } = await run(planWith({ champion: championAt(commit), anchor }));
    const { parts, notes } = statement.predicate.result;
    expect(parts.recent_champion).toMatchObject({ rows: parts.recent.rows, keys: parts.recent.keys });
    expect(parts.recent_champion?.content).not.toBe(parts.recent.content);
    expect(parts.anchor).toMatchObject({ rows: 669, keys: anchor.keys });
    expect(parts.anchor_champion).toMatchObject({ rows: 669, content: anchor.content });
    expect(notes.join()).not.toContain('not there');
    const table = async (part: typeof parts.anchor) => readParquet(await fileOf(part?.object ?? some));
    const [own, champion] = [await table(parts.recent), await table(parts.recent_champion)];
    expect(cellsOf(own, 'ts')).toEqual(cellsOf(champion, 'ts'));
    expect(cellsOf(own, 'temp')[0]).toBeCloseTo(41 * Number(cellsOf(champion, 'temp')[0]), 9);
  });

  test('rows that one pipeline drops are counted in the notes', async () => {
    bikes.write('models/bikes/pipeline/10-hours.sql', `SELECT * FROM (${HOURS_SQL}) WHERE hr <> 4`);
    const commit = bikes.commit();
    bikes.write('models/bikes/pipeline/10-hours.sql', HOURS_SQL);
    const { statement } = await run(planWith({ champion: championAt(commit) }));
    const { parts, notes } = statement.predicate.result;
    const lost = parts.recent.rows - (parts.recent_champion?.rows ?? 0);
    expect(lost).toBeGreaterThan(20);
    expect(notes).toContain(
      `${lost} of 669 rows of the recent holdout in the champion's pipeline are not there`,
    );
  });

  test('hours that were served become rows', async () => {
    const hours = Array.from({ length: 48 }, (_, hour) => new Date(Date.UTC(2013, 0, 1, hour)));
    const path = join(bikes.deps().scratch, 'snapshot.parquet');
    const constant = (value: number) => hours.map(() => value);
    await writeParquet(
      path,
      tableOf({
        prediction_id: hours.map((_, at) => `r:${at}`),
        event_time: hours,
        version: hours.map(() => '1.0.0'),
        prediction: constant(90),
        label: hours.map((_, at) => (at < 40 ? 100 : null)),
        hr: hours.map((hour) => hour.getUTCHours()),
        weekday: constant(2),
        workingday: constant(1),
        weathersit: constant(1),
        temp: constant(0.2),
        hum: constant(0.5),
      }),
    );
    const snapshot = await bikes.store.putFile(path);
    bikes.write(
      'models/bikes/data.yml',
      dataYaml(bikes.csv, { window: '{last: P90D, until: "2013-01-03T00:00:00Z"}' }).replace(
        'none}',
        `${snapshot}}`,
      ),
    );
    const { statement } = await run();
    const { result } = statement.predicate;
    expect(result.rows).toBe(17379 + 48);
    expect(result.sources[1]).toMatchObject({ name: 'traffic', rows: 48, object: snapshot });
    expect(result.parts.recent.until).toBe('2013-01-02T15:00:00.000Z');
    expect(result.notes).toContain('8 rows of the window have no label and are in no part');
    expect(result.columns.find(({ name }) => name === 'hr')?.type).toBe('BIGINT');
  });

  test('another key than the champion has is refused', async () => {
    const commit = bikes.commit();
    bikes.write(
      'models/bikes/data.yml',
      dataYaml(bikes.csv, { window: WINDOW_2011 }).replace('key: [ts]', 'key: [ts, hr]'),
    );
    await expect(run(planWith({ champion: championAt(commit) }))).rejects.toThrow(
      /`key:` is \[ts, hr\], and \[ts\] for the champion 1\.0\.0/,
    );
  });

  test('a champion whose commit is not checked out says how to get it', async () => {
    bikes.commit();
    await expect(run(planWith({ champion: championAt('b'.repeat(40)) }))).rejects.toThrow(
      /bbbbbbbbbbbb:models\/bikes\/data\.yml is not in this checkout/,
    );
  });
});

describe('faults', () => {
  test.each([
    [
      'a missing SQL file',
      'models/bikes/data.yml',
      (text: string) => text.replace('10-hours', '11-hours'),
      /models\/bikes\/pipeline\/11-hours\.sql can't be read/,
    ],
    [
      'an unknown key',
      'models/bikes/data.yml',
      (text: string) => text.replace('target:', 'targte:'),
      /models\/bikes\/data\.yml:\d+.*target/s,
    ],
    [
      'a holdout longer than the window',
      'models/bikes/data.yml',
      (text: string) => text.replace('P365D', 'P20D'),
      /too few rows for train, validation/,
    ],
  ])('%s', async (_name, path, change, message) => {
    bikes.write(path, change(await readFile(join(bikes.workspace, path), 'utf8')));
    const attempt = run();
    await expect(attempt).rejects.toThrow(message);
    await expect(attempt).rejects.toThrow(UserError);
  });
});

describe('quarantine and accept', () => {
  async function untrusted(seen = digestOf('seen')) {
    const deps = bikes.deps({ exchange: quarantineExchange(bikes.store, '7-1') });
    const { statement } = await run(planWith({}), deps);
    const text = statementText(statement);
    const data = await bikes.store.put(text);
    const train = await bikes.store.put(statementText(trainStatement(seen)));
    await bikes.store.incoming('7-1').put('train/0/served.onnx', 'model');
    await bikes.store.incoming('7-1').put('train/0/seen.keys', 'seen');
    const plan = planWith({ accepted: { run: { id: 7, attempt: 1 }, data, train: [train] } });
    return { statement, text, plan };
  }

  function trainStatement(seen: Digest) {
    return statementSchemas.train.parse({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [
        { name: 'train/0/served.onnx', digest: { sha256: digestOf('model').slice(7) } },
        { name: 'train/0/seen.keys', digest: { sha256: digestOf('seen').slice(7) } },
      ],
      predicateType: 'https://roundhouse.dev/evidence/train/v1',
      predicate: {
        model: 'bikes',
        plan: null,
        run: { kind: 'local', id: 'x' },
        started_at: '2012-01-01T00:00:00Z',
        finished_at: '2012-01-01T00:00:00Z',
        machine: { roundhouse: '0', node: 'v20', platform: 'linux', cpus: 2 },
        result: {
          candidate: { index: 0, name: 'mlp', trainer: 'mlp', params: {} },
          seed: 1,
          backend: 'wasm',
          data: some,
          validation: { metric: 'mae', value: 1, rows: 1 },
          refit: 'none',
          twin: { model: digestOf('model'), rows: 1 },
          served: { model: digestOf('model'), rows: 1 },
          signature: {
            inputs: [{ name: 'hr', datatype: 'FP32', shape: [-1, 1] }],
            outputs: [{ name: 'prediction', datatype: 'FP32', shape: [-1, 1] }],
            classes: null,
          },
          seen,
          parity: { rows: 1, max_abs_difference: 0, rtol: 1e-5, atol: 1e-6 },
          curve: [1],
        },
      },
    });
  }

  const acceptPlan = (plan: JobPlan) =>
    accept({ plan }, { ...bikes.deps(), store: bikes.store, incoming: bikes.store.incoming('7-1') });

  test('nothing is in the store until it was hashed again; then all of it is, and a second run changes nothing', async () => {
    const { statement, text, plan } = await untrusted();
    const objects = statement.subject.map(({ digest }): Digest => `sha256:${digest.sha256}`);
    for (const object of objects) expect(await bikes.store.has(object)).toBe(false);
    expect(Buffer.from(await bikes.store.incoming('7-1').read('train/data.json')).toString()).toBe(text);
    const first = await acceptPlan(plan);
    for (const object of objects) expect(await bikes.store.has(object)).toBe(true);
    expect(await bikes.store.has(digestOf('model'))).toBe(true);
    expect(first.objects).toEqual(expect.arrayContaining(objects));
    expect(await acceptPlan(plan)).toEqual(first);
  });

  test('one changed byte is refused by name, and stays out of the store', async () => {
    const { plan } = await untrusted();
    await bikes.store.incoming('7-1').put('train/0/served.onnx', 'm0del');
    const attempt = acceptPlan(plan);
    await expect(attempt).rejects.toThrow(
      `train/0/served.onnx should be ${digestOf('model')}, and has ${digestOf('m0del')}`,
    );
    expect(await bikes.store.has(digestOf('m0del'))).toBe(false);
  });

  test('a statement that rests on bytes it does not bring is refused', async () => {
    const { plan } = await untrusted(digestOf('of somebody else'));
    await expect(acceptPlan(plan)).rejects.toThrow(
      `rests on ${digestOf('of somebody else')}, and brings no such object`,
    );
  });

  test('a statement of another model is refused', async () => {
    const { plan } = await untrusted();
    await expect(acceptPlan({ ...plan, model: 'scooters' })).rejects.toThrow(/of model bikes, not scooters/);
  });

  test('what nobody left is named', async () => {
    const { plan } = await untrusted();
    await expect(
      accept({ plan }, { ...bikes.deps(), store: bikes.store, incoming: bikes.store.incoming('8-1') }),
    ).rejects.toThrow(
      /holdout\/output\.parquet \(sha256:[0-9a-f]{64}\) is neither in quarantine nor in the store/,
    );
  });
});
