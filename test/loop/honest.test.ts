import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CardFacts } from '#lib/formats/cards.ts';
import { parseConfig } from '#lib/formats/config.ts';
import type { MonitorResult, RetrainResult } from '#lib/lifecycle/evidence.ts';
import type { ModelLock } from '#lib/lifecycle/locks.ts';
import type { ServedVersion } from '#lib/lifecycle/serving.ts';
import { randomOf } from '#lib/ml/stats/random.ts';
import { CorruptObject } from '#lib/store/errors.ts';
import { openFileStore } from '#lib/store/file.ts';
import { liveRows, type Variant } from '../../runners/local/demo/rows.ts';
import { printSummary, summaryRow } from '../../runners/local/demo/summary.ts';
import { startTraffic } from '../../runners/local/demo/traffic.ts';
import { type Supervisor, startSupervisor } from '../../runners/model-server/supervisor.ts';
import { renderCardSection, renderDataCard, renderModelCard } from '../../templates/cards.ts';
import { retrainingPull } from '../../templates/retraining.ts';
import { installedPackage } from '../house/installed-package.ts';
import { controlOf, infer, token } from '../runners/model-server/harness.ts';
import { flipByte, type HonestCheckout, honestCheckout } from './honest-checkout.ts';
import { traceFigures } from './honest-figures.ts';

/** The second quarter of 2012 and the first check after it, when its labels are in. */
const QUARTER = { from: Date.parse('2012-04-01T00:00:00Z'), until: Date.parse('2012-07-01T00:00:00Z') };
const AS_OF = '2012-07-02T00:00:00Z';
const MONITOR = { options: { 'as-of': AS_OF }, env: { ROUNDHOUSE_NOW: AS_OF } };
/** Mean absolute error in rentals an hour that this network, trained on 2011 for few epochs, makes in the quarter. */
const BAND = { from: 70, until: 120 };

type Found = { monitor: MonitorResult; retrain: RetrainResult };

let checkout: HonestCheckout;
let supervisor: Supervisor;
let first: ModelLock;
let router: string;
const found = {} as Record<Variant, Found>;

const mae = ({ performance }: MonitorResult) =>
  performance.find(({ metric }) => metric === 'mae')?.served ?? {
    estimate: Number.NaN,
    lower: null,
    upper: null,
  };

beforeAll(async () => {
  const root = mkdtempSync(join(tmpdir(), 'roundhouse-honest-'));
  supervisor = await superviseIn(root, 'everyday');
  checkout = await honestCheckout({ root, supervisor: supervisor.url, token });
  await checkout.stage('data');
  await checkout.stage('train');
  await checkout.stage('evaluate');
  await checkout.card();
  first = checkout.lock();
  checkout.register('1.0.0');
  const deployed = await checkout.stage('deploy');
  expect(deployed.phase).toBe('succeeded');
  router = deployed.state?.url ?? '';
  for (const variant of ['permuted-labels', 'replayed-2011', 'real'] as const)
    found[variant] = await passQuarter(variant);
}, 240_000);
afterAll(async () => {
  await supervisor?.close();
  checkout?.remove();
});

/** A supervisor with a folder and a prediction log of its own. */
function superviseIn(root: string, name: string): Promise<Supervisor> {
  return startSupervisor({
    dir: join(root, `supervisor-${name}`),
    port: 0,
    token,
    store: openFileStore(join(root, 'store')),
    logs: join(root, `logs-${name}`),
    log: () => {},
  });
}

/** Rows as requests to a server of its own with the first version's bytes, labels a day later, then the check. */
async function passQuarter(variant: Variant): Promise<Found> {
  const server = await superviseIn(checkout.root, variant);
  try {
    const { candidate, bundle, model } = first;
    const served: ServedVersion = { version: '1.0.0', candidate, bundle, model, weight: 100 };
    const { url } = (await controlOf(server.url).put([served])).body;
    const rows = liveRows(variant, randomOf(1)).filter(({ at }) => at >= QUARTER.from && at < QUARTER.until);
    const traffic = await startTraffic({ url, model: 'bikes', rows, labelLagMs: 86_400_000 });
    await traffic.runUntil(Date.parse(AS_OF));
    await traffic.stop();
    expect(traffic.stats()).toMatchObject({ sent: rows.length, failed: 0 });
  } finally {
    await server.close();
  }
  const env = { ...MONITOR.env, ROUNDHOUSE_LOGS_MAIN: join(checkout.root, `logs-${variant}`) };
  return {
    monitor: await checkout.stage('monitor', { ...MONITOR, env }),
    retrain: await checkout.stage('retrain', { env }),
  };
}

