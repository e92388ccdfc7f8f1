import { digestOf } from '#lib/formats/digest.ts';
import {
  type DeployResult,
  type EvidenceStage,
  type MonitorResult,
  predicateType,
  type RetrainResult,
  STATEMENT_TYPE,
  type Statement,
  statementSchemas,
} from '#lib/lifecycle/evidence.ts';
import type { JobPlan, Part } from '#lib/lifecycle/plan.ts';
import { afterPassed, afterStart, type DeployAction, type DeploymentRecord } from '#lib/lifecycle/rollout.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import type { Store } from '#lib/store/store.ts';

/** Hand-made evidence: what the jobs would find, without the machine learning. */
export type Run = { id: number; attempt: number; repository: string };

const AT = '2026-01-01T00:00:00.000Z';

export function statementOf<Stage extends EvidenceStage>(
  stage: Stage,
  { model, plan, run, result }: { model: string; plan: Digest | null; run: Run; result: unknown },
): Statement<Stage> {
  return statementSchemas[stage].parse({
    _type: STATEMENT_TYPE,
    subject: [{ name: 'thing', digest: { sha256: 'a'.repeat(64) } }],
    predicateType: predicateType(stage),
    predicate: {
      model,
      plan,
      run: { kind: 'actions', repository: run.repository, id: run.id, attempt: run.attempt },
      started_at: AT,
      finished_at: AT,
      machine: { roundhouse: '0.1.0', node: 'v20', platform: 'linux-x64', cpus: 2 },
      result,
    },
  }) as Statement<Stage>;
}

export function part(name: string): Part {
  const digest = digestOf(name);
  return {
    content: digest,
    object: digest,
    keys: digestOf(`${name} keys`),
    rows: 1000,
    from: '2011-01-01T00:00:00Z',
    until: '2011-12-31T00:00:00Z',
  };
}

export function dataResult(plan: JobPlan, verdict: 'passed' | 'failed') {
  const name = `${plan.digests.config} data`;
  const output = { content: digestOf(name), object: digestOf(`${name} bytes`) };
  return {
    sources: [{ name: 'history', kind: 'csv', ...output, rows: 1000 }],
    steps_digest: digestOf('steps'),
    steps: [{ path: 'pipeline/10-hours.sql', sql: digestOf('sql'), rows: 1000 }],
    output,
    rows: 1000,
    columns: [{ name: 'cnt', type: 'DOUBLE' }],
    profile: digestOf('profile'),
    contract: {
      verdict,
      reasons: [{ rule: 'minimum', verdict, expected: '>= 0', actual: '0', where: 'cnt' }],
    },
    window: { from: '2011-01-01T00:00:00Z', until: '2012-01-01T00:00:00Z' },
    parts: {
      train: part('train'),
      validation: part('validation'),
      full: part('full'),
      recent: part(`${name} recent`),
      recent_champion: plan.champion ? part('recent champion') : null,
      anchor: plan.anchor,
      anchor_champion: plan.anchor && plan.champion ? part('anchor champion') : null,
    },
    notes: [],
  };
}

const SIGNATURE = {
  inputs: [{ name: 'temp', datatype: 'FP32', shape: [-1, 1] }],
  outputs: [{ name: 'prediction', datatype: 'FP32', shape: [-1, 1] }],
  classes: null,
};

export function trainResult(plan: JobPlan, index: number) {
  const served = digestOf(`${plan.digests.code} ${plan.digests.config} model ${index}`);
  return {
    candidate: { index, name: plan.candidates[index]?.name ?? '', trainer: 'mlp', params: { epochs: 1 } },
    seed: 1,
    backend: 'wasm',
    data: digestOf(`${plan.digests.config} data`),
    validation: { metric: 'mae', value: 50 - index, rows: 100 },
    refit: 'none',
    twin: { model: served, rows: 900 },
    served: { model: served, rows: 900 },
    signature: SIGNATURE,
    seen: digestOf('seen'),
    parity: { rows: 10, max_abs_difference: 0, rtol: 1e-5, atol: 1e-6 },
    curve: [1, 0.5],
  };
}

const estimate = (value: number) => ({ estimate: value, lower: value - 5, upper: value + 5 });

