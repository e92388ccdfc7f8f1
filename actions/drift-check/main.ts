import { readParquet } from '#lib/data/duckdb.ts';
import { snapshotPredictions } from '#lib/data/prediction-log.ts';
import { columnOf, isMissing, rowsWhere, type Table, timesOf } from '#lib/data/table.ts';
import { decayOf } from '#lib/lifecycle/decay.ts';
import { durationMs } from '#lib/lifecycle/duration.ts';
import type { DriftColumn, MonitorResult } from '#lib/lifecycle/evidence.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { driftVerdict } from '#lib/ml/drift.ts';
import { livePerformance } from '#lib/ml/live-performance.ts';
import { seedOf } from '#lib/ml/stats/random.ts';
import { loadModelFolder, type ModelFolder } from '../kit/model-folder.ts';
import type { StageDeps, StageResult } from '../kit/stage.ts';
import { makeStatement } from '../kit/statement.ts';
import { driftOf } from './drift-of.ts';
import { replayFirst } from './replay.ts';
import { loadServing, type Serving } from './serving.ts';

export type DriftCheckInputs = {
  model: string;
  environment: string;
  /** Data time up to which predictions and labels are looked at. */
  as_of: string;
  planDigest: Digest | null;
};

/**
 * Looks at the last window whose labels have had time to come: are its inputs, predictions and labels like the
 * training rows, and is the error of what was served within the problem's bounds?
 */
export async function main(inputs: DriftCheckInputs, deps: StageDeps): Promise<StageResult<'monitor'>> {
  const startedAt = deps.now();
  const { model, environment, as_of } = inputs;
  const folder = loadModelFolder(deps.workspace, model);
  deps.progress.phase(`monitor ${model} in ${environment}: snapshot as of ${as_of}`);
  const snapshot = await takeSnapshot({ inputs, folder, deps });
  const window = windowOf(folder, as_of);
  const times = timesOf(snapshot.table, 'event_time');
  const inside = (row: number) => {
    const at = times[row] ?? Number.NaN;
    return at >= Date.parse(window.from) && at < Date.parse(window.until);
  };
  const rows = rowsWhere(snapshot.table, inside);
  const label = columnOf(rows, 'label');
  const labelled = rowsWhere(rows, (row) => !isMissing(label, row));
  const labels = coverageOf(rows.rows, labelled.rows, folder.data.labels.min_coverage);
  const deployed = await loadServing({ model, environment }, deps);

  deps.progress.phase(`monitor ${model}: drift of ${rows.rows} predictions`);
  const drift = await driftOf({ rows, labelled, folder, ...deployed, seed: seedOf(snapshot.digest), deps });
  const { performance, value } = performanceOf({
    labelled,
    folder,
    ...deployed,
    seed: seedOf(snapshot.digest),
  });
  const replay = await replayFirst({ labelled, folder, seed: seedOf(snapshot.digest), deps });
  const { verdict: decay, reasons } = decayOf({ ...folder, labels, performance });
  const result: MonitorResult = {
    environment,
    as_of,
    window,
    snapshot: snapshot.digest,
    versions: versionsOf(rows),
    predictions: rows.rows,
    labels,
    drift,
    drift_verdict: driftVerdict(drift),
    performance,
    replay,
    value,
    decay,
    reasons: [...reasons, ...drift.filter(({ verdict }) => verdict !== 'stable').map(reasonOf)],
  };
  const subjects = [{ name: 'monitor/predictions.parquet', digest: snapshot.digest }];
  const statement = makeStatement(
    'monitor',
    { model, plan: inputs.planDigest, startedAt, finishedAt: deps.now(), subjects, result },
    deps,
  );
  return {
    statement,
    verdict: decay,
    outputs: { decay, drift: result.drift_verdict, snapshot: snapshot.digest },
  };
}

type Snapshot = { digest: Digest; table: Table };

/** Log and feedback as they are now, as an object that evidence and data.yml can name. */
async function takeSnapshot({
  inputs: { model, environment, as_of },
  folder,
  deps,
}: {
  inputs: DriftCheckInputs;
  folder: ModelFolder;
  deps: StageDeps;
}): Promise<Snapshot> {
  if (deps.logs === null) {
    throw new UserError('no prediction log is configured', {
      fix: 'set ROUNDHOUSE_LOGS_MAIN to the root of the log, for example file:///srv/roundhouse/logs',
    });
  }
  const { file } = await snapshotPredictions({
    root: deps.logs,
    model,
    environment,
    until: new Date(as_of),
    inputs: folder.data.inputs,
    scratch: deps.scratch,
  });
  return {
    digest: await deps.exchange.putFile('monitor/predictions.parquet', file),
    table: await readParquet(file),
  };
}

/** The newest window whose labels have all had time to come. */
function windowOf({ operate, data }: ModelFolder, as_of: string): MonitorResult['window'] {
  const until = Date.parse(as_of) - durationMs(data.labels.lag);
  const from = until - durationMs(operate.monitoring.window);
  return { from: new Date(from).toISOString(), until: new Date(until).toISOString() };
}

function coverageOf(matured: number, labelled: number, least: number): MonitorResult['labels'] {
  const coverage = matured === 0 ? 0 : labelled / matured;
  return { matured, labelled, coverage, state: labelled > 0 && coverage >= least ? 'ready' : 'pending' };
}

function performanceOf({
  labelled,
  folder: { problem, data },
  bundle: { signature },
  reference,
  seed,
}: Serving & { labelled: Table; folder: ModelFolder; seed: number }): Pick<
  MonitorResult,
  'performance' | 'value'
> {
  if (labelled.rows === 0) return { performance: [], value: null };
  return livePerformance({ problem, data, signature, reference, labelled, seed });
}

function versionsOf(rows: Table): MonitorResult['versions'] {
  const column = columnOf(rows, 'version');
  const counts = new Map<string, number>();
  for (const version of column.values) counts.set(String(version), (counts.get(String(version)) ?? 0) + 1);
  return [...counts]
    .map(([version, predictions]) => ({ version, predictions }))
    .sort((a, b) => a.version.localeCompare(b.version, 'en', { numeric: true }));
}

/** Drift is told and never decides on decay: `inconclusive` asks for a look. */
function reasonOf({
  column,
  verdict,
  seasonal,
  psi,
  psi_null,
}: DriftColumn): MonitorResult['reasons'][number] {
  const past = seasonal ? ', as the training rows themselves did in the past' : '';
  const bounds = psi.lower === null ? '' : ` [${psi.lower.toFixed(2)}, ${psi.upper?.toFixed(2)}]`;
  return {
    rule: `drift of ${column}`,
    verdict: verdict === 'drifted' ? 'failed' : 'inconclusive',
    expected: `like the training rows, whose own windows reach a PSI of ${psi_null.toFixed(2)}`,
    actual: `PSI ${psi.estimate.toFixed(2)}${bounds}: ${verdict}${past}`,
    where: `drift.${column}`,
  };
}
