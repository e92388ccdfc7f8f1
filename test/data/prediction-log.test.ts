import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { contentDigest } from '#lib/data/content.ts';
import { readParquet } from '#lib/data/duckdb.ts';
import { type SnapshotOptions, snapshotPredictions } from '#lib/data/prediction-log.ts';
import type { FeedbackRecord, PredictionRecord } from '#lib/lifecycle/serving.ts';
import { cellsOf } from './tables.ts';

const base = mkdtempSync(join(tmpdir(), 'roundhouse-log-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(base, 'case-'));
});

const INPUTS: SnapshotOptions['inputs'] = {
  hr: { from: 'request', type: 'category', meaning: '', unit: '' },
  temp: { from: 'request', type: 'number', meaning: '', unit: '' },
};

function append(kind: 'predictions' | 'feedback', day: string, text: string): void {
  const folder = join(root, 'bikes', 'production', kind);
  mkdirSync(folder, { recursive: true });
  appendFileSync(join(folder, `${day}.jsonl`), text);
}

function predict(id: string, at: string, more: Partial<PredictionRecord> = {}): void {
  const record: PredictionRecord = {
    id,
    model: 'bikes',
    environment: 'production',
    version: '1.0.0',
    event_time: at,
    logged_at: at,
    inputs: { hr: 5, temp: 0.5 },
    prediction: [100],
    latency_ms: 1,
    ...more,
  };
  append('predictions', at.slice(0, 10), `${JSON.stringify(record)}\n`);
}

function label(id: string, value: FeedbackRecord['label'], at: string, logged = at): void {
  const record: FeedbackRecord = { id, label: value, event_time: at, logged_at: logged };
  append('feedback', at.slice(0, 10), `${JSON.stringify(record)}\n`);
}

const take = (until = '2012-02-01T00:00:00Z', inputs = INPUTS) =>
  snapshotPredictions({
    root,
    model: 'bikes',
    environment: 'production',
    until: new Date(until),
    inputs,
    scratch: root,
  });

async function column(name: string, until?: string): Promise<unknown[]> {
  return cellsOf(await readParquet((await take(until)).file), name);
}

