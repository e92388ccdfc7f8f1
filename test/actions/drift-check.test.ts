import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { printTagName, renderTagMessage } from '#lib/formats/registry-tags.ts';
import type { MonitorResult, Statement } from '#lib/lifecycle/evidence.ts';
import type { TagEvent } from '#lib/lifecycle/registry.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { feedOfRows } from '#lib/ml/feed.ts';
import { startPredictor } from '#lib/ml/predictor.ts';
import { randomOf } from '#lib/ml/stats/random.ts';
import { main as driftCheck } from '../../actions/drift-check/main.ts';
import { statementDigest } from '../../actions/kit/statement.ts';
import { main as retrain } from '../../actions/retrain/main.ts';
import { digests, type Hour, hoursBetween, type JudgedBikes, judgedBikes, writeLog } from './judged-bikes.ts';

const AS_OF = '2012-07-01T00:00:00.000Z';
/** The 30 days before `AS_OF`, less the day that labels need. */
const WINDOW = { from: '2012-05-31T00:00:00.000Z', until: '2012-06-30T00:00:00.000Z' };

let judged: JudgedBikes;
/** What the lock names. */
let locked: Statement<'evaluate'>;
let hours: Hour[];
let answers: Float32Array;
const folders: string[] = [];

beforeAll(async () => {
  judged = await judgedBikes();
  locked = (await judged.evaluate()).statement;
  judged.lock(locked);
  const { served, signature } = locked.predicate.result;
  hours = hoursBetween('2012-05-25', '2012-07-05');
  const predictor = await startPredictor({ model: await judged.bikes.store.get(served), signature });
  try {
    const feed = feedOfRows(
      hours.map(({ inputs }) => inputs),
      signature,
    );
    answers = (await predictor.predict(feed, hours.length)).values;
  } finally {
    await predictor.close();
  }
});
afterAll(() => {
  judged.bikes.remove();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const labelsOf = (some: readonly Hour[]) => some.map(({ label }) => label);
const inWindow = ({ time }: Hour) => time >= WINDOW.from && time < WINDOW.until;

async function monitor(labels: readonly (number | null)[], some = hours): Promise<Statement<'monitor'>> {
  const logs = mkdtempSync(join(tmpdir(), 'roundhouse-logs-'));
  folders.push(logs);
  writeLog(logs, some, { answers, labels });
  const inputs = { model: 'bikes', environment: 'production', as_of: AS_OF, planDigest: null };
  return (await driftCheck(inputs, judged.bikes.deps({ logs }))).statement;
}

const maeOf = ({ performance }: MonitorResult) => performance.find(({ metric }) => metric === 'mae');

async function decide(found: Statement<'monitor'>, facts = {}) {
  const inputs = {
    model: 'bikes',
    monitor: found,
    lastOpened: null,
    openPullRequests: 0,
    askedBy: null,
    ...facts,
  };
  return (await retrain(inputs, judged.bikes.deps())).statement.predicate.result;
}

describe('a month of 2012, served by a model of 2011', () => {
  test('has decayed, by exactly the error that its labels show', async () => {
    const statement = await monitor(labelsOf(hours));
    const { result } = statement.predicate;
    const wanted = hours.flatMap((hour, row) =>
      inWindow(hour) ? [Math.abs((answers[row] ?? 0) - hour.label)] : [],
    );
    expect(result).toMatchObject({
      window: WINDOW,
      predictions: wanted.length,
      labels: { matured: wanted.length, labelled: wanted.length, coverage: 1, state: 'ready' },
      versions: [{ version: '1.0.0', predictions: wanted.length }],
      decay: 'failed',
    });
    const mae = maeOf(result);
    expect(mae?.served.estimate).toBeCloseTo(
      wanted.reduce((sum, error) => sum + error, 0) / wanted.length,
      9,
    );
    expect(mae?.served.lower).toBeGreaterThan(60);
    expect(mae).toMatchObject({ threshold: 60, unit: { kind: 'block', length: 'P1D', count: 30 } });
    expect(mae?.trivial).toBeGreaterThan(mae?.served.estimate ?? 0);
    expect(result.drift.map(({ column }) => column)).toEqual([
      'hr',
      'weekday',
      'workingday',
      'weathersit',
      'temp',
      'hum',
      'prediction',
      'cnt',
    ]);
    // Every day has the same hours, whatever the year.
    expect(result.drift[0]).toMatchObject({ column: 'hr', verdict: 'stable' });
    expect(statement.subject).toEqual([
      { name: 'monitor/predictions.parquet', digest: { sha256: result.snapshot.slice('sha256:'.length) } },
    ]);
    expect(await judged.bikes.store.has(result.snapshot)).toBe(true);
  });

  test('asks for a retraining on the newest labelled window, with the snapshot that was judged', async () => {
    const found = await monitor(labelsOf(hours));
    const opened = await decide(found);
    expect(opened).toMatchObject({
      as_of: AS_OF,
      decision: 'open',
      monitor: statementDigest(found),
      change: {
        window: { last: 'P90D', until: WINDOW.until },
        snapshots: { traffic: found.predicate.result.snapshot },
      },
    });
    expect((await decide(found, { openPullRequests: 1 })).decision).toBe('none');
    expect((await decide(found, { lastOpened: '2012-06-15T00:00:00Z' })).decision).toBe('none');
  });

  test('is far worse on labels that belong to other hours', async () => {
    const shuffled = labelsOf(hours);
    const random = randomOf(1);
    for (let last = shuffled.length - 1; last > 0; last--) {
      const other = random.below(last + 1);
      [shuffled[last], shuffled[other]] = [shuffled[other] ?? 0, shuffled[last] ?? 0];
    }
    const [honest, permuted] = [await monitor(labelsOf(hours)), await monitor(shuffled)].map(
      ({ predicate }) => maeOf(predicate.result)?.served.estimate ?? 0,
    );
    expect(permuted).toBeGreaterThan((honest ?? 0) * 1.8);
  });

  test('is healthy where the labels are what was predicted', async () => {
    const found = await monitor(Array.from(answers, (answer) => answer));
    expect(found.predicate.result.decay).toBe('passed');
    expect((await decide(found)).decision).toBe('none');
  });
});

describe('labels', () => {
  test('that are too few are pending: no verdict and no retraining', async () => {
    const found = await monitor(hours.map(({ label }, row) => (row % 3 === 0 ? label : null)));
    const { labels, decay } = found.predicate.result;
    expect(labels.state).toBe('pending');
    expect(labels.coverage).toBeCloseTo(1 / 3, 1);
    expect(decay).toBe('inconclusive');
    expect((await decide(found)).decision).toBe('none');
  });

  test('that come later than the moment looked from are not known', async () => {
    const found = await monitor(labelsOf(hours));
    const rows = hours.filter(({ time }) => time < AS_OF).length;
    const late = await monitor(labelsOf(hours), hours.slice(0, rows));
    expect(late.predicate.result.snapshot).toBe(found.predicate.result.snapshot);
  });
});

describe('what serves', () => {
  test('is what the registry assigns to the environment, whatever the lock names by now', async () => {
    const { bikes, train, evaluate } = judged;
    const newer = (await evaluate({ train: train.slice(0, 1) })).statement;
    const [old, now] = [locked, newer].map(({ predicate }) => predicate.result.bundle);
    const commit = bikes.commit();
    const tag = (event: TagEvent, version: string, bundle = old) => {
      const message = renderTagMessage(event, {
        ...{ kind: 'roundhouse-tag', model: 'bikes', version, commit, candidate: digests.code },
        ...{ environment: 'environment' in event ? event.environment : null, bundle: bundle ?? digests.code },
      });
      const who = ['-c', 'user.name=t', '-c', 'user.email=t@example.org'];
      const named = ['tag', '-a', printTagName(event), '-m', message];
      execFileSync('git', ['-C', bikes.workspace, ...who, ...named]);
    };
    const referenceOf = async () => maeOf((await monitor(labelsOf(hours))).predicate.result)?.reference;
    const holdoutOf = ({ predicate }: typeof locked) =>
      predicate.result.recent.comparisons.find(({ metric }) => metric === 'mae')?.candidate.estimate;
    tag({ kind: 'register', model: 'bikes', version: '1.0.0', n: null }, '1.0.0');
    tag({ kind: 'register', model: 'bikes', version: '1.1.0', n: null }, '1.1.0', now);
    try {
      judged.lock(newer);
      expect(holdoutOf(newer)).not.toBe(holdoutOf(locked));
      expect(await referenceOf()).toBe(holdoutOf(newer));
      tag({ kind: 'assign', model: 'bikes', environment: 'staging', n: 1 }, '1.1.0', now);
      tag({ kind: 'assign', model: 'bikes', environment: 'production', n: 2 }, '1.0.0');
      expect(await referenceOf()).toBe(holdoutOf(locked));
      tag({ kind: 'assign', model: 'bikes', environment: 'production', n: 3 }, '1.1.0', now);
      expect(await referenceOf()).toBe(holdoutOf(newer));
    } finally {
      judged.lock(locked);
      const tags = execFileSync('git', ['-C', bikes.workspace, 'tag'], { encoding: 'utf8' })
        .trim()
        .split('\n');
      execFileSync('git', ['-C', bikes.workspace, 'tag', '-d', ...tags]);
    }
  });
});

test('nothing was asked yet: no drift, no decay, no retraining', async () => {
  const found = await monitor([], []);
  expect(found.predicate.result).toMatchObject({
    predictions: 0,
    drift: [],
    drift_verdict: 'inconclusive',
    performance: [],
    decay: 'inconclusive',
    labels: { coverage: 0, state: 'pending' },
  });
  expect((await decide(found)).decision).toBe('none');
});

describe("the user's to mend", () => {
  const inputs = { model: 'bikes', environment: 'production', as_of: AS_OF, planDigest: null };
  test('is a log without an address', async () => {
    await expect(driftCheck(inputs, judged.bikes.deps())).rejects.toThrow(UserError);
    await expect(driftCheck(inputs, judged.bikes.deps())).rejects.toThrow(/no prediction log/);
  });
  test('is a checkout in which nothing was merged yet', async () => {
    const lock = join(judged.bikes.workspace, 'models/bikes/model.lock');
    const text = readFileSync(lock, 'utf8');
    rmSync(lock);
    try {
      await expect(monitor([], [])).rejects.toThrow(/has no model\.lock/);
    } finally {
      judged.bikes.write('models/bikes/model.lock', text);
    }
  });
});