describe('the error comes from the labels', () => {
  test('2012 as it was: worse than in training, within the band, and a retraining is due', () => {
    const { monitor, retrain } = found.real;
    expect(monitor.predictions).toBeGreaterThan(2_000);
    expect(monitor.labels).toMatchObject({ state: 'ready', coverage: 1 });
    expect(mae(monitor).estimate).toBeGreaterThan(BAND.from);
    expect(mae(monitor).estimate).toBeLessThan(BAND.until);
    expect(monitor.decay).toBe('failed');
    expect(retrain.decision).toBe('open');
  });

  test('the first version replayed through its own bytes makes the error that was served', () => {
    expect(found.real.monitor.replay.find(({ metric }) => metric === 'mae')).toMatchObject({
      version: '1.0.0',
      estimate: { estimate: expect.closeTo(mae(found.real.monitor).estimate, 6) },
    });
  });

  test('permuted labels: the same requests, an error far outside the band', () => {
    const { monitor } = found['permuted-labels'];
    expect(monitor.predictions).toBe(found.real.monitor.predictions);
    expect(mae(monitor).estimate).toBeGreaterThan(1.3 * BAND.until);
    expect(mae(monitor).estimate).toBeGreaterThan(1.3 * mae(found.real.monitor).estimate);
  });

  test('2011 over again: no decay, and no retraining pull request', () => {
    const { monitor, retrain } = found['replayed-2011'];
    expect(monitor.predictions).toBeGreaterThan(2_000);
    expect(mae(monitor).estimate).toBeLessThan(0.8 * BAND.from);
    expect(monitor.decay).not.toBe('failed');
    expect(retrain).toMatchObject({ decision: 'none', change: null });
  });
});

describe('every figure of the first version is found by path in the evidence', () => {
  test('on its card and in its section of the pull request', () => expectTraced(null));
  test('on the card of its data', () => expectDataCardTraced());
  test('in the summary of the demo', () => expectSummaryTraced());
});

describe('the retraining that the check asked for', () => {
  beforeAll(async () => {
    const { monitor, retrain } = found.real;
    const dataYaml = checkout.read('models/bikes/data.yml');
    const pull = retrainingPull({ model: 'bikes', monitor, retrain, dataYaml });
    if (pull === null) throw new Error('nothing to change');
    checkout.write(pull.file, pull.text);
    await checkout.stage('data', MONITOR);
    await checkout.stage('train', MONITOR);
    await checkout.stage('evaluate', MONITOR);
  }, 120_000);

  test('is judged against the champion on rows that neither saw, and is better there', () => {
    const [compared] = checkout.statement('evaluate').predicate.result.recent.comparisons;
    expect(compared?.champion?.estimate).toBeGreaterThan(compared?.candidate.estimate ?? Number.NaN);
    expect(compared?.candidate_minus_champion?.upper).toBeLessThan(0);
  });

  test('one flipped byte of the bytes that are judged: no verdict and no new evidence', async () => {
    const before = checkout.evidenceDigest();
    const mend = flipByte(
      checkout.objectPath(checkout.statement('train', 'train-0').predicate.result.twin.model),
      100,
    );
    await expect(checkout.stage('evaluate', MONITOR)).rejects.toThrow(CorruptObject);
    mend();
    expect(checkout.evidenceDigest()).toBe(before);
  });

  test('onnxruntime away: a fault with exit code 3, no verdict and no new evidence', () => {
    const bare = installedPackage((name) => name === 'onnxruntime-node');
    const whole = installedPackage();
    const evaluate = (by: typeof bare) =>
      by.cli(['evaluate', '--force', '--json'], {
        cwd: checkout.workspace,
        env: { ...checkout.env, ...MONITOR.env },
      });
    try {
      const before = checkout.evidenceDigest();
      const fault = evaluate(bare);
      expect(fault).toMatchObject({ code: 3, stdout: '' });
      expect(fault.stderr).toContain('onnxruntime-node');
      expect(checkout.evidenceDigest()).toBe(before);
      const judged = evaluate(whole);
      expect([0, 1]).toContain(judged.code);
      const { verdict, bundle } = JSON.parse(judged.stdout).predicate.result;
      expect({ verdict, bundle }).toMatchObject({
        verdict: expect.stringMatching(/passed|inconclusive|failed/),
      });
      expect(judged.code).toBe(verdict === 'failed' ? 1 : 0);
    } finally {
      bare.remove();
      whole.remove();
    }
  });

  test('every figure on its card, beside the champion', async () => {
    const champion = { version: '1.0.0' };
    await checkout.card();
    expectTraced(champion);
  });

  test('one flipped byte of what would be served: refused, and the old version answers', async () => {
    const asked = inferBody();
    const before = (await infer(router, asked)).body.outputs;
    const mend = flipByte(checkout.objectPath(checkout.lock().model), 100);
    const refused = await checkout.stage('deploy');
    expect(refused).toMatchObject({ verdict: 'failed', phase: 'aborted' });
    expect(refused.reasons.at(-1)?.actual).toMatch(/bytes were changed/);
    expect(refused.state?.versions).toMatchObject([{ model: first.model, weight: 100 }]);
    const after = await infer(router, asked);
    expect(after).toMatchObject({ status: 200, body: { model_version: '0.1.0', outputs: before } });
    mend();
  });

  test('and with its own bytes it takes the traffic over', async () => {
    const asked = inferBody();
    let done = false;
    const requests = (async () => {
      for (; !done; await sleep(50)) await Promise.all(Array.from({ length: 8 }, () => infer(router, asked)));
    })();
    const deployed = await checkout.stage('deploy').finally(() => {
      done = true;
    });
    await requests;
    expect(deployed).toMatchObject({ verdict: 'passed', phase: 'succeeded' });
    expect((await infer(router, asked)).body.model_version).toBe(deployed.version);
    expect(deployed.state?.versions.filter(({ weight }) => weight > 0)).toMatchObject([
      { model: checkout.lock().model, weight: 100 },
    ]);
  });
});

