import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderLock } from '#lib/formats/config.ts';
import { dataLockOf, modelLockOf } from '#lib/formats/lock-values.ts';
import type { Statement } from '#lib/lifecycle/evidence.ts';
import type { JobPlan } from '#lib/lifecycle/plan.ts';
import { main as data } from '../../actions/data/main.ts';
import { type EvaluateInputs, main as evaluate } from '../../actions/evaluate/main.ts';
import type { StageDeps } from '../../actions/kit/stage.ts';
import { main as train } from '../../actions/train/main.ts';
import { type BikesRepository, bikesRepository, dataYaml } from './bikes-repository.ts';

const OPERATE = `version: 1
deployment:
  environments: [production]
  strategy: {kind: canary, steps: [{weight: 25}]}
monitoring: {window: P30D}
retraining:
  triggers: [{kind: labelled_loss, metric: mae, worse_than: threshold}]
  window: P90D
`;

const MODEL = `version: 1
predictor: onnx
candidates:
  - {name: line, trainer: linear, loss: mae, epochs: 3, learning_rate: 0.02}
  - {name: net, trainer: mlp, hidden: [16], loss: mae, epochs: 10, learning_rate: 0.02}
seed: 1
refit: full
`;

const some = `sha256:${'0'.repeat(64)}` as const;
export const digests: JobPlan['digests'] = {
  code: some,
  config: some,
  gates: some,
  policy: some,
  problem: some,
};

export type JudgedBikes = {
  bikes: BikesRepository;
  data: Statement<'data'>;
  train: Statement<'train'>[];
  /** As a first version, where the test does not say otherwise. */
  evaluate(found?: Partial<EvaluateInputs>, deps?: Partial<StageDeps>): ReturnType<typeof evaluate>;
  /** Writes the locks that a merge would have written. */
  lock(judged: Statement<'evaluate'>): void;
};

/** The model `bikes`, trained on June to September of 2011: two small candidates, a refit and its twin. */
export async function judgedBikes(): Promise<JudgedBikes> {
  const bikes = await bikesRepository();
  bikes.write('models/bikes/operate.yml', OPERATE);
  bikes.write('models/bikes/model.yml', MODEL);
  bikes.write(
    'models/bikes/data.yml',
    dataYaml(bikes.csv, { window: '{last: P120D, until: "2011-10-01T00:00:00Z"}' }),
  );
  const made = await data({ model: 'bikes', plan: null, planDigest: null }, bikes.deps());
  const trained: Statement<'train'>[] = [];
  for (const candidate of [0, 1]) trained.push(await trainOn(bikes, made.statement, candidate));
  return {
    bikes,
    data: made.statement,
    train: trained,
    evaluate: (found = {}, deps = {}) =>
      evaluate(
        {
          model: 'bikes',
          plan: null,
          planDigest: null,
          data: made.statement,
          train: trained,
          champion: null,
          anchor: null,
          looks: {},
          ...found,
        },
        bikes.deps(deps),
      ),
    lock(judged) {
      const found = { data: made.statement.predicate.result, evaluate: judged.predicate.result };
      bikes.write('models/bikes/data.lock', renderLock(dataLockOf(found.data)));
      bikes.write('models/bikes/model.lock', renderLock(modelLockOf({ model: 'bikes', digests, ...found })));
    },
  };
}

export async function trainOn(
  bikes: BikesRepository,
  made: Statement<'data'>,
  candidate: number,
): Promise<Statement<'train'>> {
  const { statement } = await train(
    {
      model: 'bikes',
      plan: null,
      planDigest: null,
      candidate,
      data: made,
      backend: 'auto',
      env: process.env,
    },
    bikes.deps(),
  );
  return statement;
}

export type Hour = { time: string; inputs: Record<string, number>; label: number };

/** Hours of the published history from one day up to another, in order. */
export function hoursBetween(from: string, until: string): Hour[] {
  const csv = new URL('../../templates/starter-data/bike_sharing_hour.csv', import.meta.url);
  const [head = '', ...lines] = readFileSync(csv, 'utf8').trim().split('\n');
  const names = head.trim().split(',');
  const at = (cells: string[], name: string) => cells[names.indexOf(name)] ?? '';
  return lines
    .map((line) => line.trim().split(','))
    .filter((cells) => at(cells, 'dteday') >= from && at(cells, 'dteday') < until)
    .map((cells) => ({
      time: new Date(
        Date.parse(`${at(cells, 'dteday')}T00:00:00Z`) + Number(at(cells, 'hr')) * 3_600_000,
      ).toISOString(),
      inputs: Object.fromEntries(
        ['hr', 'weekday', 'workingday', 'weathersit', 'temp', 'hum'].map((name) => [
          name,
          Number(at(cells, name)),
        ]),
      ),
      label: Number(at(cells, 'cnt')),
    }));
}

/** A prediction log as the server writes it; labels come an hour later, and only where there is one. */
export function writeLog(
  root: string,
  hours: readonly Hour[],
  { answers, labels }: { answers: ArrayLike<number>; labels: readonly (number | null)[] },
): void {
  const folder = join(root, 'bikes', 'production');
  for (const kind of ['predictions', 'feedback']) mkdirSync(join(folder, kind), { recursive: true });
  for (const [row, { time, inputs }] of hours.entries()) {
    const file = `${time.slice(0, 10)}.jsonl`;
    const id = `request-${row}:0`;
    const prediction = {
      id,
      model: 'bikes',
      environment: 'production',
      version: '1.0.0',
      event_time: time,
      logged_at: time,
      inputs,
      prediction: [answers[row]],
      latency_ms: 1,
    };
    appendFileSync(join(folder, 'predictions', file), `${JSON.stringify(prediction)}\n`);
    const label = labels[row] ?? null;
    if (label === null) continue;
    const known = new Date(Date.parse(time) + 3_600_000).toISOString();
    appendFileSync(
      join(folder, 'feedback', `${known.slice(0, 10)}.jsonl`),
      `${JSON.stringify({ id, label, event_time: known, logged_at: known })}\n`,
    );
  }
}
