import { describe, expect, it, test } from 'vitest';
import type { Comparison, Estimate, HoldoutResult } from '#lib/lifecycle/evidence.ts';
import {
  checkGates,
  checkLooks,
  checkSize,
  gatesOf,
  marginOf,
  verdictOfGates,
} from '#lib/lifecycle/gates.ts';
import type { Gate, Problem } from '#lib/lifecycle/problem.ts';
import { bikes } from '../formats/bikes.ts';

type Rules = Pick<Problem, 'success' | 'gates'>;
const DIGEST = `sha256:${'0'.repeat(64)}` as const;

function between(lower: number, upper: number): Estimate {
  return { estimate: (lower + upper) / 2, lower, upper };
}

function unsure(estimate: number): Estimate {
  return { estimate, lower: null, upper: null };
}

function comparison(found: Partial<Comparison>): Comparison {
  return {
    metric: 'mae',
    candidate: between(40, 50),
    trivial: between(90, 110),
    champion: null,
    candidate_minus_trivial: between(-60, -50),
    candidate_minus_champion: null,
    ...found,
  };
}

function holdout(...found: Partial<Comparison>[]): HoldoutResult {
  return {
    part: { content: DIGEST, object: DIGEST, keys: DIGEST, rows: 672, from: null, until: null },
    rows: 672,
    dropped: { candidate: 0, champion: 0, seen: 0 },
    unit: { kind: 'block', length: 'P1D', count: 28 },
    confidence: 0.95,
    comparisons: found.map(comparison),
    look: 1,
  };
}

const goalOf = (threshold: number) => ({
  ...{ metric: 'mae' as const, direction: 'minimize' as const, threshold, slice: null },
});
const goal: Rules = {
  success: [{ metric: 'mae', direction: 'minimize', threshold: 60, slice: null }],
  gates: [],
};
const notWorse = (by: number | string): Gate => ({
  kind: 'not_worse_than',
  name: 'champion',
  than: 'champion',
  metric: 'mae',
  by,
  on: 'recent',
  on_inconclusive: 'ask',
});

describe('gates of a problem', () => {
  it('are its success metrics, the baseline and the champion', () => {
    expect(gatesOf(goal).map(({ kind, name }) => [kind, name])).toEqual([
      ['threshold', 'mae at most 60'],
      ['better_than', 'better than trivial'],
      ['not_worse_than', 'not worse than champion'],
    ]);
  });
  it('leave the comparison with the champion to a declared gate', () => {
    const gates = gatesOf({ ...goal, gates: [notWorse('1%')] });
    expect(gates.filter((gate) => 'than' in gate && gate.than === 'champion')).toEqual([notWorse('1%')]);
  });
  it('turn a metric to maximize into a lower bound', () => {
    const [threshold] = gatesOf({
      success: [{ metric: 'auc', direction: 'maximize', threshold: 0.8, slice: null }],
      gates: [],
    });
    expect(threshold).toMatchObject({ metric: 'auc', at_least: 0.8 });
  });
});

function verdictOf(gate: Gate, found: Partial<Comparison>): string | undefined {
  const hasChampion = found.champion !== undefined;
  return checkGates([gate], { recent: holdout(found), anchor: null, slices: [], hasChampion })[0]?.verdict;
}

const threshold: Extract<Gate, { kind: 'threshold' }> = {
  kind: 'threshold',
  name: 'goal',
  metric: 'mae',
  at_most: 60,
  slice: null,
  on: 'recent',
  on_inconclusive: 'ask',
};

test.each([
  [between(40, 50), 'passed'],
  [between(40, 60), 'passed'],
  [between(55, 65), 'inconclusive'],
  [between(61, 70), 'failed'],
  [unsure(40), 'inconclusive'],
])('at most 60: %o is %s', (candidate, verdict) => expect(verdictOf(threshold, { candidate })).toBe(verdict));

