import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { z } from 'zod';
import type { Data } from '../lifecycle/data.ts';
import {
  type FeedbackRecord,
  feedbackRecordSchema,
  type PredictionRecord,
  predictionRecordSchema,
} from '../lifecycle/serving.ts';
import { writeParquet } from './duckdb.ts';
import type { Column, Table } from './table.ts';

export type SnapshotOptions = {
  /** Root of the log: `<root>/<model>/<environment>/{predictions,feedback}/<event date>.jsonl`. */
  root: string;
  model: string;
  environment: string;
  /** Predictions and labels with an event_time before this instant are taken. */
  until: Date;
  inputs: Data['inputs'];
  /** Folder that gets the Parquet file. */
  scratch: string;
};

export type Snapshot = {
  file: string;
  rows: number;
  labelled: number;
  versions: { version: string; predictions: number }[];
  /** First and last event_time; null when there are no predictions. */
  from: string | null;
  until: string | null;
  /** Lines that a crash cut off: not counted as predictions or labels. */
  torn: number;
};

/**
 * Joins the prediction log with its feedback, as a Parquet file that can be a source of data.yml. Columns:
 * prediction_id, event_time, version, prediction, label, and every input; rows by event_time, then id.
 * `prediction` is the number of a regression, else the probability of the last class (of a binary model: of
 * its second class). Of class models there is `probabilities` too: JSON text {class: probability}, null where
 * the log does not say which classes were meant. The same id counts once, as it was logged first; of several
 * labels the one logged last counts.
 */
export async function snapshotPredictions(options: SnapshotOptions): Promise<Snapshot> {
  const folder = join(options.root, options.model, options.environment);
  const until = options.until.getTime();
  const predictions = await readLog({
    folder: join(folder, 'predictions'),
    schema: predictionRecordSchema,
    until,
  });
  const feedback = await readLog({ folder: join(folder, 'feedback'), schema: feedbackRecordSchema, until });
  const rows = byEventTime(onceEach(predictions.records).values());
  const labels = latestLabels(feedback.records);
  const file = join(options.scratch, `predictions-${options.model}-${options.environment}.parquet`);
  await writeParquet(file, tableOf(rows, labels, options.inputs));
  return {
    file,
    rows: rows.length,
    labelled: rows.filter(({ id }) => labels.has(id)).length,
    versions: countVersions(rows),
    from: rows.at(0)?.event_time ?? null,
    until: rows.at(-1)?.event_time ?? null,
    torn: predictions.torn + feedback.torn,
  };
}

const DAY_MS = 86_400_000;

type Log<Entry> = { folder: string; schema: z.ZodType<Entry>; until: number };

async function readLog<Entry extends { event_time: string }>(
  log: Log<Entry>,
): Promise<{ records: Entry[]; torn: number }> {
  // A file is named by the date as the client wrote it, which may be a day ahead of UTC.
  const lastDay = new Date(log.until + DAY_MS).toISOString().slice(0, 10);
  const names = await readdir(log.folder).catch(noFolder);
  const records: Entry[] = [];
  let torn = 0;
  for (const name of names.sort()) {
    if (!/^\d{4}-\d{2}-\d{2}\.jsonl$/.test(name) || name.slice(0, 10) > lastDay) continue;
    const path = join(log.folder, name);
    let number = 0;
    for await (const line of createInterface({
      input: createReadStream(path),
      crlfDelay: Number.POSITIVE_INFINITY,
    })) {
      number += 1;
      const value = wholeJson(line);
      if (value === undefined) torn += line === '' ? 0 : 1;
      else {
        const record = parseRecord({ value, schema: log.schema, at: `${path}:${number}` });
        if (Date.parse(record.event_time) < log.until) records.push(record);
      }
    }
  }
  return { records, torn };
}

function noFolder(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}

