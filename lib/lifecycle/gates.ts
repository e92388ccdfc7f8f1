import { atLeast, atMost, sizeOf, textOf } from './estimate.ts';
import type { Comparison, Estimate, EvaluateResult, GateResult, HoldoutResult } from './evidence.ts';
import type { Gate, Problem, Slice } from './problem.ts';
import type { Margin } from './scalars.ts';
import { type Verdict, worstOf } from './verdict.ts';

type Threshold = Extract<Gate, { kind: 'threshold' }>;
type Relative = Exclude<Gate, Threshold>;

/**
 * All gates of a problem: its success metrics as thresholds, the declared ones, and two that are always asked:
 * better than the trivial baseline, and not worse than the champion (by 0 %, unless a gate that compares with
 * the champion is declared).
 */
export function gatesOf({ success, gates }: Pick<Problem, 'success' | 'gates'>): Gate[] {
  const metric = success[0]?.metric;
  if (metric === undefined) throw new Error('a problem has at least one success metric');
  const common = { on: 'recent', on_inconclusive: 'ask' } as const;
  const goals = success.map(({ metric, direction, threshold, slice }): Gate => {
    const bound = direction === 'minimize' ? { at_most: threshold } : { at_least: threshold };
    const words = direction === 'minimize' ? 'at most' : 'at least';
    const name = `${metric} ${words} ${threshold}${whereOf(slice)}`;
    return { kind: 'threshold', name, metric, ...bound, slice, ...common };
  });
  const asks = (than: Relative['than'], kinds: Gate['kind'][]) =>
    gates.some((gate) => kinds.includes(gate.kind) && 'than' in gate && gate.than === than);
  const trivial: Gate = {
    kind: 'better_than',
    name: 'better than trivial',
    than: 'trivial',
    metric,
    ...common,
  };
  const champion: Gate = {
    kind: 'not_worse_than',
    name: 'not worse than champion',
    than: 'champion',
    metric,
    by: '0%',
    ...common,
  };
  return [
    ...goals,
    ...gates,
    ...(asks('trivial', ['better_than']) ? [] : [trivial]),
    ...(asks('champion', ['better_than', 'not_worse_than']) ? [] : [champion]),
  ];
}

export type Judgement = {
  recent: HoldoutResult;
  /** Null for a first version: its recent holdout becomes the anchor. */
  anchor: HoldoutResult | null;
  hasChampion: boolean;
  /** Of the recent holdout. */
  slices: EvaluateResult['slices'];
};

/** One result per gate. Without a champion, gates that compare with one are not asked. */
export function checkGates(gates: readonly Gate[], judgement: Judgement): GateResult[] {
  return gates
    .filter((gate) => judgement.hasChampion || gate.kind === 'threshold' || gate.than !== 'champion')
    .map((gate) => {
      const { name, kind, on_inconclusive } = gate;
      const found = judge(gate, gates, judgement);
      return { name, kind, on_inconclusive, ...found };
    });
}

/**
 * A holdout that was looked at often has taken part in the search (Dwork et al. 2015; Blum & Hardt 2015): beyond
 * `most` looks no figure on it is sure. No result while each holdout that a gate reads is fresh enough.
 */
export function checkLooks(
  gates: readonly Gate[],
  { recent, anchor, most }: Pick<Judgement, 'recent' | 'anchor'> & { most: number },
): GateResult[] {
  const anchored = gates.some(({ on }) => on === 'anchor') ? anchor : null;
  const worn = [
    ...(recent.look > most ? [`look ${recent.look} at it: refresh it with newer rows in data.yml`] : []),
    ...(anchored && anchored.look > most
      ? [`look ${anchored.look} at the anchor: let gates read the recent holdout`]
      : []),
  ];
  if (worn.length === 0) return [];
  return [
    {
      name: 'looks at this holdout',
      kind: 'looks',
      verdict: 'inconclusive',
      on_inconclusive: 'ask',
      expected: `at most ${most} looks at a holdout`,
      actual: worn.join('; '),
    },
  ];
}

/** The worst verdict; an inconclusive gate that says `pass` counts as passed, any other stays visible. */
export function verdictOfGates(results: readonly Pick<GateResult, 'verdict' | 'on_inconclusive'>[]): Verdict {
  return worstOf(
    results.map(({ verdict, on_inconclusive }) =>
      verdict === 'inconclusive' && on_inconclusive === 'pass' ? 'passed' : verdict,
    ),
  );
}

/** What would be served may take no more room than the problem allows. No result where it sets no limit. */
export function checkSize({ size_mb }: Problem['constraints'], bytes: number): GateResult[] {
  if (size_mb === null) return [];
  const size = bytes / 1_000_000;
  return [
    {
      name: 'size of the model',
      kind: 'size',
      verdict: size <= size_mb ? 'passed' : 'failed',
      on_inconclusive: 'block',
      expected: `at most ${size_mb} MB`,
      actual: `${Number(size.toPrecision(3))} MB`,
    },
  ];
}

type Finding = Pick<GateResult, 'verdict' | 'expected' | 'actual'>;

