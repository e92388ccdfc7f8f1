import { describe, expect, it, test } from 'vitest';
import { decayOf } from '#lib/lifecycle/decay.ts';
import { withinRange } from '#lib/lifecycle/estimate.ts';
import type { Estimate, MonitorResult } from '#lib/lifecycle/evidence.ts';
import type { Trigger } from '#lib/lifecycle/operate.ts';
import { decideRetraining, mayOpenRetraining, type RetrainingFacts } from '#lib/lifecycle/retraining.ts';

const SNAPSHOT = `sha256:${'a'.repeat(64)}` as const;
const mae: Trigger = { kind: 'labelled_loss', metric: 'mae', worse_than: 'threshold', by: '0%' };

function monitorOf(served: Estimate, found: Partial<MonitorResult> = {}): MonitorResult {
  return {
    environment: 'production',
    as_of: '2012-07-01T00:00:00Z',
    window: { from: '2012-04-01T00:00:00Z', until: '2012-06-30T00:00:00Z' },
    snapshot: SNAPSHOT,
    versions: [{ version: '1.0.0', predictions: 2158 }],
    predictions: 2158,
    labels: { matured: 2158, labelled: 2158, coverage: 1, state: 'ready' },
    drift: [],
    drift_verdict: 'stable',
    performance: [
      {
        metric: 'mae',
        served,
        trivial: 190,
        reference: 50,
        threshold: 60,
        unit: { kind: 'block', length: 'P1D', count: 90 },
      },
    ],
    replay: [],
    value: null,
    decay: 'failed',
    reasons: [],
    ...found,
  };
}

function factsOf(
  found: Partial<RetrainingFacts> = {},
  triggers: Trigger[] = [mae],
  when: 'any' | 'all' = 'any',
): RetrainingFacts {
  return {
    operate: { retraining: { when, triggers, cooldown: 'P30D', window: 'P90D' } },
    data: {
      labels: { lag: 'P1D', min_coverage: 0.8 },
      sources: [
        { kind: 'csv', name: 'history', object: SNAPSHOT, delimiter: ',', attribution: '' },
        { kind: 'predictions', name: 'traffic', environment: 'production', snapshot: 'none' },
      ],
    },
    monitor: monitorOf({ estimate: 90, lower: 85, upper: 95 }),
    lastOpened: null,
    openPullRequests: 0,
    askedBy: null,
    ...found,
  };
}

const decayed = { estimate: 90, lower: 85, upper: 95 };
const healthy = { estimate: 45, lower: 40, upper: 50 };
const unclear = { estimate: 62, lower: 57, upper: 67 };

test('decay opens a pull request for the newest labelled window, with the snapshot of every prediction source', () => {
  expect(decideRetraining(factsOf())).toMatchObject({
    as_of: '2012-07-01T00:00:00Z',
    decision: 'open',
    change: { window: { last: 'P90D', until: '2012-06-30T00:00:00.000Z' }, snapshots: { traffic: SNAPSHOT } },
  });
});

test.each<[string, Partial<RetrainingFacts>]>([
  ['the loss is within the threshold', { monitor: monitorOf(healthy) }],
  ['the interval reaches under the threshold', { monitor: monitorOf(unclear) }],
  ['too few units tell no bounds', { monitor: monitorOf({ estimate: 90, lower: null, upper: null }) }],
  [
    'labels are pending',
    {
      monitor: monitorOf(decayed, { labels: { matured: 10, labelled: 2, coverage: 0.2, state: 'pending' } }),
    },
  ],
  ['only inputs have drifted', { monitor: monitorOf(healthy, { drift_verdict: 'drifted' }) }],
  ['the metric was not measured', { monitor: monitorOf(decayed, { performance: [] }) }],
  ['the last one was opened 29 days before', { lastOpened: '2012-06-02T00:00:00Z' }],
  ['one is open', { openPullRequests: 1 }],
])('none is opened when %s', (_why, facts) => {
  const decided = decideRetraining(factsOf(facts));
  expect(decided.decision).toBe('none');
  expect(decided.change).toBeNull();
});

test('the cooldown ends after its length in data time', () => {
  expect(decideRetraining(factsOf({ lastOpened: '2012-06-01T00:00:00Z' })).decision).toBe('open');
});

test('no trigger opens nothing and says so', () => {
  const decided = decideRetraining(factsOf({}, []));
  expect(decided.decision).toBe('none');
  expect(decided.reasons[0]?.actual).toContain('none is declared');
});

