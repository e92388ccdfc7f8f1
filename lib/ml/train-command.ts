import { constants } from 'node:fs';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { openSession, writeParquet } from '../data/duckdb.ts';
import type { Table } from '../data/table.ts';
import { quoteText } from '../data/table-io.ts';
import type { Signature } from '../lifecycle/bundle.ts';
import type { Input } from '../lifecycle/data-input.ts';
import { durationMs } from '../lifecycle/duration.ts';
import type { CommandCandidate } from '../lifecycle/model.ts';
import type { Task } from '../lifecycle/problem.ts';
import { UserError } from '../lifecycle/user-error.ts';
import { feedOf } from './feed.ts';
import type { ClassLabel } from './labels.ts';
import { adaptModel } from './model-adapt.ts';
import { startPredictor } from './predictor.ts';
import type { Prediction } from './predictor-types.ts';
import { runCommand } from './run-command.ts';
import { signatureOf, type Trained, thinned } from './train.ts';
import { comparePredictions, type Parity, probeRows } from './train-parity.ts';

const MODEL_BYTES = 2 ** 31 - 1;
const REPORT_BYTES = 8 * 2 ** 20;
const SUM_TOLERANCE = 1e-3;

export type CommandTraining = {
  candidate: CommandCandidate;
  model: string;
  /** Which fit it is; the program may be asked for two or three of one configuration. */
  fit: 'search' | 'twin' | 'served';
  task: Task;
  target: string;
  inputs: Record<string, Input>;
  /** Training rows; every row has a target. */
  table: Table;
  seed: number;
  /** In the order of the probabilities; null for numbers. */
  classes: ClassLabel[] | null;
  /** Root of the checkout: where the program runs. */
  workspace: string;
  /** A path that isn't there yet: the exchange with the program; removed afterwards. */
  folder: string;
  /** The program's variables: nothing else of this process is handed on. */
  environment: Record<string, string>;
  onLine(line: string): void;
  warn(text: string): void;
  signal?: AbortSignal;
};

/** What a program may write beside `model.onnx`. */
const reportSchema = z.object({
  /** Training loss per epoch, or the like. */
  curve: z.array(z.number()).max(100_000).default([]),
  /** Its own predictions of the first rows it was given: a number each, or a probability per class. */
  predictions: z
    .array(z.union([z.number(), z.array(z.number())]))
    .max(100_000)
    .default([]),
});

/**
 * Fits by a program of the user's. It finds `request.json` and the rows in the folder that ROUNDHOUSE_TRAIN
 * names and leaves `model.onnx` there, with `report.json` beside it if it likes. Its bytes are untrusted:
 * they are checked, brought under the signature's names, run in a child process on training rows and on rows
 * with missing and unseen values, and compared with the program's own predictions where it gave some.
 */
export async function trainByCommand(training: CommandTraining): Promise<Trained> {
  const { candidate, table, folder, workspace, classes } = training;
  if (table.rows === 0) throw new UserError('there are no rows to train on', { fix: 'widen the window' });
  const signature = signatureOf(table, training.inputs, classes);
  await mkdir(folder, { recursive: true });
  try {
    await writeRequest(training, signature);
    await runCommand({
      command: candidate.command,
      cwd: workspace,
      env: { ...training.environment, ROUNDHOUSE_TRAIN: folder },
      timeoutMs: durationMs(candidate.timeout),
      onLine: training.onLine,
      ...(training.signal && { signal: training.signal }),
    });
    const report = await readReport(folder);
    const model = adaptModel(await readModel(training), signature);
    const parity = await tryModel(training, { model, signature, report });
    return {
      model,
      signature,
      backend: basename(candidate.command[0] ?? ''),
      curve: thinned(report.curve),
      parity,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeRequest(training: CommandTraining, signature: Signature): Promise<void> {
  const { candidate, folder, table, task, target, seed, fit, model } = training;
  const rows = `rows.${candidate.rows}`;
  const parquet = join(folder, 'rows.parquet');
  await writeParquet(parquet, table);
  if (candidate.rows === 'csv') await toCsv(folder, parquet, join(folder, rows));
  const request = {
    version: 1,
    model,
    candidate: candidate.name,
    fit,
    rows: { file: rows, count: table.rows },
    target,
    task,
    classes: signature.classes,
    inputs: signature.inputs.map(({ name, datatype }) => ({ name, datatype })),
    output: signature.outputs[0]?.name,
    seed,
    params: candidate.params,
    write: { model: 'model.onnx', report: 'report.json' },
  };
  await writeFile(join(folder, 'request.json'), `${JSON.stringify(request, null, 2)}\n`);
}

async function toCsv(folder: string, parquet: string, csv: string): Promise<void> {
  const session = await openSession({ folder });
  try {
    await session.run(
      `COPY (SELECT * FROM read_parquet(${quoteText(parquet)})) TO ${quoteText(csv)} (FORMAT csv, HEADER)`,
    );
  } finally {
    session.close();
  }
  await rm(parquet);
}

async function readModel({ candidate, folder }: CommandTraining): Promise<Uint8Array> {
  const found = await readPlain(join(folder, 'model.onnx'), MODEL_BYTES);
  if (found !== null) return found;
  throw new UserError(`candidate "${candidate.name}": the command ended well, and left no model.onnx`, {
    fix: 'write the model to the file model.onnx in the folder that the variable ROUNDHOUSE_TRAIN names',
  });
}

async function readReport(folder: string): Promise<z.infer<typeof reportSchema>> {
  const bytes = await readPlain(join(folder, 'report.json'), REPORT_BYTES);
  if (bytes === null) return { curve: [], predictions: [] };
  const fix = 'write {"curve": [numbers], "predictions": [numbers, or a list per row]}, or no report at all';
  try {
    return reportSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? (cause.issues[0]?.message ?? '') : String(cause);
    throw new UserError(`the command's report.json can't be read: ${why.slice(0, 200)}`, { fix, cause });
  }
}

/** A regular file of its own, never a link to another one; null where there is none. */
async function readPlain(path: string, most: number): Promise<Uint8Array | null> {
  // Without O_NONBLOCK a named pipe is opened only once somebody writes into it.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(path, flags).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new UserError(`the command's ${basename(path)} can't be read: ${error.message}`, {
      fix: 'write a plain file, not a link',
      cause: error,
    });
  });
  if (handle === null) return null;
  try {
    const stat = await handle.stat();
    if (stat.isFile() && stat.size <= most) return await handle.readFile();
    const what = stat.isFile() ? `has ${stat.size} bytes` : 'is no plain file';
    throw new UserError(`the command's ${basename(path)} ${what}`, {
      fix: `write a plain file of at most ${most} bytes`,
    });
  } finally {
    await handle.close();
  }
}

