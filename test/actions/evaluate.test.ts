import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evaluationDigest, gatesDigest } from '#lib/formats/digests.ts';
import { referenceSchema } from '#lib/lifecycle/bundle.ts';
import { EVIDENCE_MAX_BYTES, type EvaluateResult, type Statement } from '#lib/lifecycle/evidence.ts';
import type { JobPlan } from '#lib/lifecycle/plan.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { feedOfRows } from '#lib/ml/feed.ts';
import { vectorsOf } from '#lib/ml/golden.ts';
import { startPredictor } from '#lib/ml/predictor.ts';
import { loadBundle } from '#lib/store/bundle.ts';
import { CorruptObject } from '#lib/store/errors.ts';
import { main as data } from '../../actions/data/main.ts';
import { loadModelFolder } from '../../actions/kit/model-folder.ts';
import { statementText } from '../../actions/kit/statement.ts';
import { digests, type JudgedBikes, judgedBikes, trainOn } from './judged-bikes.ts';

let judged: JudgedBikes;
let first: Statement<'evaluate'>;
beforeAll(async () => {
  judged = await judgedBikes();
  first = (await judged.evaluate()).statement;
});
afterAll(() => judged.bikes.remove());

const planWith = (gates: Digest): JobPlan => ({ digests: { ...digests, gates } }) as JobPlan;

describe('a first version', () => {
  test('is the winner of the search, judged on September as it never saw it', () => {
    const { result } = first.predicate;
    const { parts, output } = judged.data.predicate.result;
    const [line, net] = judged.train.map(({ predicate }) => predicate.result);
    expect(result).toMatchObject({
      data: output.content,
      winner: 1,
      trainer: 'mlp',
      refit: 'full',
      twin: net?.twin.model,
      served: net?.served.model,
      anchor: null,
    });
    expect(line?.validation.value).toBeGreaterThan(net?.validation.value ?? 0);
    expect(result.recent).toMatchObject({
      part: parts.recent,
      rows: parts.recent.rows,
      dropped: { candidate: 0, champion: 0, seen: 0 },
      unit: { kind: 'block', length: 'P1D', count: 28 },
      look: 1,
    });
    const [mae] = result.recent.comparisons;
    // The median is off by about 120 rentals; ten passes over four months must do better by far.
    expect(mae?.trivial.estimate).toBeGreaterThan(110);
    expect(mae?.candidate.estimate).toBeLessThan(90);
    expect(mae?.candidate_minus_trivial.upper).toBeLessThan(0);
    expect(result.importance[0]?.column).toBe('hr');
    expect(result.refit_disagreement).toBeGreaterThan(0);
    expect(result.gates.map(({ name }) => name)).toEqual(['mae at most 60', 'better than trivial']);
  });

  test('leaves evidence that is small, and the same when it is made again', async () => {
    expect(Buffer.byteLength(statementText(first))).toBeLessThan(EVIDENCE_MAX_BYTES / 4);
    const again = (
      await judged.evaluate({ looks: { [judged.data.predicate.result.parts.recent.content]: 4 } })
    ).statement;
    expect(again.predicate.result.recent.look).toBe(5);
    expect(again.predicate.result.bundle).toBe(first.predicate.result.bundle);
    expect(evaluationDigest(again.predicate.result)).toBe(evaluationDigest(first.predicate.result));
  });

  test('packs the served bytes with rows that they answer as promised', async () => {
    const { bundle, served, seen, recent } = first.predicate.result;
    const loaded = await loadBundle({ store: judged.bikes.store, digest: bundle, model: served });
    if (loaded.kind === 'refused') throw new Error(loaded.message);
    const { manifest, golden, signature, model } = loaded.bundle;
    expect(manifest.files.map(({ name }) => name)).toEqual([
      'model.onnx',
      'signature.json',
      'profile.json',
      'golden.json',
      'reference.json',
    ]);
    const predictor = await startPredictor({ model, signature });
    try {
      const answers = await predictor.predict(feedOfRows(golden.rows, signature), golden.rows.length);
      expect(vectorsOf(answers)).toEqual(golden.predictions);
    } finally {
      await predictor.close();
    }
    const file = manifest.files.find(({ name }) => name === 'reference.json');
    const bytes = await judged.bikes.store.get(file?.digest ?? bundle);
    const reference = referenceSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    expect(reference).toMatchObject({ training: judged.data.predicate.result.parts.full, seen });
    expect(reference.anchor).toEqual(reference.recent);
    expect(reference.metrics.mae).toBe(recent.comparisons[0]?.candidate.estimate);
    expect(reference.trivial_prediction).toHaveLength(1);
    expect(first.subject.map(({ name }) => name)).toContain('bundle/manifest.json');
  });
});

describe('a retraining', () => {
  test('meets the champion on the same hours, and tells what was forgotten of the anchor', async () => {
    const { bikes } = judged;
    const { bundle, served, seen, recent } = first.predicate.result;
    const commit = bikes.commit();
    const former = readFileSync(join(bikes.workspace, 'models/bikes/data.yml'), 'utf8');
    const champion = {
      version: '1.0.0',
      commit,
      candidate: digests.code,
      bundle,
      model: served,
      seen,
      reference: {},
    };
    const plan = { ...planWith(digests.gates), champion, anchor: recent.part } as JobPlan;
    bikes.write('models/bikes/data.yml', former.replace('2011-10-01', '2011-12-01').replace('P120D', 'P90D'));
    try {
      const made = (await data({ model: 'bikes', plan, planDigest: null }, bikes.deps())).statement;
      const train = [await trainOn(bikes, made, 1)];
      const { statement } = await judged.evaluate({ data: made, train, champion, anchor: recent.part });
      const { result } = statement.predicate;
      expect(result.recent.rows).toBe(made.predicate.result.parts.recent.rows);
      expect(result.recent.comparisons[0]?.champion?.estimate).toBeGreaterThan(0);
      expect(result.recent.comparisons[0]?.candidate_minus_champion).not.toBeNull();
      expect(result.gates.at(-1)?.name).toBe('not worse than champion');
      // September is in the new window: only what the twin did not see is left of it, and the champion saw it all.
      expect(result.anchor?.rows ?? 0).toBeLessThan(recent.rows);
      expect(result.anchor?.comparisons[0]?.champion ?? null).toBeNull();
    } finally {
      bikes.write('models/bikes/data.yml', former);
    }
  });
});

