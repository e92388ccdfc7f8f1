import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideStep, type Observation } from '#lib/lifecycle/canary.ts';
import { compareGolden } from '#lib/lifecycle/golden.ts';
import {
  advance,
  type DeploymentRecord,
  deploymentRecordSchema,
  nextAction,
  PHASES,
  standing,
  weightsOf,
} from '#lib/lifecycle/rollout.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}` as const;
const former = { version: '1.0.0', candidate: digest('a'), bundle: digest('b'), model: digest('c') };
const newer = { version: '1.1.0', candidate: digest('d'), bundle: digest('e'), model: digest('f') };

function record(changes: Partial<DeploymentRecord> = {}): DeploymentRecord {
  return deploymentRecordSchema.parse({
    kind: 'roundhouse-deployment',
    n: 1,
    model: 'bikes',
    environment: 'production',
    commit: 'c'.repeat(40),
    release: newer,
    previous: former,
    strategy: {
      kind: 'canary',
      steps: [
        { weight: 10, min_requests: 100, max_duration: 'PT10M' },
        { weight: 50, min_requests: 100, max_duration: 'PT10M' },
      ],
      checks: { max_error_rate: 0.01, max_latency_p95_ms: 250 },
    },
    target: { kind: 'process', url: 'http://127.0.0.1:4450' },
    phase: 'progressing',
    step: 0,
    step_started_at: '2026-01-01T00:00:00Z',
    github_deployment: null,
    history: [],
    ...changes,
  });
}

const shares = (of: DeploymentRecord) =>
  weightsOf(of)
    .map(({ version, weight }) => `${version}=${weight}`)
    .join();

describe('weights of a record', () => {
  it.each([
    ['pending', 0, '1.0.0=100,1.1.0=0', '1.1.0=0'],
    ['progressing', 0, '1.0.0=90,1.1.0=10', '1.1.0=0'],
    ['progressing', 1, '1.0.0=50,1.1.0=50', '1.1.0=0'],
    ['paused', 1, '1.0.0=50,1.1.0=50', '1.1.0=0'],
    ['succeeded', 1, '1.1.0=100', '1.1.0=100'],
    ['aborted', 0, '1.0.0=100', '1.1.0=0'],
    ['rolled-back', 1, '1.0.0=100', '1.1.0=0'],
  ] as const)('%s, step %i: %s; without a previous version: %s', (phase, step, withPrevious, alone) => {
    expect(shares(record({ phase, step }))).toBe(withPrevious);
    expect(shares(record({ phase, step, previous: null }))).toBe(alone);
  });

  it('add up to 100 wherever a previous version is', () => {
    fc.assert(
      fc.property(fc.constantFrom(...PHASES), fc.integer({ min: 0, max: 1 }), (phase, step) => {
        expect(weightsOf(record({ phase, step })).reduce((sum, { weight }) => sum + weight, 0)).toBe(100);
      }),
    );
  });
});