function judge(gate: Gate, gates: readonly Gate[], judgement: Judgement): Finding {
  const expected = expectationOf(gate);
  const { recent, anchor, hasChampion } = judgement;
  if (gate.kind === 'threshold' && gate.slice !== null)
    return { expected, ...judgeSlice(gate, gate.slice, judgement.slices) };
  const holdout = gate.on === 'anchor' && (anchor !== null || hasChampion) ? anchor : recent;
  const comparison = holdout?.comparisons.find(({ metric }) => metric === gate.metric);
  if (!holdout || !comparison) {
    return {
      verdict: 'inconclusive',
      expected,
      actual: `${gate.metric} was not measured on the ${gate.on} holdout`,
    };
  }
  if (gate.kind !== 'threshold') return { expected, ...judgeDifference(gate, comparison) };
  const missed = judgeThreshold(gate, comparison.candidate);
  if (missed.verdict !== 'failed' || comparison.champion === null) return { expected, ...missed };
  return { expected, ...excuse({ gate, gates, comparison, missed }) };
}

function judgeThreshold(gate: Threshold, estimate: Estimate): Omit<Finding, 'expected'> {
  const size = sizeOf(gate.metric, estimate);
  const verdicts: Verdict[] = [];
  if (gate.at_most !== undefined) verdicts.push(atMost(size, gate.at_most));
  if (gate.at_least !== undefined) verdicts.push(atLeast(size, gate.at_least));
  return { verdict: worstOf(verdicts), actual: textOf(estimate) };
}

function judgeSlice(gate: Threshold, { column, value }: Slice, slices: Judgement['slices']) {
  const found = slices.find(
    (one) => one.metric === gate.metric && one.column === column && one.value === String(value),
  );
  if (found) return judgeThreshold(gate, found.estimate);
  return {
    verdict: 'inconclusive' as const,
    actual: `too few rows of the newest holdout have ${column} = ${value}, or it is no input`,
  };
}

/**
 * An absolute threshold that champion and candidate both miss says that the world became harder. It does not
 * hold back a challenger that is not worse, and goes back to the problem's owners by what `actual` says.
 */
function excuse({
  gate,
  gates,
  comparison,
  missed,
}: {
  gate: Threshold;
  gates: readonly Gate[];
  comparison: Comparison;
  missed: Omit<Finding, 'expected'>;
}): Omit<Finding, 'expected'> {
  const { champion } = comparison;
  if (champion === null || !misses(gate, sizeOf(gate.metric, champion).estimate)) return missed;
  const declared = gates.find(
    (other) =>
      other.kind === 'not_worse_than' &&
      other.than === 'champion' &&
      other.metric === gate.metric &&
      other.on === gate.on,
  );
  const by = declared?.kind === 'not_worse_than' ? declared.by : '0%';
  const { verdict } = judgeDifference({ kind: 'not_worse_than', than: 'champion', by }, comparison);
  const against = {
    passed: 'not worse than it',
    inconclusive: 'perhaps worse than it',
    failed: 'worse than it',
  };
  return {
    verdict,
    actual: `${missed.actual}; the champion misses it too (${textOf(champion)}), the candidate is ${against[verdict]}`,
  };
}

function misses({ at_most, at_least }: Threshold, value: number): boolean {
  return (at_most !== undefined && value > at_most) || (at_least !== undefined && value < at_least);
}

type Question =
  | { kind: 'better_than'; than: Relative['than'] }
  | { kind: 'not_worse_than'; than: Relative['than']; by: Margin };

function judgeDifference(question: Question, comparison: Comparison): Omit<Finding, 'expected'> {
  const { than } = question;
  const other = than === 'trivial' ? comparison.trivial : comparison.champion;
  const difference =
    than === 'trivial' ? comparison.candidate_minus_trivial : comparison.candidate_minus_champion;
  if (other === null || difference === null)
    return { verdict: 'inconclusive', actual: `no ${than} was measured` };
  const actual = `loss differs by ${textOf(difference)}`;
  const { lower, upper } = difference;
  if (lower === null || upper === null) return { verdict: 'inconclusive', actual };
  if (question.kind === 'better_than') {
    return { verdict: upper < 0 ? 'passed' : lower >= 0 ? 'failed' : 'inconclusive', actual };
  }
  return { verdict: atMost(difference, marginOf(question.by, other.estimate)), actual };
}

/** A margin in the metric's unit: a share is of the other's value. */
export function marginOf(margin: Margin, other: number): number {
  if (typeof margin === 'number') return margin;
  return (Number(margin.slice(0, -1)) / 100) * Math.abs(other);
}

function expectationOf(gate: Gate): string {
  const where = gate.on === 'anchor' ? ' on the anchor' : '';
  if (gate.kind === 'better_than') return `${gate.metric} better than the ${nameOf(gate.than)}'s${where}`;
  if (gate.kind === 'not_worse_than') {
    return `${gate.metric} worse than the ${nameOf(gate.than)}'s by at most ${gate.by}${where}`;
  }
  const bounds = [
    ...(gate.at_most === undefined ? [] : [`at most ${gate.at_most}`]),
    ...(gate.at_least === undefined ? [] : [`at least ${gate.at_least}`]),
  ];
  return `${gate.metric} ${bounds.join(' and ')}${whereOf(gate.slice)}${where}`;
}

function whereOf(slice: Slice | null): string {
  return slice === null ? '' : ` where ${slice.column} = ${slice.value}`;
}

function nameOf(than: Relative['than']): string {
  return than === 'trivial' ? 'trivial baseline' : 'champion';
}
