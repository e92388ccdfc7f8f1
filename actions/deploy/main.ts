import { decideStep } from '#lib/lifecycle/canary.ts';
import type { DeployResult } from '#lib/lifecycle/evidence.ts';
import { compareGolden, type GoldenReplay } from '#lib/lifecycle/golden.ts';
import {
  afterPassed,
  afterStart,
  type DeployAction,
  type DeploymentRecord,
  standing,
  weightsOf,
  whereOf,
} from '#lib/lifecycle/rollout.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import type { ServingState } from '#lib/lifecycle/serving.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { type Reason, type Verdict, worstOf } from '#lib/lifecycle/verdict.ts';
import { feedOfRows } from '#lib/ml/feed.ts';
import { startPredictor } from '#lib/ml/predictor.ts';
import { type LoadedBundle, loadBundle } from '#lib/store/bundle.ts';
import type { StageDeps, StageResult } from '../kit/stage.ts';
import { makeStatement } from '../kit/statement.ts';
import { openTarget, type Target } from './target.ts';

export type DeployInputs = {
  model: string;
  environment: string;
  action: DeployAction;
  record: DeploymentRecord;
  recordDigest: Digest;
};
export type DeployDeps = StageDeps & { supervisorToken: string; fetch?: typeof fetch };

/** Where the rollout is now, and why. */
type Outcome = Pick<DeployResult, 'phase' | 'step' | 'reasons' | 'state'>;
type Context = { record: DeploymentRecord; target: Target; deps: DeployDeps };

/**
 * One action of one rollout, then it ends: the record remembers, no job waits. Running it again converges to
 * the same state. What the bytes, the model or the target's checks say is a verdict; only a target that can't
 * be reached, or refuses our token, is an error.
 */
export async function main(inputs: DeployInputs, deps: DeployDeps): Promise<StageResult<'deploy'>> {
  const { record, action } = inputs;
  checkInputs(inputs);
  const startedAt = deps.now();
  const { model, environment } = record;
  const target = openTarget({
    url: record.target.url,
    token: deps.supervisorToken,
    model,
    environment,
    fetch: deps.fetch ?? fetch,
  });
  deps.progress.phase(`${action}: ${whereOf(record)}`);
  const outcome = await ACTIONS[action]({ record, target, deps });
  const verdict = worstOf(outcome.reasons.map((reason) => reason.verdict));
  for (const reason of outcome.reasons)
    deps.progress.note(`${reason.verdict}: ${reason.rule}: ${reason.actual}`);
  const { version, bundle, model: bytes } = record.release;
  const statement = makeStatement(
    'deploy',
    {
      model,
      plan: inputs.recordDigest,
      startedAt,
      subjects: [
        { name: 'bundle', digest: bundle },
        { name: 'model.onnx', digest: bytes },
      ],
      result: { environment, version, action, verdict, ...outcome },
    },
    deps,
  );
  return {
    statement,
    verdict,
    outputs: { phase: outcome.phase, step: String(outcome.step), verdict, version },
  };
}

const ACTIONS = { start, step, rollback } satisfies Record<
  DeployAction,
  (context: Context) => Promise<Outcome>
>;

function checkInputs({ model, environment, action, record }: DeployInputs): void {
  const fix = 'dispatch the deploy workflow with the record that the app wrote';
  if (record.model !== model || record.environment !== environment)
    throw new UserError(
      `the record is about ${record.model} in ${record.environment}, the inputs about ${model} in ${environment}`,
      { fix },
    );
  const isRolling =
    record.phase === 'progressing' || record.phase === 'paused' || record.phase === 'promoting';
  const isStartable = record.phase === 'pending' || record.phase === 'succeeded';
  const fits = action === 'rollback' || (action === 'start' ? isStartable : isRolling);
  if (!fits)
    throw new UserError(`action "${action}" does not fit a rollout in phase "${record.phase}"`, { fix });
}

/**
 * Verifies every byte, loads and replays here, then stages on the target without traffic, replays there, and
 * only then moves traffic. Started again when it is over, it makes the target serve what the record says.
 */
async function start({ record, target, deps }: Context): Promise<Outcome> {
  const reasons: Reason[] = [];
  const { release } = record;
  const isOver = record.phase === 'succeeded';
  const load = await loadBundle({ store: deps.store, digest: release.bundle, model: release.model });
  if (load.kind === 'refused') return abort(reasons, 'bundle', 'every byte as approved', load.message);
  const files = load.bundle.manifest.files.length;
  passed('bundle', 'every byte as approved', `${files} files have the digests of the manifest`);

  const offline = await replayHere(load.bundle);
  if (offline.kind !== 'agrees')
    return abort(reasons, 'golden', 'the bundle answers its golden rows', offline.message);
  passed('golden', 'the bundle answers its golden rows', `${offline.rows} rows agree`);

  const before = await target.state();
  const isAhead = before !== null && standing(record, before.versions) === 'passed';
  const staged = isAhead
    ? ({ kind: 'serving', state: before } as const)
    : await target.serve(weightsOf(record));
  if (staged.kind === 'refused')
    return abort(reasons, 'load', 'the target loads the version', staged.message);
  const replay = await target.replay({
    url: staged.state.url,
    version: release.version,
    bundle: load.bundle,
  });
  if (replay.kind !== 'agrees') {
    if (!isOver) await target.serve(weightsOf({ ...record, phase: 'aborted' }));
    return abort(reasons, 'parity', 'the golden rows answer as in the bundle', replay.message);
  }
  passed('parity', 'the golden rows answer as in the bundle', `${replay.rows} rows agree through the router`);

  const next = isOver ? pickStep(record) : afterStart(record);
  if (record.previous === null)
    passed('comparison', 'a version to compare with', 'none serves yet: all traffic at once');
  return move({ target, record, next, reasons });

  function passed(rule: string, expected: string, actual: string): void {
    reasons.push(reasonOf({ rule, verdict: 'passed', expected, actual, where: whereOf(record) }));
  }
  async function abort(before: Reason[], rule: string, expected: string, actual: string): Promise<Outcome> {
    const reason = reasonOf({ rule, verdict: 'failed', expected, actual, where: whereOf(record) });
    return {
      phase: isOver ? record.phase : 'aborted',
      step: record.step,
      reasons: [...before, reason],
      state: await target.state(),
    };
  }
}