describe('snapshotPredictions', () => {
  test('joins labels by id, ordered by event time and id, whatever order they were logged in', async () => {
    predict('r2:0', '2012-01-02T00:00:00Z', { version: '1.1.0', prediction: [7] });
    predict('r1:1', '2012-01-01T05:00:00Z');
    predict('r1:0', '2012-01-01T05:00:00Z');
    label('r2:0', 9, '2012-01-03T00:00:00Z');
    const snapshot = await take();
    expect(snapshot).toMatchObject({
      rows: 3,
      labelled: 1,
      versions: [
        { version: '1.0.0', predictions: 2 },
        { version: '1.1.0', predictions: 1 },
      ],
      from: '2012-01-01T05:00:00Z',
      until: '2012-01-02T00:00:00Z',
      torn: 0,
    });
    const table = await readParquet(snapshot.file);
    expect([...table.columns.keys()]).toEqual([
      'prediction_id',
      'event_time',
      'version',
      'prediction',
      'label',
      'hr',
      'temp',
    ]);
    expect(cellsOf(table, 'prediction_id')).toEqual(['r1:0', 'r1:1', 'r2:0']);
    expect(cellsOf(table, 'label')).toEqual([Number.NaN, Number.NaN, 9]);
    expect(cellsOf(table, 'event_time')[2]).toBe(Date.UTC(2012, 0, 2));
  });

  test('an id counts once, and the label that was logged last counts', async () => {
    predict('r:0', '2012-01-01T00:00:00Z', { prediction: [1] });
    predict('r:0', '2012-01-01T00:00:00Z', { prediction: [2], logged_at: '2012-01-01T01:00:00Z' });
    label('r:0', 10, '2012-01-05T00:00:00Z', '2012-01-05T00:00:00Z');
    label('r:0', 11, '2012-01-04T00:00:00Z', '2012-01-06T00:00:00Z');
    expect(await column('prediction')).toEqual([1]);
    expect(await column('label')).toEqual([11]);
  });

  test('of a class model the probabilities are kept by class; lines without classes have none', async () => {
    predict('a:0', '2012-01-01T00:00:00Z', { prediction: [0.2, 0.8], classes: ['no', 'yes'] });
    predict('b:0', '2012-01-02T00:00:00Z', { prediction: [0.9, 0.1], classes: ['yes', 'No, never'] });
    predict('c:0', '2012-01-03T00:00:00Z', { prediction: [0.3, 0.7] });
    expect(await column('probabilities')).toEqual([
      '{"no":0.2,"yes":0.8}',
      '{"yes":0.9,"No, never":0.1}',
      null,
    ]);
    expect(await column('prediction')).toEqual([0.8, 0.1, 0.7]);
  });

  test('what was not known at the instant asked for is left out', async () => {
    predict('a:0', '2012-01-01T00:00:00Z');
    predict('b:0', '2012-01-10T00:00:00Z');
    predict('c:0', '2012-01-11T01:00:00+02:00');
    label('a:0', 5, '2012-01-10T00:00:00Z');
    expect(await column('prediction_id', '2012-01-10T00:00:00Z')).toEqual(['a:0']);
    expect(await column('label', '2012-01-10T00:00:00Z')).toEqual([Number.NaN]);
    expect(await column('label', '2012-01-10T00:00:01Z')).toEqual([5, Number.NaN]);
    expect(await column('prediction_id', '2012-01-10T23:30:00Z')).toEqual(['a:0', 'b:0', 'c:0']);
  });

  test('a line that a kill cut off is counted and left out, at the end and in the middle', async () => {
    predict('a:0', '2012-01-01T00:00:00Z');
    append('predictions', '2012-01-01', '{"id":"b:0","model":"bi\n');
    predict('c:0', '2012-01-01T01:00:00Z');
    append('predictions', '2012-01-01', '{"id":"d:0","model":"bi');
    append('feedback', '2012-01-01', '{"id"');
    const snapshot = await take();
    expect(snapshot).toMatchObject({ rows: 2, torn: 3 });
  });

  test('a whole record of another shape is a fault with file and line, never dropped', async () => {
    predict('a:0', '2012-01-01T00:00:00Z');
    append('predictions', '2012-01-01', '{"id":"b:0"}\n');
    await expect(take()).rejects.toThrow(/predictions\/2012-01-01\.jsonl:2: no record of this release/);
  });

  test('no log yet is an empty snapshot with the same columns', async () => {
    const snapshot = await take();
    expect(snapshot).toMatchObject({ rows: 0, labelled: 0, versions: [], from: null, until: null });
    const table = await readParquet(snapshot.file);
    expect([...table.columns.keys()]).toEqual([
      'prediction_id',
      'event_time',
      'version',
      'prediction',
      'label',
      'hr',
      'temp',
    ]);
  });

  test('classes: the probability of the last one, labels and categories as text where one is text', async () => {
    predict('a:0', '2012-01-01T00:00:00Z', { prediction: [0.3, 0.7], inputs: { hr: 'late', temp: null } });
    predict('b:0', '2012-01-01T01:00:00Z', { prediction: [0.9, 0.1], inputs: { hr: 5, temp: 'warm' } });
    label('a:0', true, '2012-01-02T00:00:00Z');
    expect(await column('prediction')).toEqual([0.7, 0.1]);
    expect(await column('label')).toEqual(['true', null]);
    expect(await column('hr')).toEqual(['late', '5']);
    expect(await column('temp')).toEqual([Number.NaN, Number.NaN]);
  });

  test('the same log gives the same content', async () => {
    for (let hour = 0; hour < 24; hour += 1)
      predict(`r:${hour}`, `2012-01-01T${String(hour).padStart(2, '0')}:00:00Z`);
    const digest = async () => contentDigest(await readParquet((await take()).file));
    expect(await digest()).toBe(await digest());
  });
});