describe('a canary step', () => {
  const agrees = { kind: 'agrees', rows: 32, largest: 0 } as const;
  const quick = { p50: 2, p95: 5, p95_lower: 3, p99: 9 };
  type Case = {
    after?: number;
    requests?: number;
    errors?: number;
    latency?: typeof quick | null;
    golden?: Observation['golden'];
    step?: number;
  };
  const decide = ({
    after = 60,
    requests = 200,
    errors = 0,
    latency = quick,
    golden = agrees,
    step = 0,
  }: Case) =>
    decideStep(record({ step }), {
      now: new Date(Date.parse('2026-01-01T00:00:00Z') + after * 1000).toISOString(),
      canary: { since: '2026-01-01T00:00:00Z', requests, errors, latency_ms: latency },
      golden,
    });

  it.each<[string, Case, string, string, number]>([
    ['all is well: the next step', {}, 'passed', 'progressing', 1],
    ['all is well at the last step: all traffic', { step: 1 }, 'passed', 'succeeded', 1],
    ['too few requests yet: wait', { requests: 99 }, 'inconclusive', 'progressing', 0],
    [
      'too few requests at the longest duration: pause',
      { requests: 99, after: 600 },
      'inconclusive',
      'paused',
      0,
    ],
    [
      'no request at all: pause in the end',
      { requests: 0, latency: null, after: 601 },
      'inconclusive',
      'paused',
      0,
    ],
    ['some errors, as many as allowed', { requests: 200, errors: 2 }, 'passed', 'progressing', 1],
    [
      'errors over the limit, but it may be chance: wait',
      { requests: 200, errors: 4 },
      'inconclusive',
      'progressing',
      0,
    ],
    [
      'the same at the longest duration: a person decides',
      { requests: 200, errors: 4, after: 600 },
      'inconclusive',
      'paused',
      0,
    ],
    ['surely too many errors: back', { requests: 200, errors: 20 }, 'failed', 'rolled-back', 0],
    [
      'surely too many errors, long before the minimum: back at once',
      { requests: 5, errors: 5, after: 1 },
      'failed',
      'rolled-back',
      0,
    ],
    [
      'slow, but it may be chance',
      { latency: { ...quick, p95: 300, p95_lower: 200 } },
      'inconclusive',
      'progressing',
      0,
    ],
    ['surely slow: back', { latency: { ...quick, p95: 400, p95_lower: 251 } }, 'failed', 'rolled-back', 0],
    [
      'other answers than in the bundle: back',
      { golden: { kind: 'differs', message: 'golden row 1' } },
      'failed',
      'rolled-back',
      0,
    ],
    [
      'golden rows that could not be replayed say nothing',
      { golden: { kind: 'unknown', message: 'busy' } },
      'inconclusive',
      'progressing',
      0,
    ],
    ['failed outweighs inconclusive', { requests: 3, errors: 3, latency: null }, 'failed', 'rolled-back', 0],
  ])('%s', (_what, input, verdict, phase, step) => {
    const decision = decide(input);
    expect(decision.verdict).toBe(verdict);
    expect(decision.next).toEqual({ phase, step });
    expect(decision.reasons.map(({ rule }) => rule)).toEqual([
      'requests',
      'error_rate',
      'latency_p95',
      'parity',
    ]);
  });

  it('more requests never turn a failure at a constant rate into a pass', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 2, max: 20 }), (errors, times) => {
        const few = decide({ requests: errors * 5, errors });
        const many = decide({ requests: errors * 5 * times, errors: errors * times });
        if (few.verdict === 'failed') expect(many.verdict).toBe('failed');
      }),
    );
  });

  it('says its figures', () => {
    expect(decide({ requests: 200, errors: 20 }).reasons[1]).toEqual({
      rule: 'error_rate',
      verdict: 'failed',
      expected: 'observed at most 1 %',
      actual: '20 of 200 (99 % interval 3.75 % to 20.2 %)',
      where: 'bikes@v1.1.0 in production',
    });
  });
});

describe('how the target stands to the record', () => {
  it.each([
    ['recorded', record(), weightsOf(record())],
    ['passed', record(), weightsOf(record({ step: 1 }))],
    ['passed', record({ step: 1 }), weightsOf(record({ phase: 'succeeded' }))],
    ['failed', record({ step: 1 }), weightsOf(record({ phase: 'rolled-back' }))],
    ['passed', record({ phase: 'pending' }), weightsOf(record())],
    ['other', record({ phase: 'pending' }), [{ ...former, weight: 100 }]],
    ['passed', record({ phase: 'pending', previous: null }), [{ ...newer, weight: 100 }]],
    ['other', record(), []],
    [
      'other',
      record(),
      [
        { ...former, weight: 90 },
        { ...newer, bundle: digest('9'), weight: 10 },
      ],
    ],
  ] as const)('%s', (expected, of, versions) => {
    expect(standing(of, versions)).toBe(expected);
    expect(standing(of, versions.toReversed())).toBe(expected);
  });
});

