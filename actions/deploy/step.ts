import { decideStep } from '#lib/lifecycle/canary.ts';
import type { GoldenReplay } from '#lib/lifecycle/golden.ts';
import { afterPassed, standing, weightsOf } from '#lib/lifecycle/rollout.ts';
import type { ServingState } from '#lib/lifecycle/serving.ts';
import { loadBundle } from '#lib/store/bundle.ts';
import { type Context, move, type Outcome, reasonOf, withdraw } from './outcome.ts';

/** One look at the canary: on to the next weight, back to the previous version, or wait. */
export async function step(context: Context): Promise<Outcome> {
  const { record, target } = context;
  const before = await target.state();
  const found = before === null ? 'other' : standing(record, before.versions);
  if (before !== null && (found === 'passed' || found === 'failed'))
    return adopt(context, { found, state: before });

  const serving = await target.serve(weightsOf(record));
  if (serving.kind === 'refused') {
    const expected = 'the target serves the recorded versions';
    return withdraw(context, [
      reasonOf(record, { rule: 'load', verdict: 'failed', expected, actual: serving.message }),
    ]);
  }
  const { state } = serving;
  const canary = state.versions.find(({ version }) => version === record.release.version);
  if (canary === undefined) throw new Error(`the target answered without v${record.release.version}`);
  const golden = await replay(context, state);
  const { verdict, reasons, next } = decideStep(record, { now: state.now, canary, golden });
  if (verdict === 'failed') return withdraw(context, reasons);
  if (verdict === 'passed') return move(context, { to: next, reasons });
  return { ...next, reasons, state };
}

/** An earlier run of this step moved traffic and died before it could tell: it is not judged again. */
function adopt(
  { record }: Context,
  { found, state }: { found: 'passed' | 'failed'; state: ServingState },
): Outcome {
  const weights = state.versions.map(({ version, weight }) => `v${version} ${weight} %`).join(', ');
  const actual = `${weights}: set by an earlier run of this step`;
  const reason = reasonOf(record, {
    rule: 'target',
    verdict: found,
    expected: 'each step is judged once',
    actual,
  });
  const position =
    found === 'passed' ? afterPassed(record) : { phase: 'rolled-back' as const, step: record.step };
  return { ...position, reasons: [reason], state };
}

async function replay({ record, target, store }: Context, { url }: ServingState): Promise<GoldenReplay> {
  const { bundle, model, version } = record.release;
  const load = await loadBundle({ store, digest: bundle, model });
  if (load.kind === 'refused') return { kind: 'unknown', message: load.message };
  return target.replay({ url, version, bundle: load.bundle });
}
