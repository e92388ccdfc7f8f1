import type { DataResult } from '../lifecycle/data-evidence.ts';
import type { EvaluateResult } from '../lifecycle/evidence.ts';
import type { DataLock, ModelLock } from '../lifecycle/locks.ts';
import type { InputDigests } from '../lifecycle/plan.ts';
import type { Digest } from '../lifecycle/scalars.ts';
import { candidateDigest, evaluationDigest } from './digests.ts';

/** What the data stage found, as `data.lock` claims it. */
export function dataLockOf(data: DataResult): DataLock {
  return {
    version: 1,
    sources: Object.fromEntries(data.sources.map(({ name, content, object }) => [name, { content, object }])),
    steps: data.steps_digest,
    output: data.output,
    rows: data.rows,
    profile: data.profile,
    verdict: data.contract.verdict,
  };
}

type Judged = {
  model: string;
  digests: Pick<InputDigests, 'code' | 'config' | 'gates' | 'policy'>;
  data: DataResult;
  evaluate: EvaluateResult;
};

/** The digest that people approve, from what the stages found. */
export function candidateOf({ model, digests, data, evaluate }: Judged): Digest {
  const { code, config, gates, policy } = digests;
  return candidateDigest({
    model,
    data: data.output.content,
    code,
    config,
    gates,
    policy,
    served: evaluate.served,
    evaluation: evaluationDigest(evaluate),
  });
}

/** What was trained and judged, as `model.lock` claims it. */
export function modelLockOf(judged: Judged): ModelLock {
  const { digests, data, evaluate } = judged;
  const { code, config, gates, policy } = digests;
  return {
    version: 1,
    candidate: candidateOf(judged),
    data: data.output.content,
    code,
    config,
    gates,
    policy,
    evaluation: evaluationDigest(evaluate),
    model: evaluate.served,
    twin: evaluate.twin,
    refit: evaluate.refit,
    bundle: evaluate.bundle,
    trainer: evaluate.trainer,
    metrics: Object.fromEntries(
      evaluate.recent.comparisons.map(({ metric, candidate }) => [metric, candidate.estimate]),
    ),
    window: data.window,
  };
}
