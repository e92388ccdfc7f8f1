import { columnOf, type Table, timesOf } from '#lib/data/table.ts';
import type { Signature } from '#lib/lifecycle/bundle.ts';
import type { Data } from '#lib/lifecycle/data.ts';
import type { EvaluateResult, HoldoutResult, TrainResult } from '#lib/lifecycle/evidence.ts';
import { checkGates, checkLooks, checkSize, gatesOf, verdictOfGates } from '#lib/lifecycle/gates.ts';
import type { Part } from '#lib/lifecycle/plan.ts';
import type { Gate, Metric, Problem } from '#lib/lifecycle/problem.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { type Basis, type Contest, compare } from './evaluate-compare.ts';
import { type AskedSlice, importanceOf, slicesOf } from './evaluate-detail.ts';
import { moneyOf } from './evaluate-money.ts';
import { joinRows, type Rows } from './evaluate-rows.ts';
import { feedOf } from './feed.ts';
import { type Actual, actualOf, constant, judgedOf, reorder, trivialAnswer } from './judge.ts';
import { type Judged, lossOf } from './metrics.ts';
import type { Predictor } from './predictor-types.ts';
import { CONFIDENCE } from './stats/bootstrap.ts';
import { seedOf } from './stats/random.ts';
import type { Sampling } from './stats/units.ts';

/** The same holdout through the candidate's pipeline and through the champion's. */
export type Holdout = { part: Part; candidate: Table; champion: Table | null; look: number };

export type Evaluation = {
  problem: Problem;
  data: Pick<Data, 'key' | 'time' | 'unit' | 'target' | 'inputs' | 'holdout'>;
  /** Rows that the twin was trained on: their target, and their keys. */
  training: { target: Table; keys: ReadonlySet<string> };
  recent: Holdout;
  anchor: Holdout | null;
  signature: Signature;
  /** The judged bytes, and the served ones where they differ. */
  twin: Predictor;
  served: Predictor | null;
  servedBytes: number;
  champion: { predictor: Predictor; signature: Signature; seen: ReadonlySet<string> } | null;
};

export type Evaluated = Pick<
  EvaluateResult,
  'recent' | 'anchor' | 'refit_disagreement' | 'slices' | 'importance' | 'value' | 'gates' | 'verdict'
> & { trivialAnswer: number[] };

/** Judges the winner of a search on rows that it never saw, beside the champion and the trivial baseline. */
export async function evaluate(input: Evaluation): Promise<Evaluated> {
  const { problem, data, signature, twin, served } = input;
  const question = { task: problem.task, classes: signature.classes };
  const metrics = metricsToCompare(problem);
  const [primary] = metrics;
  const training = actualOf(input.training.target, data.target, question);
  const answer = trivialAnswer(training, primary, signature.classes?.length ?? 1);

  const recent = await judgeHoldout(input.recent, { input, metrics, answer });
  if (recent === null) throw nothingToJudge();
  const anchor = input.anchor && (await judgeHoldout(input.anchor, { input, metrics, answer }));
  const { rows, contest, basis, actual } = recent;
  const asked = gatesOf(problem);
  const found = { recent: recent.result, anchor: anchor?.result ?? null };
  const slices = slicesOf({
    table: rows.candidate,
    inputs: data.inputs,
    metric: primary,
    named: slicesAsked(asked),
    judged: contest.candidate,
    basis,
  });
  const gates = [
    ...checkGates(asked, { ...found, slices, hasChampion: input.champion !== null }),
    ...checkSize(problem.constraints, input.servedBytes),
    ...checkLooks(asked, { ...found, most: data.holdout.max_looks }),
  ];
  return {
    ...found,
    refit_disagreement:
      served &&
      disagreement(
        await predict(twin, rows.candidate, signature),
        await predict(served, rows.candidate, signature),
      ),
    slices,
    importance: await importanceOf({
      table: rows.candidate,
      signature,
      predictor: twin,
      metric: primary,
      judge: (chosen, predicted) =>
        judgedOf(
          { ...actual, values: Float64Array.from(chosen, (row) => actual.values[row] ?? Number.NaN) },
          predicted,
          question,
        ),
      seed: basis.seed,
    }),
    value: moneyLost(problem, contest, basis, signature),
    gates,
    verdict: verdictOfGates(gates),
    trivialAnswer: answer,
  };
}

/** The search's winner: the lowest loss on validation, the first of equals. */
export function winnerOf(search: readonly TrainResult[]): TrainResult {
  const [best] = search.toSorted((a, b) => {
    const [one, other] = [a, b].map(({ validation }) => lossOf(validation.metric, validation.value));
    return (one ?? 0) - (other ?? 0) || a.candidate.index - b.candidate.index;
  });
  if (best === undefined) throw new Error('a search has at least one candidate');
  return best;
}