/** An hour of the quarter as a request. */
function inferBody() {
  const row = liveRows('real', randomOf(1)).find(({ at }) => at === QUARTER.from + 8 * 3_600_000);
  const { signature } = checkout.statement('evaluate').predicate.result;
  return {
    inputs: signature.inputs.map(({ name, datatype }) => ({
      name,
      datatype,
      shape: [1, 1],
      data: [row?.inputs[name]],
    })),
  };
}

/** Words of the templates that hold digits: what is left over must come from the evidence. */
const CARD_WORDS =
  /per 1,000 predictions|for 95 % of answers|lower_95|upper_95|below 0 the candidate|sha256|`l2`|y-axis "[^"]*" 0(?= -->)/g;

function cardFacts(champion: CardFacts['champion']): CardFacts {
  const read = (kind: string) => ({
    file: `${kind}.yml`,
    text: checkout.read(`models/bikes/${kind}.yml`),
  });
  return {
    problem: parseConfig('problem', read('problem')),
    model: parseConfig('model', read('model')),
    data: checkout.statement('data').predicate.result,
    train: [checkout.statement('train', 'train-0').predicate.result],
    evaluate: checkout.statement('evaluate').predicate.result,
    champion,
    candidate: checkout.lock().candidate,
    overrides: [],
  };
}

function expectTraced(champion: CardFacts['champion']): void {
  const facts = cardFacts(champion);
  expect(renderModelCard(facts)).toBe(checkout.read('models/bikes/MODEL_CARD.md'));
  for (const render of [renderModelCard, renderCardSection]) {
    const figures = traceFigures({ facts, render, words: CARD_WORDS });
    expect(figures.length).toBeGreaterThan(40);
    expect(figures.filter(({ found }) => !found)).toEqual([]);
  }
}

function expectDataCardTraced(): void {
  const text = checkout.read('models/bikes/data.yml');
  const facts = {
    model: 'bikes',
    data: parseConfig('data', { file: 'data.yml', text }),
    result: checkout.statement('data').predicate.result,
  };
  expect(renderDataCard(facts)).toBe(checkout.read('models/bikes/DATA_CARD.md'));
  const figures = traceFigures({ facts, render: renderDataCard, words: /sha256/g });
  expect(figures.length).toBeGreaterThan(20);
  expect(figures.filter(({ found }) => !found)).toEqual([]);
}

function expectSummaryTraced(): void {
  const { monitor, retrain } = found.real;
  const { decision, reasons } = retrain;
  const record = { path: 'evidence/record.json', monitor, decision, reasons };
  const render = (facts: typeof record) => {
    const out = new PassThrough();
    printSummary([summaryRow('quarter', facts)], out as unknown as NodeJS.WriteStream);
    return String(out.read());
  };
  // The change is the one figure that is computed when it is printed: from two that are traced.
  const figures = traceFigures({ facts: record, render, words: /cost\/1,000|[-+]?\d+ %/g });
  expect(figures.length).toBeGreaterThan(8);
  expect(figures.filter(({ found }) => !found)).toEqual([]);
  const better = structuredClone(record);
  for (const { served } of better.monitor.performance) served.estimate *= 0.75;
  expect(render(better).match(/[-+]?\d+ %/g)).toEqual(['-25 %']);
}
