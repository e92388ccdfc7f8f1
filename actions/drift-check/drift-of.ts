import { join } from 'node:path';
import { readParquet } from '#lib/data/duckdb.ts';
import { type Column, columnOf, type Table, timesOf } from '#lib/data/table.ts';
import type { Reference } from '#lib/lifecycle/bundle.ts';
import { durationMs } from '#lib/lifecycle/duration.ts';
import type { DriftColumn } from '#lib/lifecycle/evidence.ts';
import { checkDrift, type DriftQuestion, type Sample } from '#lib/ml/drift.ts';
import { samplingOf } from '#lib/ml/evaluate.ts';
import { feedOf } from '#lib/ml/feed.ts';
import { liveSampling } from '#lib/ml/live-performance.ts';
import { startPredictor } from '#lib/ml/predictor.ts';
import { loggedAnswers, predictedClasses } from '#lib/ml/served-answers.ts';
import { type Sampling, unitsOf } from '#lib/ml/stats/units.ts';
import type { LoadedBundle } from '#lib/store/bundle.ts';
import type { ModelFolder } from '../kit/model-folder.ts';
import type { StageDeps } from '../kit/stage.ts';

export type Drifting = {
  /** All predictions of the window, and those that have a label. */
  rows: Table;
  labelled: Table;
  folder: ModelFolder;
  bundle: LoadedBundle;
  reference: Reference;
  seed: number;
  deps: Pick<StageDeps, 'store' | 'scratch'>;
};

/** Inputs, predictions and labels of a window against the rows that the served bytes were trained on. */
export async function driftOf(drifting: Drifting): Promise<DriftColumn[]> {
  const { rows, labelled, folder, bundle, reference, seed, deps } = drifting;
  if (rows.rows === 0) return [];
  const { data, operate, problem } = folder;
  const path = await deps.store.getFile(reference.training.object, join(deps.scratch, 'reference.parquet'));
  const training = await readParquet(path);
  const classes = problem.task.kind !== 'regression';
  const inputs: DriftQuestion['columns'] = Object.entries(data.inputs).map(([name, { type }]) => ({
    name,
    role: 'input',
    category: type === 'category',
    reference: columnOf(training, name),
    current: columnOf(rows, name),
  }));
  const answer = problem.task.kind === 'multiclass' ? predictedClasses : predictedNumbers;
  const prediction: DriftQuestion['columns'][number] = {
    name: 'prediction',
    role: 'prediction',
    category: problem.task.kind === 'multiclass',
    reference: answer({ rows: training.rows, columns: await answersOn(training, bundle) }),
    current: answer(rows),
  };
  const target: DriftQuestion['columns'][number] = {
    name: data.target,
    role: 'target',
    category: classes,
    reference: columnOf(training, data.target),
    current: columnOf(labelled, 'label'),
  };
  return checkDrift({
    columns: [...inputs, prediction, ...(labelled.rows > 0 ? [target] : [])],
    reference: sampleOf(samplingOf(data, training), training, data.time),
    current: sampleOf(liveSampling(data, rows), rows, 'event_time'),
    currentOf: { target: sampleOf(liveSampling(data, labelled), labelled, 'event_time') },
    window: durationMs(operate.monitoring.window),
    threshold: operate.monitoring.drift.psi,
    fdr: operate.monitoring.drift.fdr,
    seed,
  });
}

/** The value, or the probability of a binary model's positive class. */
function predictedNumbers(rows: Table): Column {
  return columnOf(rows, 'prediction');
}

/** Declared units as they are: slow movement is what the reference's own past windows answer for. */
function sampleOf(sampling: Sampling, table: Table, time: string | null): Sample {
  const units = unitsOf(sampling, new Float64Array(table.rows));
  return { units, time: time === null ? null : timesOf(table, time) };
}

/** What a bundle's bytes answer to rows, in the columns that the prediction log's snapshot has. */
export async function answersOn(
  rows: Table,
  { model, signature }: LoadedBundle,
): Promise<Map<string, Column>> {
  const predictor = await startPredictor({ model, signature });
  try {
    return loggedAnswers(await predictor.predict(feedOf(rows, signature), rows.rows), signature.classes);
  } finally {
    await predictor.close();
  }
}