function slicesAsked(gates: readonly Gate[]): AskedSlice[] {
  return gates.flatMap((gate) =>
    gate.kind === 'threshold' && gate.slice !== null ? [{ ...gate.slice, metric: gate.metric }] : [],
  );
}

/** What the problem names, in its order, and two that everybody reads. */
export function metricsToCompare({ task, success, gates }: Problem): [Metric, ...Metric[]] {
  const usual: Metric[] = task.kind === 'regression' ? ['mae', 'rmse'] : ['accuracy', 'log_loss'];
  const named = [...success, ...gates].map(({ metric }) => metric);
  const [first, ...rest] = new Set([...named, ...usual]);
  if (first === undefined) throw new Error('a problem has at least one success metric');
  return [first, ...rest];
}

/** What is resampled. Rows that have a time are never taken for independent: at least a day goes together. */
export function samplingOf({ time, unit }: Pick<Data, 'time' | 'unit'>, table: Table): Sampling {
  if (unit !== 'row' && 'group' in unit) {
    return { kind: 'group', column: unit.group, values: columnOf(table, unit.group).values };
  }
  if (time === null) {
    if (unit === 'row') return { kind: 'row' };
    throw new UserError('data.yml: `unit` is a block of time, but no column is the time', {
      fix: 'name a timestamp column of the output under `time:`, or use `unit: row`',
    });
  }
  return { kind: 'block', block: unit === 'row' ? 'P1D' : unit.block, time: timesOf(table, time) };
}

type JudgedHoldout = { result: HoldoutResult; rows: Rows; contest: Contest; basis: Basis; actual: Actual };

async function judgeHoldout(
  holdout: Holdout,
  { input, metrics, answer }: { input: Evaluation; metrics: [Metric, ...Metric[]]; answer: number[] },
): Promise<JudgedHoldout | null> {
  const { problem, data, signature, champion, twin, training } = input;
  const rows = joinRows({
    key: data.key,
    candidate: holdout.candidate,
    trained: training.keys,
    champion: champion && holdout.champion && { table: holdout.champion, seen: champion.seen },
    frozen: holdout === input.anchor,
  });
  if (rows.candidate.rows === 0) return null;
  const question = { task: problem.task, classes: signature.classes };
  const actual = actualOf(rows.candidate, data.target, question);
  const judge = (predicted: ArrayLike<number>) => judgedOf(actual, predicted, question);
  const contest: Contest = {
    candidate: judge(await predict(twin, rows.candidate, signature)),
    trivial: judge(constant(answer, rows.candidate.rows)),
    champion: await judgeChampion(champion, rows.champion, (predicted, classes) =>
      judge(reorder(predicted, classes, signature.classes)),
    ),
  };
  const basis = { sampling: samplingOf(data, rows.candidate), seed: seedOf(holdout.part.content) };
  const compared = metrics.map((metric) => compare(metric, contest, basis));
  const [decisive] = compared;
  if (decisive === undefined) throw new Error('at least one metric is compared');
  const { kind, length, count } = decisive.units;
  const result: HoldoutResult = {
    part: holdout.part,
    rows: rows.candidate.rows,
    dropped: rows.dropped,
    unit: { kind, length, count },
    confidence: CONFIDENCE,
    comparisons: compared.map(({ comparison }) => comparison),
    look: holdout.look,
  };
  return { result, rows, contest, basis, actual };
}

async function judgeChampion(
  champion: Evaluation['champion'],
  table: Table | null,
  judge: (predicted: ArrayLike<number>, classes: Signature['classes']) => Judged,
): Promise<Judged | null> {
  if (champion === null || table === null) return null;
  return judge(await predict(champion.predictor, table, champion.signature), champion.signature.classes);
}

async function predict(predictor: Predictor, table: Table, signature: Signature): Promise<Float32Array> {
  const { values } = await predictor.predict(feedOf(table, signature), table.rows);
  return values;
}

/** Mean absolute difference over all numbers that two models answer. */
function disagreement(one: Float32Array, other: Float32Array): number {
  return (
    one.reduce((total, value, at) => total + Math.abs(value - (other[at] ?? Number.NaN)), 0) / one.length
  );
}

function moneyLost(
  { value }: Problem,
  contest: Contest,
  basis: Basis,
  { classes }: Signature,
): Evaluated['value'] {
  if (value === null) return null;
  const names = (classes ?? []).map(String);
  const money = (judged: Judged) => moneyOf(value, judged, names, basis);
  return {
    unit: value.unit,
    candidate: money(contest.candidate),
    trivial: money(contest.trivial),
    champion: contest.champion && money(contest.champion),
  };
}

function nothingToJudge(): UserError {
  return new UserError('no row of the recent holdout is left to judge on', {
    fix: "check that `key` means the same in the champion's data.yml and in this one, or lengthen `split.recent`",
  });
}
