import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openFileStore } from '#lib/store/file.ts';
import type { ArtifactStore } from '#lib/store/store.ts';
import { storeExchange } from '../../actions/kit/exchange.ts';
import { silentProgress } from '../../actions/kit/progress.ts';
import type { StageDeps } from '../../actions/kit/stage.ts';

const CSV = new URL('../../templates/starter-data/bike_sharing_hour.csv', import.meta.url).pathname;

export const HOURS_SQL = `-- One row per hour: history from the file, later hours from what was served.
WITH hours AS (
  SELECT CAST(dteday AS TIMESTAMP) + to_hours(hr) AS ts, cnt, hr, weekday, workingday, weathersit, temp, hum
  FROM history
),
traffic_hours AS (
  SELECT event_time AS ts, label AS cnt, hr, weekday, workingday, weathersit, temp, hum FROM traffic
)
SELECT * FROM hours
UNION ALL BY NAME
SELECT * FROM traffic_hours
`;

const PROBLEM = `version: 1
model: bikes
title: Hourly bike demand
objective: Know the demand of the next hour
decision: Dispatchers move bikes before a station runs empty
task: {kind: regression}
target: cnt
success: [{metric: mae, direction: minimize, threshold: 60}]
stakeholders: [{login: product-owner, role: product-owner}]
`;

export function dataYaml(object: string, { window = 'all', extra = '' } = {}): string {
  return `version: 1
sources:
  - {kind: csv, name: history, object: ${object}}
  - {kind: predictions, name: traffic, environment: production, snapshot: none}
pipeline: [pipeline/10-hours.sql]
key: [ts]
time: ts
unit: {block: P1D}
target: cnt
inputs:
  hr: {from: request, type: category}
  weekday: {from: request, type: category}
  workingday: {from: request, type: number}
  weathersit: {from: request, type: category}
  temp: {from: request, type: number}
  hum: {from: request, type: number}
contract:
  columns:
    cnt: {type: number, required: true, minimum: 0}
    hum: {type: number, minimum: 0, maximum: 1}
  rows: {minimum: 1000}
window: ${window}
split: {by: time, recent: P28D, embargo: P1D, validation: P28D}
${extra}`;
}

export type BikesRepository = {
  workspace: string;
  store: ArtifactStore;
  csv: string;
  write(path: string, text: string): void;
  commit(): string;
  deps(overrides?: Partial<StageDeps>): StageDeps;
  remove(): void;
};

/** A checkout with the model `bikes` and a store that holds its CSV. */
export async function bikesRepository(): Promise<BikesRepository> {
  const root = mkdtempSync(join(tmpdir(), 'roundhouse-bikes-'));
  const workspace = join(root, 'checkout');
  const store = openFileStore(join(root, 'store'));
  const csv = await store.putFile(CSV);
  let runs = 0;
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', workspace, '-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args]);
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(workspace, path)), { recursive: true });
    writeFileSync(join(workspace, path), text);
  };
  write('models/bikes/problem.yml', PROBLEM);
  write('models/bikes/data.yml', dataYaml(csv, { window: '{last: P365D, until: "2012-01-01T00:00:00Z"}' }));
  write('models/bikes/pipeline/10-hours.sql', HOURS_SQL);
  git('init', '-q');
  return {
    workspace,
    store,
    csv,
    write,
    commit() {
      git('add', '-A');
      git('commit', '-q', '--allow-empty', '-m', 'state');
      return git('rev-parse', 'HEAD').toString().trim();
    },
    deps(overrides = {}) {
      runs += 1;
      const scratch = join(root, `scratch-${runs}`);
      mkdirSync(scratch);
      return {
        workspace,
        store,
        exchange: storeExchange(store),
        logs: null,
        now: () => new Date('2012-01-01T00:00:00Z'),
        run: { kind: 'local', id: `run-${runs}` },
        scratch,
        progress: silentProgress,
        ...overrides,
      };
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
