import { compareGolden, type GoldenReplay } from '#lib/lifecycle/golden.ts';
import { afterStart, standing, weightsOf } from '#lib/lifecycle/rollout.ts';
import type { Reason } from '#lib/lifecycle/verdict.ts';
import { feedOfRows } from '#lib/ml/feed.ts';
import { startPredictor } from '#lib/ml/predictor.ts';
import { type LoadedBundle, loadBundle } from '#lib/store/bundle.ts';
import { type Context, move, type Outcome, reasonOf } from './outcome.ts';

const BYTES = { rule: 'bundle', expected: 'every byte as approved' };
const HERE = { rule: 'golden', expected: 'the bundle answers its golden rows' };
const LOAD = { rule: 'load', expected: 'the target loads the version' };
const THERE = { rule: 'parity', expected: 'the golden rows answer through the router as in the bundle' };
const FIRST = { rule: 'comparison', expected: 'a version to compare with' };

/**
 * Verifies every byte, loads and replays here, then stages on the target without traffic, replays there, and
 * only then moves traffic. Started again when it is over, it makes the target serve what the record says.
 */
export async function start({ record, target, store }: Context): Promise<Outcome> {
  const { release, step } = record;
  const isOver = record.phase === 'succeeded';
  const reasons: Reason[] = [];
  const pass = (check: typeof BYTES, actual: string) => {
    reasons.push(reasonOf(record, { ...check, verdict: 'passed', actual }));
  };
  const abort = async (check: typeof BYTES, actual: string): Promise<Outcome> => {
    const failed = reasonOf(record, { ...check, verdict: 'failed', actual });
    const phase = isOver ? record.phase : 'aborted';
    return { phase, step, reasons: [...reasons, failed], state: await target.state() };
  };

  const load = await loadBundle({ store, digest: release.bundle, model: release.model });
  if (load.kind === 'refused') return abort(BYTES, load.message);
  pass(BYTES, `${load.bundle.manifest.files.length} files have the digests of the manifest`);

  const offline = await replayHere(load.bundle);
  if (offline.kind !== 'agrees') return abort(HERE, offline.message);
  pass(HERE, `${offline.rows} rows agree`);

  const staged = await stage({ record, target });
  if (staged.kind === 'refused') return abort(LOAD, staged.message);
  const online = await target.replay({
    url: staged.state.url,
    version: release.version,
    bundle: load.bundle,
  });
  if (online.kind !== 'agrees') {
    if (!isOver) await target.serve(weightsOf({ ...record, phase: 'aborted' }));
    return abort(THERE, online.message);
  }
  pass(THERE, `${online.rows} rows agree`);

  if (record.previous === null) pass(FIRST, 'none serves yet: all traffic at once');
  return move(
    { record, target },
    { to: isOver ? { phase: record.phase, step } : afterStart(record), reasons },
  );
}

/** An earlier run of this action may have moved traffic already: it is not taken away again. */
async function stage({ record, target }: Pick<Context, 'record' | 'target'>) {
  const state = await target.state();
  if (state !== null && standing(record, state.versions) === 'passed')
    return { kind: 'serving' as const, state };
  return target.serve(weightsOf(record));
}

/** In a child process of this job: a model that crashes or hangs ends here. */
async function replayHere({ model, signature, golden }: LoadedBundle): Promise<GoldenReplay> {
  try {
    const predictor = await startPredictor({ model, signature });
    try {
      const { values, width } = await predictor.predict(
        feedOfRows(golden.rows, signature),
        golden.rows.length,
      );
      const answers = golden.rows.map((_, row) => [...values.subarray(row * width, (row + 1) * width)]);
      return compareGolden(golden, answers);
    } finally {
      await predictor.close();
    }
  } catch (error) {
    return { kind: 'differs', message: error instanceof Error ? error.message : String(error) };
  }
}