/** One look at the canary. Traffic that an earlier, killed run of this step already moved is not judged again. */
async function step({ record, target, deps }: Context): Promise<Outcome> {
  const before = await target.state();
  const where = before === null ? 'other' : standing(record, before.versions);
  if (where === 'passed' || where === 'failed') {
    const next =
      where === 'passed' ? afterPassed(record) : { phase: 'rolled-back' as const, step: record.step };
    const actual = `${before?.versions.map(({ version, weight }) => `v${version} ${weight} %`).join(', ')}: set by an earlier run of this step`;
    const reason = reasonOf({
      rule: 'target',
      verdict: where,
      expected: 'judged once',
      actual,
      where: whereOf(record),
    });
    return { ...next, reasons: [reason], state: before };
  }
  const serving = await target.serve(weightsOf(record));
  if (serving.kind === 'refused') {
    const reason = reasonOf({
      rule: 'load',
      verdict: 'failed',
      expected: 'the target serves the recorded versions',
      actual: serving.message,
      where: whereOf(record),
    });
    return withdraw({ record, target, reasons: [reason] });
  }
  const { state } = serving;
  const canary = state.versions.find(({ version }) => version === record.release.version);
  if (canary === undefined) throw new Error(`the target answered without v${record.release.version}`);
  const golden = await replayThere({ record, target, state, deps });
  const { reasons, next } = decideStep(record, { now: state.now, canary, golden });
  if (next.phase === 'rolled-back' || next.phase === 'aborted') return withdraw({ record, target, reasons });
  if (next.phase === record.phase && next.step === record.step) return { ...next, ...{ reasons, state } };
  return move({ target, record, next, reasons });
}

async function rollback({ record, target }: Context): Promise<Outcome> {
  const where = whereOf(record);
  if (record.previous === null) {
    const reason = reasonOf({
      rule: 'rollback',
      verdict: 'failed',
      expected: 'a previous version',
      actual: 'there is none: nothing was changed',
      where,
    });
    return { phase: record.phase, step: record.step, reasons: [reason], state: await target.state() };
  }
  const actual = `asked for: v${record.previous.version} answers all requests`;
  return withdraw({
    record,
    target,
    reasons: [reasonOf({ rule: 'rollback', verdict: 'passed', expected: 'asked for', actual, where })],
  });
}

/** All traffic back to the previous version. */
async function withdraw({
  record,
  target,
  reasons,
}: Pick<Context, 'record' | 'target'> & { reasons: Reason[] }): Promise<Outcome> {
  const phase = record.previous === null ? ('aborted' as const) : ('rolled-back' as const);
  return move({ target, record, next: { phase, step: record.step }, reasons });
}

/** Sets the weights of the next phase. Where the target refuses, the rollout stands still and a person is asked. */
async function move(input: {
  target: Target;
  record: DeploymentRecord;
  next: Pick<DeploymentRecord, 'phase' | 'step'>;
  reasons: Reason[];
}): Promise<Outcome> {
  const { target, record, next, reasons } = input;
  const served = await target.serve(weightsOf({ ...record, ...next }));
  if (served.kind === 'serving') return { ...pickStep(next), reasons, state: served.state };
  const reason = reasonOf({
    rule: 'traffic',
    verdict: 'failed',
    expected: `the weights of ${next.phase}`,
    actual: served.message,
    where: whereOf(record),
  });
  return { phase: 'paused', step: record.step, reasons: [...reasons, reason], state: await target.state() };
}

function pickStep({ phase, step }: Pick<DeploymentRecord, 'phase' | 'step'>) {
  return { phase, step };
}

async function replayThere({
  record,
  target,
  state,
  deps,
}: Context & { state: ServingState }): Promise<GoldenReplay> {
  const { release } = record;
  const load = await loadBundle({ store: deps.store, digest: release.bundle, model: release.model });
  if (load.kind === 'refused') return { kind: 'unknown', message: load.message };
  return target.replay({ url: state.url, version: release.version, bundle: load.bundle });
}

/** In a child process of this job: a model that crashes or hangs ends here. */
async function replayHere(bundle: LoadedBundle): Promise<GoldenReplay> {
  const { model, signature, golden } = bundle;
  try {
    const predictor = await startPredictor({ model, signature });
    try {
      const { values, width } = await predictor.predict(
        feedOfRows(golden.rows, signature),
        golden.rows.length,
      );
      return compareGolden(
        golden,
        golden.rows.map((_, row) => [...values.subarray(row * width, (row + 1) * width)]),
      );
    } finally {
      await predictor.close();
    }
  } catch (error) {
    return { kind: 'differs', message: error instanceof Error ? error.message : String(error) };
  }
}

/** Reasons become evidence: their texts are cut to what a reader takes in. */
function reasonOf(reason: {
  rule: string;
  verdict: Verdict;
  expected: string;
  actual: string;
  where: string;
}): Reason {
  return { ...reason, actual: reason.actual.slice(0, 1000) };
}