test.each([
  [between(0.81, 0.9), 'passed'],
  [between(0.75, 0.9), 'inconclusive'],
  [between(0.7, 0.79), 'failed'],
])('at least 0.8: %o is %s', (candidate, verdict) => {
  const { at_most: _, ...rest } = threshold;
  expect(verdictOf({ ...rest, metric: 'auc', at_least: 0.8 }, { metric: 'auc', candidate })).toBe(verdict);
});

test.each([
  [between(-4, 3), 'passed'],
  [between(-7, 1), 'failed'],
  [between(-9, -6), 'failed'],
])('bias counts by its size: %o', (candidate, verdict) => {
  const gate = { ...threshold, metric: 'bias', at_most: 5 } as const;
  const found = verdictOf(gate, { metric: 'bias', candidate });
  // Bounds -7 and 1 hold sizes of 0 to 7: within and beyond 5.
  expect(found).toBe(candidate.lower === -7 ? 'inconclusive' : verdict);
});

test.each([
  ['1%', between(-3, 0.5), 'passed'],
  ['1%', between(-3, 1.5), 'inconclusive'],
  ['1%', between(1.1, 3), 'failed'],
  [0, between(0, 0), 'passed'],
  [2, between(-3, 1.5), 'passed'],
  ['1%', unsure(-20), 'inconclusive'],
])('not worse than a champion of 100 by %s: %o is %s', (by, difference, verdict) =>
  expect(verdictOf(notWorse(by), { champion: between(95, 105), candidate_minus_champion: difference })).toBe(
    verdict,
  ),
);

test.each([
  [between(-3, -0.1), 'passed'],
  [between(-3, 0.1), 'inconclusive'],
  [between(0, 0), 'failed'],
  [between(0.1, 3), 'failed'],
])('better than trivial: %o is %s', (candidate_minus_trivial, verdict) => {
  const gate: Gate = {
    kind: 'better_than',
    name: 'b',
    than: 'trivial',
    metric: 'mae',
    on: 'recent',
    on_inconclusive: 'ask',
  };
  expect(verdictOf(gate, { candidate_minus_trivial })).toBe(verdict);
});

test.each([
  ['1%', 200, 2],
  ['2.5%', -0.4, 0.01],
  [3, 200, 3],
])('a margin of %s of %d is %d', (margin, other, expected) =>
  expect(marginOf(margin, other)).toBeCloseTo(expected, 12),
);

describe('a threshold on a retraining', () => {
  const judge = (found: Partial<Comparison>) =>
    checkGates(gatesOf({ ...goal, gates: [notWorse('1%')] }), {
      recent: holdout({ candidate: between(65, 75), champion: between(90, 110), ...found }),
      anchor: null,
      slices: [],
      hasChampion: true,
    });
  it('does not hold back a challenger that is not worse than a champion which misses it too', () => {
    const [goalResult] = judge({ candidate_minus_champion: between(-40, -20) });
    expect(goalResult).toMatchObject({ verdict: 'passed' });
    expect(goalResult?.actual).toContain(
      'the champion misses it too (100 [90, 110]), the candidate is not worse',
    );
  });
  it.each([
    [between(-5, 5), 'inconclusive'],
    [between(2, 9), 'failed'],
  ])('does where the difference is %o: %s', (candidate_minus_champion, verdict) =>
    expect(judge({ candidate_minus_champion })[0]?.verdict).toBe(verdict),
  );
  it('does where the champion keeps it', () => {
    const [goalResult] = judge({ champion: between(50, 58), candidate_minus_champion: between(-1, 0) });
    expect(goalResult?.verdict).toBe('failed');
  });
});

describe('a gate on a slice', () => {
  const winter = { ...threshold, slice: { column: 'season', value: 4 } };
  const slice = (estimate: Estimate, metric = 'mae' as const) => ({
    ...{ column: 'season', value: '4', rows: 90, metric, estimate },
  });
  const verdict = (slices: ReturnType<typeof slice>[]) =>
    checkGates([winter], { recent: holdout({}), anchor: null, slices, hasChampion: false })[0];
  it.each([
    [between(40, 50), 'passed'],
    [between(50, 70), 'inconclusive'],
    [between(65, 70), 'failed'],
  ])('judges its rows alone: %o is %s', (estimate, expected) => {
    expect(verdict([slice(estimate)])).toMatchObject({
      verdict: expected,
      expected: 'mae at most 60 where season = 4',
    });
  });
  it('is inconclusive where too few rows are of it', () => {
    expect(verdict([])).toMatchObject({ verdict: 'inconclusive' });
    expect(gatesOf({ success: [{ ...goalOf(60), slice: winter.slice }], gates: [] })[0]?.name).toBe(
      'mae at most 60 where season = 4',
    );
  });
});

