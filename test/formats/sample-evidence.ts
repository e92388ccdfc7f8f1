import type { DataResult } from '#lib/lifecycle/data-evidence.ts';
import type { EvaluateResult, HoldoutResult, TrainResult } from '#lib/lifecycle/evidence.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';

/** A digest whose hex repeats one character: readable in tests. */
export function digest(character: string): Digest {
  return `sha256:${character.repeat(64)}`;
}

const part = {
  content: digest('1'),
  object: digest('2'),
  keys: digest('3'),
  rows: 660,
  from: '2011-12-04T00:00:00Z',
  until: '2011-12-31T23:00:00Z',
};
const estimate = (value: number) => ({ estimate: value, lower: value * 0.9, upper: value * 1.1 });

export function holdout(changes: Partial<HoldoutResult> = {}): HoldoutResult {
  return {
    part,
    rows: 655,
    dropped: { candidate: 3, champion: 2, seen: 0 },
    unit: { kind: 'block', length: 'P1D', count: 28 },
    confidence: 0.95,
    comparisons: [
      {
        metric: 'mae',
        candidate: estimate(38.4),
        trivial: estimate(98.7),
        champion: estimate(45.1),
        candidate_minus_trivial: estimate(-60.3),
        candidate_minus_champion: { estimate: -6.7, lower: -9.2, upper: -4.1 },
      },
    ],
    look: 2,
    ...changes,
  };
}

export function evaluateResult(changes: Partial<EvaluateResult> = {}): EvaluateResult {
  return {
    data: digest('1'),
    search: [
      { index: 0, name: 'linear', metric: 'mae', value: 71.2 },
      { index: 1, name: 'mlp', metric: 'mae', value: 35.9 },
    ],
    winner: 1,
    trainer: 'mlp',
    refit: 'full',
    twin: digest('4'),
    served: digest('5'),
    bundle: digest('6'),
    seen: digest('7'),
    signature: {
      inputs: [{ name: 'hr', datatype: 'INT64', shape: [-1, 1] }],
      outputs: [{ name: 'prediction', datatype: 'FP32', shape: [-1, 1] }],
      classes: null,
    },
    recent: holdout(),
    anchor: null,
    refit_disagreement: 6.25,
    slices: [{ column: 'hr', value: '8', rows: 60, metric: 'mae', estimate: estimate(80.5) }],
    importance: [
      { column: 'hr', increase: 80.1 },
      { column: 'temp', increase: 12.2 },
    ],
    value: { unit: 'USD', candidate: estimate(38000), trivial: estimate(99000), champion: null },
    gates: [
      {
        name: 'mae at most 60',
        kind: 'threshold',
        verdict: 'passed',
        on_inconclusive: 'ask',
        expected: 'at most 60',
        actual: '38.4 [34.6, 42.2]',
      },
    ],
    verdict: 'passed',
    ...changes,
  };
}

export function trainResult(changes: Partial<TrainResult> = {}): TrainResult {
  return {
    candidate: { index: 1, name: 'mlp', trainer: 'mlp', params: { hidden: [64, 32], epochs: 60 } },
    seed: 1,
    backend: 'wasm',
    data: digest('1'),
    validation: { metric: 'mae', value: 35.9, rows: 672 },
    refit: 'full',
    twin: { model: digest('4'), rows: 7900 },
    served: { model: digest('5'), rows: 8645 },
    signature: evaluateResult().signature,
    seen: digest('7'),
    parity: { rows: 2000, max_abs_difference: 0.0000312, rtol: 1e-5, atol: 1e-4 },
    curve: [1, 0.5],
    ...changes,
  };
}

export function dataResult(changes: Partial<DataResult> = {}): DataResult {
  return {
    sources: [{ name: 'history', kind: 'csv', content: digest('8'), object: digest('8'), rows: 17379 }],
    steps_digest: digest('9'),
    steps: [{ path: 'pipeline/10-hours.sql', sql: digest('9'), rows: 8645 }],
    output: { content: digest('1'), object: digest('2') },
    rows: 8645,
    columns: [{ name: 'ts', type: 'TIMESTAMP' }],
    profile: digest('a'),
    contract: {
      verdict: 'passed',
      reasons: [
        {
          rule: 'contract',
          verdict: 'passed',
          expected: 'every rule holds',
          actual: 'rules that hold: 12',
          where: 'data.yml',
        },
      ],
    },
    window: { from: '2011-01-01T00:00:00Z', until: '2012-01-01T00:00:00Z' },
    parts: {
      train: part,
      validation: part,
      full: part,
      recent: part,
      recent_champion: null,
      anchor: null,
      anchor_champion: null,
    },
    notes: [],
    ...changes,
  };
}