describe('triggers', () => {
  const reference = (by: Trigger['by']): Trigger => ({ ...mae, worse_than: 'reference', by });
  it.each([
    [reference('50%'), 'open'],
    [reference('80%'), 'none'],
    [reference(30), 'open'],
    [reference(40), 'none'],
    [{ ...mae, by: '50%' } satisfies Trigger, 'none'],
  ])('%o against a loss of 85 to 95: %s', (trigger, decision) =>
    expect(decideRetraining(factsOf({}, [trigger])).decision).toBe(decision),
  );
  it('need all to fire where operate.yml says so', () => {
    const both = [mae, reference('80%')];
    expect(decideRetraining(factsOf({}, both, 'any')).decision).toBe('open');
    expect(decideRetraining(factsOf({}, both, 'all')).decision).toBe('none');
  });
  it('of a metric to maximize fire when the upper bound is under the base', () => {
    const accuracy: Trigger = { ...mae, metric: 'accuracy' };
    const measured = (lower: number, upper: number) => {
      const [row] = monitorOf(decayed).performance;
      if (!row) throw new Error('a row');
      const performance = [
        { ...row, metric: 'accuracy' as const, threshold: 0.8, served: { estimate: lower, lower, upper } },
      ];
      return decideRetraining(factsOf({ monitor: monitorOf(decayed, { performance }) }, [accuracy])).decision;
    };
    expect(measured(0.7, 0.79)).toBe('open');
    expect(measured(0.75, 0.85)).toBe('none');
    expect(measured(0.82, 0.9)).toBe('none');
  });
});

describe('decay', () => {
  const problem = {
    success: [{ metric: 'mae' as const, direction: 'minimize' as const, threshold: 60, slice: null }],
  };
  const verdictOf = (served: Estimate, triggers: Trigger[]) => {
    const { labels, performance } = monitorOf(served);
    const { operate } = factsOf({}, triggers);
    return decayOf({ operate, problem, labels, performance }).verdict;
  };
  it.each([
    [decayed, 'failed'],
    [unclear, 'inconclusive'],
    [healthy, 'passed'],
  ])('of %o is %s, by the triggers or else by the problem', (served, verdict) => {
    expect(verdictOf(served, [mae])).toBe(verdict);
    expect(verdictOf(served, [])).toBe(verdict);
  });
});

describe('a retraining that a person asks for', () => {
  const quiet = monitorOf({ estimate: 40, lower: 35, upper: 45 }, { decay: 'passed' });

  it('opens where no trigger fires, and says who asked', () => {
    expect(decideRetraining(factsOf({ monitor: quiet })).decision).toBe('none');
    const decided = decideRetraining(factsOf({ monitor: quiet, askedBy: 'ada' }));
    expect(decided).toMatchObject({ decision: 'open', asked_by: 'ada' });
    expect(decided.reasons[0]).toMatchObject({ rule: 'asked for', actual: '@ada asked with /retrain' });
    expect(decided.change).not.toBeNull();
  });

  it('passes over the cooldown, which says so, and not over an open one', () => {
    const cooling = factsOf({ monitor: quiet, askedBy: 'ada', lastOpened: '2012-06-20T00:00:00Z' });
    const decided = decideRetraining(cooling);
    expect(decided.decision).toBe('open');
    const brake = decided.reasons.find(({ rule }) => rule === 'retraining.cooldown');
    expect(brake).toMatchObject({ verdict: 'passed', actual: expect.stringContaining('passed over') });
    expect(decideRetraining({ ...cooling, openPullRequests: 1 })).toMatchObject({
      decision: 'none',
      change: null,
    });
  });

  it.each([
    [true, false, true],
    [false, false, false],
    [true, true, false],
  ])('asked %s, another open %s: may open %s', (asked, open, may) => {
    const past = [{ day: '2012-06-20', open }];
    expect(mayOpenRetraining({ day: '2012-07-01', past, cooldown: 'P30D', asked })).toBe(may);
  });
});

describe('mayOpenRetraining', () => {
  const day = '2012-07-02';
  const cooldown = 'P30D';
  it.each([
    ['nothing was opened before', [], true],
    ['its own pull request is there already', [{ day, open: true }], true],
    ['another is open', [{ day: '2012-04-02', open: true }], false],
    ['one was closed or merged yesterday', [{ day: '2012-07-01', open: false }], false],
    ['one was closed a day before the cooldown ends', [{ day: '2012-06-03', open: false }], false],
    ['the cooldown is over', [{ day: '2012-06-02', open: false }], true],
  ])('%s', (_what, past, may) => {
    expect(mayOpenRetraining({ day, past, cooldown })).toBe(may);
  });
});

test.each([
  ['accuracy', { estimate: 0.87, lower: 0.66, upper: 1.03 }, [0.66, 1]],
  ['mae', { estimate: 2, lower: -1, upper: 5 }, [0, 5]],
  ['bias', { estimate: 2, lower: -1, upper: 5 }, [-1, 5]],
  ['auc', { estimate: 0.9, lower: null, upper: null }, [null, null]],
] as const)('bounds of %s lie where it can be', (metric, estimate, [lower, upper]) => {
  expect(withinRange(metric, estimate)).toEqual({ ...estimate, lower, upper });
});