test.each([
  [null, []],
  [5, ['passed']],
  [4.9, ['failed']],
])('a model of 5 MB, at most %s MB: %j', (size_mb, verdicts) => {
  const { constraints } = bikes().problem;
  expect(checkSize({ ...constraints, size_mb }, 5_000_000).map(({ verdict }) => verdict)).toEqual(verdicts);
});

describe('missing input', () => {
  it('is inconclusive: a metric that was not measured, a champion that could not be judged', () => {
    const recent = holdout({});
    const results = checkGates(gatesOf({ ...goal, gates: [{ ...threshold, metric: 'rmse' }] }), {
      recent,
      anchor: null,
      slices: [],
      hasChampion: true,
    });
    expect(results.map(({ verdict }) => verdict)).toEqual([
      'passed',
      'inconclusive',
      'passed',
      'inconclusive',
    ]);
    expect(results[3]?.actual).toContain('champion');
  });
  it('is no gate at all where there is no champion yet', () => {
    const results = checkGates(gatesOf(goal), {
      recent: holdout({}),
      anchor: null,
      slices: [],
      hasChampion: false,
    });
    expect(results.map(({ name }) => name)).toEqual(['mae at most 60', 'better than trivial']);
  });
  it('asks the recent holdout of a first version, which becomes its anchor', () => {
    const guard = { ...threshold, on: 'anchor' } as const;
    const judgement = { recent: holdout({}), anchor: null, slices: [] };
    expect(checkGates([guard], { ...judgement, hasChampion: false })[0]?.verdict).toBe('passed');
    expect(checkGates([guard], { ...judgement, hasChampion: true })[0]?.verdict).toBe('inconclusive');
  });
});

test.each([
  [['passed', 'passed'], 'ask', 'passed'],
  [['passed', 'inconclusive'], 'ask', 'inconclusive'],
  [['passed', 'inconclusive'], 'block', 'inconclusive'],
  [['passed', 'inconclusive'], 'pass', 'passed'],
  [['failed', 'inconclusive'], 'pass', 'failed'],
  [[], 'ask', 'inconclusive'],
] as const)('%o with on_inconclusive: %s sum up to %s', (verdicts, on_inconclusive, sum) =>
  expect(verdictOfGates(verdicts.map((verdict) => ({ verdict, on_inconclusive })))).toBe(sum),
);

describe('looks at a holdout', () => {
  const fresh = { ...holdout({}), look: 50 };
  const worn = { ...holdout({}), look: 51 };
  const onAnchor: Gate = { ...notWorse(0), on: 'anchor' };
  test.each<[string, Gate[], HoldoutResult, HoldoutResult | null, RegExp | null]>([
    ['the last one that counts', [], fresh, null, null],
    ['one too many', [], worn, null, /^look 51 at it: refresh it with newer rows/],
    ['one too many at an anchor that no gate reads', [], fresh, worn, null],
    ['one too many at an anchor that a gate reads', [onAnchor], fresh, worn, /^look 51 at the anchor/],
    ['a fresh anchor', [onAnchor], fresh, fresh, null],
  ])('%s', (_, gates, recent, anchor, told) => {
    const results = checkLooks(gates, { recent, anchor, most: 50 });
    if (told === null) return expect(results).toEqual([]);
    expect(results).toMatchObject([
      { name: 'looks at this holdout', verdict: 'inconclusive', on_inconclusive: 'ask' },
    ]);
    expect(results[0]?.actual).toMatch(told);
    expect(verdictOfGates(results)).toBe('inconclusive');
  });
});