export async function evaluateResult(
  plan: JobPlan,
  store: Store,
  verdict: 'passed' | 'inconclusive' | 'failed',
) {
  const winner = Math.max(0, plan.candidates.length - 1);
  const bytes = Buffer.from(`model of ${plan.digests.code} ${plan.digests.config}`);
  const served = await store.put(bytes);
  const files = [{ name: 'model.onnx', digest: served, size: bytes.byteLength }];
  const bundle = await store.put(
    JSON.stringify({ kind: 'roundhouse-bundle', version: 1, model: plan.model, files }),
  );
  const rival = plan.champion ? estimate(90) : null;
  return {
    data: digestOf('data'),
    search: plan.candidates.map(({ index, name }) => ({ index, name, metric: 'mae', value: 50 - index })),
    winner,
    trainer: 'mlp',
    refit: 'none',
    twin: served,
    served,
    bundle,
    seen: digestOf('seen'),
    signature: SIGNATURE,
    recent: {
      part: part(`${plan.digests.config} recent`),
      rows: 600,
      dropped: { candidate: 0, champion: 0, seen: 0 },
      unit: { kind: 'block', length: 'P1D', count: 28 },
      confidence: 0.95,
      comparisons: [
        {
          metric: 'mae',
          candidate: estimate(40),
          trivial: estimate(120),
          champion: rival,
          candidate_minus_trivial: estimate(-80),
          candidate_minus_champion: rival && estimate(-50),
        },
      ],
      look: 1,
    },
    anchor: null,
    refit_disagreement: null,
    slices: [],
    importance: [{ column: 'temp', increase: 3 }],
    value: null,
    gates: [
      {
        name: 'mae on the newest rows',
        kind: 'threshold',
        verdict,
        on_inconclusive: 'ask',
        expected: 'at most 60',
        actual: '40 [35, 45]',
      },
    ],
    verdict,
  };
}

/** A rollout whose every step after the start says `canary`. */
export function deployResult(
  record: DeploymentRecord,
  action: DeployAction,
  canary: 'passed' | 'failed',
): DeployResult {
  const verdict = action === 'start' ? 'passed' : canary;
  const failed = { phase: 'rolled-back' as const, step: record.step };
  const isBack = action === 'rollback' || canary === 'failed';
  const next = action === 'start' ? afterStart(record) : isBack ? failed : afterPassed(record);
  return {
    environment: record.environment,
    version: record.release.version,
    action,
    ...next,
    verdict,
    reasons: [{ rule: 'errors', verdict, expected: 'at most 1 %', actual: '7 %', where: 'router' }],
    state: null,
  };
}

export function monitorResult(as_of: string, decay: 'passed' | 'inconclusive' | 'failed'): MonitorResult {
  return {
    environment: 'production',
    as_of,
    window: { from: '2012-01-01T00:00:00Z', until: as_of },
    snapshot: digestOf(`snapshot ${as_of}`),
    versions: [{ version: '1.0.0', predictions: 2000 }],
    predictions: 2000,
    labels: { matured: 1900, labelled: 1900, coverage: 1, state: 'ready' },
    drift: [],
    drift_verdict: 'stable',
    performance: [
      {
        metric: 'mae',
        served: estimate(decay === 'failed' ? 95 : 40),
        trivial: 130,
        reference: 40,
        threshold: 60,
        unit: { kind: 'block', length: 'P1D', count: 90 },
      },
    ],
    replay: [],
    value: null,
    decay,
    reasons: [
      {
        rule: 'labelled_loss',
        verdict: decay,
        expected: 'mae at most 60',
        actual: '95',
        where: 'production',
      },
    ],
  };
}

export function retrainResult(
  as_of: string,
  monitor: Digest,
  { triggered, asked_by }: { triggered: boolean; asked_by: string | null },
): RetrainResult {
  const open = triggered || asked_by !== null;
  return {
    as_of,
    decision: open ? 'open' : 'none',
    asked_by,
    reasons: [
      {
        rule: 'labelled_loss',
        verdict: triggered ? 'failed' : 'passed',
        expected: 'at most 60',
        actual: '95',
        where: 'mae',
      },
    ],
    change: open
      ? { window: { last: 'P90D', until: as_of }, snapshots: { traffic: digestOf(`snapshot ${as_of}`) } }
      : null,
    monitor,
  };
}