describe('folding evidence', () => {
  const found = (changes = {}) =>
    ({
      environment: 'production',
      version: '1.1.0',
      phase: 'progressing',
      step: 1,
      verdict: 'passed',
      reasons: [],
      ...changes,
    }) as const;

  it('moves the record, starts the clock of a new step, keeps a history', () => {
    const reasons = [
      { rule: 'requests', verdict: 'passed', expected: 'x', actual: '120 in 60 s', where: 'y' },
    ] as const;
    const next = advance(record(), found({ reasons }), '2026-01-01T00:05:00Z', 7);
    expect(next).toMatchObject({ phase: 'progressing', step: 1, step_started_at: '2026-01-01T00:05:00Z' });
    expect(next.history).toEqual([
      {
        at: '2026-01-01T00:05:00Z',
        phase: 'progressing',
        verdict: 'passed',
        note: 'requests: 120 in 60 s',
        run: 7,
      },
    ]);
    expect(deploymentRecordSchema.parse(next)).toEqual(next);
  });

  it('the same run again changes nothing; a look that decided nothing leaves the clock', () => {
    const waited = advance(record(), found({ step: 0, verdict: 'inconclusive' }), '2026-01-01T00:01:00Z', 7);
    expect(waited.step_started_at).toBe('2026-01-01T00:00:00Z');
    expect(advance(waited, found(), '2026-01-01T00:02:00Z', 7)).toBe(waited);
    expect(advance(waited, found(), '2026-01-01T00:02:00Z', 8).step).toBe(1);
  });

  it('refuses evidence about another rollout', () => {
    expect(() => advance(record(), found({ version: '9.0.0' }), '2026-01-01T00:00:00Z', 1)).toThrow(
      /does not belong/,
    );
  });

  it('any order of duplicated evidence ends in the same record', () => {
    const runs = [found({ step: 0, verdict: 'inconclusive' }), found(), found({ phase: 'succeeded' })];
    const fold = (order: number[]) =>
      order.reduce((of, run) => {
        const result = runs[run];
        return result === undefined ? of : advance(of, result, `2026-01-01T00:0${run}:00Z`, run);
      }, record());
    expect(fold([0, 0, 1, 0, 1, 2, 2, 1, 0])).toEqual(fold([0, 1, 2]));
  });
});

describe('the next action', () => {
  const at = (seconds: number) => new Date(Date.parse('2026-01-01T00:00:00Z') + seconds * 1000).toISOString();
  it.each([
    ['pending', 0, 'start'],
    ['progressing', 59, 'wait'],
    ['progressing', 60, 'step'],
    ['progressing', 6000, 'step'],
    ['paused', 6000, 'none'],
    ['succeeded', 6000, 'none'],
    ['aborted', 6000, 'none'],
    ['rolled-back', 6000, 'none'],
  ] as const)('%s after %i s: %s', (phase, seconds, expected) => {
    expect(nextAction(record({ phase }), at(seconds))).toBe(expected);
  });

  it('looks again only a while after the last look', () => {
    const looked = record({
      history: [{ at: at(100), phase: 'progressing', verdict: 'inconclusive', note: '', run: 1 }],
    });
    expect(nextAction(looked, at(120))).toBe('wait');
    expect(nextAction(looked, at(160))).toBe('step');
  });
});

describe('golden rows', () => {
  const golden = { rows: [{ x: 1 }, { x: 2 }], predictions: [[100], [0]], rtol: 0.01, atol: 0.001 };
  it.each([
    [[[100], [0]], 'agrees'],
    [[[101], [0.001]], 'agrees'],
    [[[101.1], [0]], 'differs'],
    [[[100], [0.002]], 'differs'],
    [[[100]], 'differs'],
    [[[100], [0, 0]], 'differs'],
    [[[Number.NaN], [0]], 'differs'],
    [[[Number.POSITIVE_INFINITY], [0]], 'differs'],
    [[], 'differs'],
  ])('%j: %s', (answers, kind) => {
    expect(compareGolden(golden, answers).kind).toBe(kind);
  });
});