type Made = { model: Uint8Array; signature: Signature; report: z.infer<typeof reportSchema> };

async function tryModel(
  training: CommandTraining,
  { model, signature, report }: Made,
): Promise<Parity | null> {
  const { candidate, table } = training;
  const feed = feedOf(table, signature);
  const probe = probeRows(feed, table.rows, signature);
  const predictor = await startPredictor({ model, signature }).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`candidate "${candidate.name}": ${error.message}`, { fix: error.fix, cause: error });
  });
  try {
    const sampled = await predictor.predict(probe.feed, probe.rows);
    checkAnswers(training, { signature, answers: sampled, odd: oddRows(signature) });
    if (report.predictions.length === 0) return null;
    const head = firstRows(feed, Math.min(report.predictions.length, table.rows));
    const actual = await predictor.predict(head.feed, head.rows);
    return comparedWith(report.predictions.slice(0, head.rows).flat(), {
      candidate,
      actual: actual.values,
      classes: signature.classes?.length ?? 0,
    });
  } finally {
    await predictor.close();
  }
}

type Compared = { candidate: CommandCandidate; actual: Float32Array; classes: number };

function comparedWith(expected: number[], { candidate, actual, classes }: Compared): Parity {
  try {
    return comparePredictions({ expected: Float32Array.from(expected), actual, classes });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(`candidate "${candidate.name}": ${why}`, {
      fix: 'export the very model that made the predictions of report.json, in the same precision',
      cause,
    });
  }
}

/** `probeRows` puts a row with a missing value behind the sampled ones per input, and for a category an unseen one. */
function oddRows({ inputs }: Signature): string[] {
  return inputs.flatMap(({ name, datatype }) =>
    datatype === 'FP32'
      ? [`"${name}" is missing`]
      : [`"${name}" is missing`, `"${name}" has a value that was never seen`],
  );
}

type Answers = { signature: Signature; answers: Prediction; odd: string[] };

function checkAnswers({ candidate, warn }: CommandTraining, { signature, answers, odd }: Answers): void {
  const { values, width } = answers;
  const wanted = signature.classes?.length ?? 1;
  const refuse = (what: string, fix: string) =>
    new UserError(`candidate "${candidate.name}": ${what}`, { fix });
  if (width !== wanted) {
    throw refuse(
      `output "${signature.outputs[0]?.name}" has ${width} values per row and not ${wanted}`,
      signature.classes === null
        ? 'give one number per row'
        : `give one probability per class, in this order: ${signature.classes.join(', ')}`,
    );
  }
  const rows = values.length / width;
  for (let row = 0; row < rows; row++) {
    const answer = values.subarray(row * width, (row + 1) * width);
    const why = odd[row - (rows - odd.length)];
    const fault = faultOf(answer, signature.classes !== null);
    if (fault === null) continue;
    if (why === undefined)
      throw refuse(
        `the model answers a training row with ${fault}`,
        'look at missing values and scales in the graph',
      );
    warn(`${candidate.name}: the model answers with ${fault} where ${why}`);
  }
}

function faultOf(answer: Float32Array, areProbabilities: boolean): string | null {
  const odd = answer.find((value) => !Number.isFinite(value));
  if (odd !== undefined) return String(odd);
  if (!areProbabilities) return null;
  const sum = answer.reduce((total, value) => total + value, 0);
  if (answer.every((value) => value >= 0) && Math.abs(sum - 1) <= SUM_TOLERANCE) return null;
  return `${answer.join(', ')}, which are no probabilities`;
}

function firstRows(
  feed: ReturnType<typeof feedOf>,
  rows: number,
): { feed: ReturnType<typeof feedOf>; rows: number } {
  return {
    feed: Object.fromEntries(Object.entries(feed).map(([name, values]) => [name, values.slice(0, rows)])),
    rows,
  };
}