/** A process that was killed leaves a line cut off, which is no JSON, wherever it stands in the file. */
function wholeJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function parseRecord<Entry>({
  value,
  schema,
  at,
}: {
  value: unknown;
  schema: z.ZodType<Entry>;
  at: string;
}): Entry {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`${at}: no record of this release: ${issue?.path.join('.')} ${issue?.message}`);
}

function onceEach(records: PredictionRecord[]): Map<string, PredictionRecord> {
  const byId = new Map<string, PredictionRecord>();
  for (const record of records) {
    const former = byId.get(record.id);
    if (!former || Date.parse(record.logged_at) < Date.parse(former.logged_at)) byId.set(record.id, record);
  }
  return byId;
}

function latestLabels(records: FeedbackRecord[]): Map<string, FeedbackRecord['label']> {
  const latest = new Map<string, FeedbackRecord>();
  for (const record of records) {
    const former = latest.get(record.id);
    if (!former || Date.parse(record.logged_at) >= Date.parse(former.logged_at))
      latest.set(record.id, record);
  }
  return new Map([...latest].map(([id, { label }]) => [id, label]));
}

function byEventTime(records: Iterable<PredictionRecord>): PredictionRecord[] {
  return [...records]
    .map((record) => ({ record, time: Date.parse(record.event_time) }))
    .sort((a, b) => a.time - b.time || (a.record.id < b.record.id ? -1 : 1))
    .map(({ record }) => record);
}

function countVersions(rows: PredictionRecord[]): Snapshot['versions'] {
  const counts = new Map<string, number>();
  for (const { version } of rows) counts.set(version, (counts.get(version) ?? 0) + 1);
  return [...counts]
    .map(([version, predictions]) => ({ version, predictions }))
    .sort((a, b) => (a.version < b.version ? -1 : 1));
}

/** A cell of the column `probabilities`. Text, because names of classes need not do as names of columns. */
export function probabilitiesOf(
  classes: readonly (string | number | boolean)[],
  values: ArrayLike<number>,
): string {
  return JSON.stringify(Object.fromEntries(classes.map((name, place) => [String(name), values[place] ?? 0])));
}

type Labels = Map<string, FeedbackRecord['label']>;

function tableOf(rows: PredictionRecord[], labels: Labels, inputs: Data['inputs']): Table {
  const columns = new Map<string, Column>([
    ['prediction_id', { kind: 'text', values: rows.map(({ id }) => id) }],
    ['event_time', { kind: 'time', values: Float64Array.from(rows, (row) => Date.parse(row.event_time)) }],
    ['version', { kind: 'text', values: rows.map(({ version }) => version) }],
    ['prediction', numbers(rows.map(({ prediction }) => prediction.at(-1)))],
    ['label', narrowest(rows.map(({ id }) => labels.get(id)))],
  ]);
  for (const [name, { type }] of Object.entries(inputs)) {
    const cells = rows.map((row) => row.inputs[name]);
    columns.set(name, type === 'number' ? numbers(cells) : narrowest(cells));
  }
  if (rows.some(({ classes }) => classes !== undefined)) {
    columns.set('probabilities', { kind: 'text', values: rows.map(probabilitiesText) });
  }
  return { rows: rows.length, columns };
}

function probabilitiesText({ classes, prediction }: PredictionRecord): string | null {
  return classes === undefined ? null : probabilitiesOf(classes, prediction);
}

type Cell = number | string | boolean | null | undefined;

/** What is no number is missing. */
function numbers(cells: Cell[], integer = false): Column {
  const values = Float64Array.from(cells, (cell) => (typeof cell === 'number' ? cell : Number.NaN));
  return { kind: 'number', values, integer };
}

/** Numbers where all cells are numbers, else text: a category 5 must not become "5.0". */
function narrowest(cells: Cell[]): Column {
  const present = cells.filter((cell) => cell !== null && cell !== undefined);
  if (!present.every((cell) => typeof cell === 'number'))
    return {
      kind: 'text',
      values: cells.map((cell) => (cell === null || cell === undefined ? null : String(cell))),
    };
  return numbers(cells, present.length > 0 && present.every(Number.isSafeInteger));
}
