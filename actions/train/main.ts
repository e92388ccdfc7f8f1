import { join } from 'node:path';
import { parseKeySet, renderKeySet } from '#lib/data/content.ts';
import { readParquet } from '#lib/data/duckdb.ts';
import { stack, type Table } from '#lib/data/table.ts';
import { canonicalJson } from '#lib/formats/digest.ts';
import type { Statement, TrainResult } from '#lib/lifecycle/evidence.ts';
import type { Candidate } from '#lib/lifecycle/model.ts';
import type { JobPlan } from '#lib/lifecycle/plan.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { feedOf } from '#lib/ml/feed.ts';
import { actualOf, judgedOf } from '#lib/ml/judge.ts';
import { type ClassLabel, classesOf } from '#lib/ml/labels.ts';
import { measure } from '#lib/ml/metrics.ts';
import { startPredictor } from '#lib/ml/predictor.ts';
import type { BackendChoice } from '#lib/ml/tensorflow.ts';
import { type Trained, trainCandidate } from '#lib/ml/train.ts';
import { type CommandTraining, trainByCommand } from '#lib/ml/train-command.ts';
import type { Environment } from '../kit/deps.ts';
import { loadModelFolder, type ModelFolder } from '../kit/model-folder.ts';
import type { StageDeps, StageResult } from '../kit/stage.ts';
import { makeStatement, type Subject } from '../kit/statement.ts';
import { checkCovered, commandSurroundings } from './command.ts';

export type TrainInputs = {
  model: string;
  plan: JobPlan | null;
  planDigest: Digest | null;
  /** Index in model.yml. */
  candidate: number;
  data: Statement<'data'>;
  backend: BackendChoice;
  /** Variables of this process: a command sees those of them that its candidate names. */
  env: Environment;
};

type Parts = Record<'train' | 'validation' | 'full', Table>;
type Fit = (table: Table, what: CommandTraining['fit']) => Promise<Trained>;

/**
 * Stage 3, first half. Three fits of one configuration and seed: one that leaves the validation rows out and
 * is scored on them; the twin, which leaves the holdout out and will be judged; and, with `refit: full`, the
 * bytes that would be served, on every row of the window.
 */
export async function main(inputs: TrainInputs, deps: StageDeps): Promise<StageResult<'train'>> {
  const startedAt = deps.now();
  const folder = loadModelFolder(deps.workspace, inputs.model);
  const candidate = candidateOf(folder, inputs.candidate);
  if (candidate.trainer === 'command') checkCovered(candidate, { ...folder, workspace: deps.workspace });
  const { result, subjects } = await train(inputs, { folder, candidate }, deps);
  const statement = makeStatement(
    'train',
    {
      model: inputs.model,
      plan: inputs.planDigest,
      startedAt,
      finishedAt: deps.now(),
      subjects,
      result,
    },
    deps,
  );
  const { metric, value } = result.validation;
  return {
    statement,
    verdict: 'passed',
    outputs: { verdict: 'passed', candidate: candidate.name, metric, score: String(value) },
  };
}

function candidateOf({ name, model }: ModelFolder, index: number): Candidate {
  const candidate = model.candidates[index];
  if (candidate !== undefined) return candidate;
  throw new UserError(`models/${name}/model.yml has no candidate number ${index}`, {
    fix: `it has ${model.candidates.length}, counted from 0`,
  });
}

type Job = { folder: ModelFolder; candidate: Candidate };