describe('what can not be judged', () => {
  test('a problem.yml that is not the one of the plan', async () => {
    const { problem, data: config } = loadModelFolder(judged.bikes.workspace, 'bikes');
    await expect(judged.evaluate({ plan: planWith(digests.gates) })).rejects.toThrow(/was planned for/);
    const { statement } = await judged.evaluate({ plan: planWith(gatesDigest(problem, config)) });
    expect(statement.predicate.result.bundle).toBe(first.predicate.result.bundle);
  });

  test.each<[string, (result: Statement<'train'>['predicate']['result']) => object, RegExp]>([
    ['other data', () => ({ data: digests.code }), /trained on other data/],
    [
      'a twin that saw more rows',
      ({ twin }) => ({ twin: { ...twin, rows: twin.rows + 1 } }),
      /its twin saw \d+ rows/,
    ],
  ])('a candidate with %s', async (_what, change, message) => {
    const [one, other] = judged.train;
    if (!one || !other) throw new Error('two candidates');
    const { predicate } = other;
    const forged = {
      ...other,
      predicate: { ...predicate, result: { ...predicate.result, ...change(predicate.result) } },
    };
    await expect(judged.evaluate({ train: [one, forged] })).rejects.toThrow(message);
    await expect(judged.evaluate({ train: [one, forged] })).rejects.toThrow(UserError);
  });

  test('nothing at all', async () => {
    await expect(judged.evaluate({ train: [] })).rejects.toThrow(/no candidate of bikes has been trained/);
  });

  test('bytes that were changed', async () => {
    const { twin } = first.predicate.result satisfies EvaluateResult;
    const hex = twin.slice('sha256:'.length);
    const root = join(judged.bikes.workspace, '..', 'store', 'sha256', hex.slice(0, 2));
    const path = join(root, readdirSync(root).find((name) => hex.endsWith(name) || name === hex) ?? hex);
    const whole = readFileSync(path);
    const flipped = Buffer.from(whole);
    flipped[100] = (flipped[100] ?? 0) ^ 1;
    writeFileSync(path, flipped);
    try {
      await expect(judged.evaluate()).rejects.toThrow(CorruptObject);
    } finally {
      writeFileSync(path, whole);
    }
  });

  test('a machine without the runtime: a fault, and no verdict', () => {
    const root = mkdtempSync(join(tmpdir(), 'roundhouse-bare-'));
    try {
      const { outcome, message } = evaluateWithout('onnxruntime-node', root);
      expect(outcome).toBe('fault');
      expect(message).toContain('onnxruntime-node');
      expect(evaluateWithout(null, root)).toEqual({
        outcome: 'verdict',
        message: first.predicate.result.verdict,
      });
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});

/** Runs the stage in a copy of the sources whose node_modules lacks one package. */
function evaluateWithout(missing: string | null, root: string): { outcome: string; message: string } {
  const sources = fileURLToPath(new URL('../../', import.meta.url));
  const copy = mkdtempSync(join(root, 'copy-'));
  for (const name of ['lib', 'actions', 'templates', 'package.json', 'tsconfig.json'])
    cpSync(join(sources, name), join(copy, name), { recursive: true });
  mkdirSync(join(copy, 'node_modules'));
  for (const name of readdirSync(join(sources, 'node_modules')).filter((each) => each !== missing))
    symlinkSync(join(sources, 'node_modules', name), join(copy, 'node_modules', name));
  const { data: made, train, bikes } = judged;
  const inputs = {
    model: 'bikes',
    plan: null,
    planDigest: null,
    data: made,
    train,
    champion: null,
    anchor: null,
    looks: {},
  };
  writeFileSync(join(copy, 'inputs.json'), JSON.stringify(inputs));
  const script = `
    import { readFileSync } from 'node:fs';
    import { main } from './actions/evaluate/main.ts';
    import { openDeps } from './actions/kit/deps.ts';
    import { silentProgress } from './actions/kit/progress.ts';
    import { UserError } from './lib/lifecycle/user-error.ts';
    const deps = openDeps({ workspace: process.env.CHECKOUT ?? '', env: process.env, progress: silentProgress });
    const tell = (outcome: string, message: string) => console.log(JSON.stringify({ outcome, message }));
    await main(JSON.parse(readFileSync('inputs.json', 'utf8')), deps).then(
      ({ verdict }) => tell('verdict', verdict),
      (error) => tell(error instanceof UserError ? 'refusal' : 'fault', String(error)),
    );
    deps.dispose();
  `;
  writeFileSync(join(copy, 'run.ts'), script);
  const told = execFileSync(process.execPath, ['--import', 'tsx', 'run.ts'], {
    cwd: copy,
    encoding: 'utf8',
    env: {
      ...process.env,
      CHECKOUT: bikes.workspace,
      ROUNDHOUSE_STORE_MAIN: pathToFileURL(join(bikes.workspace, '..', 'store')).href,
    },
  });
  return JSON.parse(told.trim().split('\n').at(-1) ?? '');
}
