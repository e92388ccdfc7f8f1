import { join } from 'node:path';
import { contentDigest, renderKeySet } from '#lib/data/content.ts';
import { writeParquet } from '#lib/data/duckdb.ts';
import { type Profile, quantile } from '#lib/data/profile.ts';
import { stack, type Table } from '#lib/data/table.ts';
import { canonicalJson } from '#lib/formats/digest.ts';
import { type Bundle, bundleSchema, referenceSchema, type Signature } from '#lib/lifecycle/bundle.ts';
import type { Comparison, TrainResult } from '#lib/lifecycle/evidence.ts';
import type { Part } from '#lib/lifecycle/plan.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import type { Evaluated } from '#lib/ml/evaluate.ts';
import { feedOf } from '#lib/ml/feed.ts';
import { goldenOf, goldenRows } from '#lib/ml/golden.ts';
import type { Predictor } from '#lib/ml/predictor-types.ts';
import { seedOf } from '#lib/ml/stats/random.ts';
import type { StageDeps } from '../kit/stage.ts';
import type { Subject } from '../kit/statement.ts';
import type { Rows } from './rows.ts';

export type Packing = {
  model: string;
  winner: TrainResult;
  served: { predictor: Predictor; bytes: Uint8Array };
  evaluated: Evaluated;
  /** Profile of the training rows, an object. */
  profile: Digest;
  /** The anchor in force; null for a first version, whose recent holdout becomes it. */
  anchor: Part | null;
  rows: Rows;
};

/** What is shipped: the served bytes and all that a server and a monitor must know about them. */
export async function packBundle(
  packing: Packing,
  deps: StageDeps,
): Promise<{ digest: Digest; subjects: Subject[] }> {
  const { winner, served, evaluated, anchor, rows } = packing;
  const { signature } = winner;
  const profileBytes = await deps.exchange.get('train/profile.json', packing.profile);
  const profile = JSON.parse(Buffer.from(profileBytes).toString('utf8')) as Profile;
  const { part: training, table } = await trainingRows(winner, rows, deps);
  const golden = await goldenOf(
    goldenRows(signature, profile, seedOf(winner.served.model)),
    signature,
    served.predictor,
  );
  const reference = referenceSchema.parse({
    training,
    recent: evaluated.recent.part,
    anchor: anchor ?? evaluated.recent.part,
    seen: winner.seen,
    metrics: figuresOf(evaluated.recent.comparisons, 'candidate'),
    trivial: figuresOf(evaluated.recent.comparisons, 'trivial'),
    trivial_prediction: evaluated.trivialAnswer,
    prediction_quantiles: await predictionQuantiles(table, signature, served.predictor),
  });
  return putBundle(packing.model, deps, [
    { name: 'model.onnx', bytes: served.bytes },
    jsonFile('signature.json', signature),
    { name: 'profile.json', bytes: profileBytes },
    jsonFile('golden.json', golden),
    jsonFile('reference.json', reference),
  ]);
}

/** The rows that the served bytes were trained on, as one part. */
async function trainingRows(
  { refit }: TrainResult,
  rows: Rows,
  { exchange, scratch }: StageDeps,
): Promise<{ part: Part; table: Table }> {
  if (refit === 'full') return { part: rows.part('full'), table: await rows.require('full') };
  const [train, validation] = [rows.part('train'), rows.part('validation')];
  const table = stack(await rows.require('train'), await rows.require('validation'));
  const path = join(scratch, 'training.parquet');
  await writeParquet(path, table);
  const keys = renderKeySet([...(await rows.keys('train')), ...(await rows.keys('validation'))]);
  const part = {
    content: contentDigest(table),
    object: await exchange.putFile('bundle/training.parquet', path),
    keys: await exchange.put('bundle/training.keys', keys),
    rows: table.rows,
    from: train.from,
    until: validation.until,
  };
  return { part, table };
}

function figuresOf(comparisons: readonly Comparison[], who: 'candidate' | 'trivial'): Record<string, number> {
  return Object.fromEntries(comparisons.map((comparison) => [comparison.metric, comparison[who].estimate]));
}

/** Of the last number of each answer: the prediction itself, or the probability of the last class. */
async function predictionQuantiles(
  table: Table,
  signature: Signature,
  predictor: Predictor,
): Promise<number[]> {
  const { values, width } = await predictor.predict(feedOf(table, signature), table.rows);
  const last = Float64Array.from(
    { length: table.rows },
    (_, row) => values[(row + 1) * width - 1] ?? Number.NaN,
  ).sort();
  return Array.from({ length: 101 }, (_, percent) => quantile(last, percent / 100));
}

type BundleFile = { name: string; bytes: Uint8Array };

/** Canonical JSON, so that equal content has an equal digest. */
function jsonFile(name: string, value: unknown): BundleFile {
  return { name, bytes: Buffer.from(canonicalJson(value)) };
}

async function putBundle(
  model: string,
  { exchange }: StageDeps,
  files: readonly BundleFile[],
): Promise<{ digest: Digest; subjects: Subject[] }> {
  const entries: Bundle['files'] = [];
  for (const { name, bytes } of files) {
    entries.push({ name, digest: await exchange.put(`bundle/${name}`, bytes), size: bytes.byteLength });
  }
  const manifest = bundleSchema.parse({ kind: 'roundhouse-bundle', version: 1, model, files: entries });
  const digest = await exchange.put('bundle/manifest.json', canonicalJson(manifest));
  const subjects = entries.map((entry) => ({ name: `bundle/${entry.name}`, digest: entry.digest }));
  return { digest, subjects: [{ name: 'bundle/manifest.json', digest }, ...subjects] };
}