async function train(
  inputs: TrainInputs,
  { folder, candidate }: Job,
  deps: StageDeps,
): Promise<{ result: TrainResult; subjects: Subject[] }> {
  const { candidate: index } = inputs;
  const { problem, model } = folder;
  const evidence = inputs.data.predicate.result;
  const parts = await readParts(evidence.parts, deps);
  const classes = classesOf(parts.full, problem.target, problem.task);
  const fitOn = fitWith({ folder, candidate, inputs, classes }, deps);

  const search = await fitOn(parts.train, 'search');
  const validation = await score(search, parts.validation, folder);
  deps.progress.note(`${candidate.name}: ${validation.metric} ${validation.value} on validation rows`);
  const seenByTwin = stack(parts.train, parts.validation);
  const twin = await fitOn(seenByTwin, 'twin');
  const refit = model.refit === 'full';
  const served = refit ? await fitOn(parts.full, 'served') : twin;
  if (canonicalJson(served.signature) !== canonicalJson(twin.signature))
    throw new Error('the twin and the served model have different signatures');

  const seen = await keysOf(
    ['train', 'validation', ...(refit ? (['full'] as const) : [])],
    evidence.parts,
    deps,
  );
  const put = async (name: string, bytes: Uint8Array | string): Promise<Subject> => {
    const path = `train/${index}/${name}`;
    return { name: path, digest: await deps.exchange.put(path, bytes) };
  };
  const subjects = {
    served: await put('served.onnx', served.model),
    twin: await put('twin.onnx', twin.model),
    seen: await put('seen.keys', renderKeySet(seen)),
  };
  const { name, trainer, ...params } = candidate;
  return {
    subjects: Object.values(subjects),
    result: {
      candidate: { index, name, trainer, params },
      seed: model.seed,
      backend: served.backend,
      data: evidence.output.content,
      validation,
      refit: model.refit,
      twin: { model: subjects.twin.digest, rows: seenByTwin.rows },
      served: { model: subjects.served.digest, rows: refit ? parts.full.rows : seenByTwin.rows },
      signature: served.signature,
      seen: subjects.seen.digest,
      parity: served.parity,
      curve: served.curve,
    },
  };
}

type PartEvidence = Statement<'data'>['predicate']['result']['parts'];

async function readParts(parts: PartEvidence, { exchange, scratch }: StageDeps): Promise<Parts> {
  const read = async (name: keyof Parts) => {
    const path = join(scratch, `${name}.parquet`);
    return readParquet(await exchange.getFile(`train/${name}.parquet`, parts[name].object, path));
  };
  return { train: await read('train'), validation: await read('validation'), full: await read('full') };
}

type FitJob = Job & { inputs: TrainInputs; classes: ClassLabel[] | null };

function fitWith({ folder, candidate, inputs, classes }: FitJob, deps: StageDeps): Fit {
  const { problem, data, model } = folder;
  const { progress } = deps;
  return async (table, fit) => {
    progress.phase(`train ${folder.name}/${candidate.name}: ${fit}, ${table.rows} rows`);
    const common = {
      task: problem.task,
      target: problem.target,
      inputs: data.inputs,
      table,
      seed: model.seed,
      classes,
    };
    if (candidate.trainer === 'command')
      return trainByCommand({
        ...common,
        ...commandSurroundings(candidate, { inputs, fit, deps }),
        candidate,
        model: folder.name,
        fit,
      });
    return trainCandidate({
      ...common,
      candidate,
      backend: inputs.backend,
      onEpoch: (epoch) => progress.update(epoch, candidate.epochs, 'epochs'),
    });
  };
}

/** The first success metric of the problem, on rows that this fit did not see. */
async function score(
  { model, signature }: Trained,
  rows: Table,
  { problem }: ModelFolder,
): Promise<TrainResult['validation']> {
  const metric = problem.success[0]?.metric ?? (problem.task.kind === 'regression' ? 'mae' : 'log_loss');
  const predictor = await startPredictor({ model, signature });
  try {
    const { values } = await predictor.predict(feedOf(rows, signature), rows.rows);
    const { classes } = signature;
    const actual = actualOf(rows, problem.target, { classes });
    const value = measure(metric, judgedOf(actual, values, { task: problem.task, classes }));
    if (Number.isFinite(value)) return { metric, value, rows: rows.rows };
    throw new UserError(`${metric} is undefined on the ${rows.rows} validation rows`, {
      fix: 'lengthen `split.validation` in data.yml, so that it holds more than one class or value',
    });
  } finally {
    await predictor.close();
  }
}

/** Key digests of the rows of these parts, each once. */
async function keysOf(
  names: readonly (keyof Parts)[],
  parts: PartEvidence,
  { exchange }: StageDeps,
): Promise<Set<string>> {
  const keys = new Set<string>();
  for (const name of names) {
    const bytes = await exchange.get(`train/${name}.keys`, parts[name].keys);
    for (const key of parseKeySet(bytes)) keys.add(key);
  }
  return keys;
}
