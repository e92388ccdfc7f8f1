import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openSession, type Session } from '#lib/data/duckdb.ts';
import type { Table } from '#lib/data/table.ts';
import { parseConfig } from '#lib/formats/config.ts';
import { digestOf } from '#lib/formats/digest.ts';
import type { Data } from '#lib/lifecycle/data.ts';
import type { NetworkCandidate } from '#lib/lifecycle/model.ts';
import { feedOf } from '#lib/ml/feed.ts';
import { targetNumbers } from '#lib/ml/labels.ts';
import { measure } from '#lib/ml/metrics.ts';
import { startPredictor } from '#lib/ml/predictor.ts';
import { trainCandidate } from '#lib/ml/train.ts';
import type { Bench, BenchRow } from './row.ts';

const CSV = fileURLToPath(new URL('../../templates/starter-data/bike_sharing_hour.csv', import.meta.url));
const MODEL = new URL('../../runners/local/demo/bikes/', import.meta.url);
const SEEDS = [1, 2, 3, 4, 5];
const WINDOW_DAYS = 90;
const QUARTERS = [
  { name: '2012 Q2', from: '2012-04-01', until: '2012-07-01' },
  { name: '2012 Q3', from: '2012-07-01', until: '2012-10-01' },
  { name: '2012 Q4', from: '2012-10-01', until: '2013-01-01' },
];

/**
 * What retraining is worth: the model of 2011 against one of the newest 90 days before each quarter, in the
 * demo's configuration, scored on all hours of the quarter. Medians over fixed seeds; no seed is chosen.
 */
export const bench: Bench = async (note) => {
  const session = await openSession({ folder: dirname(CSV) });
  try {
    const hours = (from: string, until: string) => readHours(session, from, until);
    const year = await hours('2011-01-01', '2012-01-01');
    const quarters = await Promise.all(
      QUARTERS.map(async ({ name, from, until }) => ({
        name,
        window: await hours(daysBefore(from, WINDOW_DAYS), from),
        live: await hours(from, until),
        stale: [] as number[],
        retrained: [] as number[],
      })),
    );
    const { candidate, data } = demoConfiguration();
    for (const seed of SEEDS) {
      note(`seed ${seed} of ${SEEDS.length}`);
      const score = scorer({ candidate, data, seed });
      const stale = await score(
        year,
        quarters.map(({ live }) => live),
      );
      for (const [index, quarter] of quarters.entries()) {
        quarter.stale.push(stale[index] ?? Number.NaN);
        quarter.retrained.push(...(await score(quarter.window, [quarter.live])));
      }
    }
    for (const { name, stale, retrained } of quarters)
      note(`${name} by seed: ${texts(stale)} of 2011, ${texts(retrained)} retrained`);
    return quarters.flatMap(({ name, stale, retrained }) => [
      row(`${name}, model of 2011`, stale),
      row(`${name}, retrained on the newest ${WINDOW_DAYS} days`, retrained),
    ]);
  } finally {
    session.close();
  }
};

function demoConfiguration(): { candidate: NetworkCandidate; data: Data } {
  const read = (file: string) => readFileSync(new URL(file, MODEL), 'utf8');
  const dataText = read('data.yml').replaceAll('{{history}}', digestOf(readFileSync(CSV)));
  const model = parseConfig('model', { file: 'model.yml', text: read('model.yml') });
  const candidate = model.candidates.find(({ trainer }) => trainer === 'mlp');
  if (candidate?.trainer !== 'mlp') throw new Error('the demo has no network among its candidates');
  return { candidate, data: parseConfig('data', { file: 'data.yml', text: dataText }) };
}

type Configuration = { candidate: NetworkCandidate; data: Data; seed: number };

/** Trains on one table and gives the mean absolute error on each of the others. */
function scorer({ candidate, data, seed }: Configuration) {
  return async (table: Table, judged: Table[]): Promise<number[]> => {
    const { target, inputs } = data;
    const { model, signature } = await trainCandidate({
      candidate,
      task: { kind: 'regression' },
      target,
      inputs,
      table,
      seed,
    });
    const predictor = await startPredictor({ model, signature });
    try {
      const errors: number[] = [];
      for (const rows of judged) {
        const { values } = await predictor.predict(feedOf(rows, signature), rows.rows);
        const actual = targetNumbers(rows, target);
        errors.push(measure('mae', { kind: 'numbers', actual, predicted: values }));
      }
      return errors;
    } finally {
      await predictor.close();
    }
  };
}

function readHours(session: Session, from: string, until: string): Promise<Table> {
  const file = CSV.replaceAll("'", "''");
  return session.read(
    `(SELECT * FROM read_csv('${file}') WHERE dteday::DATE >= '${from}' AND dteday::DATE < '${until}' ORDER BY dteday, hr)`,
  );
}

function daysBefore(date: string, days: number): string {
  return new Date(Date.parse(date) - days * 86_400_000).toISOString().slice(0, 10);
}

function texts(errors: number[]): string {
  return errors.map((error) => error.toFixed(1)).join(' ');
}

function row(name: string, errors: number[]): BenchRow {
  const ours = errors.sort((a, b) => a - b)[errors.length >> 1] ?? Number.NaN;
  return {
    name: 'bikes',
    row: name,
    ours,
    peer: null,
    ratio: null,
    unit: 'rentals/h MAE',
    runs: errors.length,
  };
}
