import type { DataResult } from '../lifecycle/data-evidence.ts';
import type {
  Comparison,
  Estimate,
  EvaluateResult,
  HoldoutResult,
  TrainResult,
} from '../lifecycle/evidence.ts';
import type { Model } from '../lifecycle/model.ts';
import type { Metric, Problem } from '../lifecycle/problem.ts';
import type { OverrideRecord } from '../lifecycle/records.ts';
import type { Digest } from '../lifecycle/scalars.ts';
import type { Verdict } from '../lifecycle/verdict.ts';
import { barChart } from './mermaid.ts';
import { METRIC_WORDS } from './metric-words.ts';
import { formatDuration, formatNumber, formatPercent } from './numbers.ts';
import { limitWords } from './problem-document.ts';

/** What a card is made of: parsed files and evidence, and no figure of its own. */
export type CardFacts = {
  problem: Problem;
  model: Model;
  data: DataResult;
  train: readonly TrainResult[];
  evaluate: EvaluateResult;
  champion: { version: string } | null;
  /** What people approve; null where it isn't known yet. */
  candidate: Digest | null;
  /** Gates that people pass for now, whatever was found. */
  overrides: readonly Pick<OverrideRecord, 'gate' | 'people' | 'reason' | 'expires'>[];
};

const VERDICT_WORDS: Record<Verdict, string> = {
  passed: 'every gate passed',
  inconclusive: 'the data cannot tell for every gate',
  failed: 'a gate failed',
};

/** The view of templates/cards/section.hbs and model-card.hbs. */
export function cardView(facts: CardFacts) {
  const { problem, model, data, train, evaluate, champion, candidate, overrides } = facts;
  const winner = train.find((result) => result.candidate.index === evaluate.winner);
  const asked = evaluate.gates.filter(
    (gate) =>
      gate.verdict === 'inconclusive' &&
      gate.on_inconclusive === 'ask' &&
      !overrides.some((given) => given.gate === gate.name),
  );
  return {
    model: problem.model,
    title: problem.title,
    objective: problem.objective,
    decision: problem.decision,
    description: model.description,
    limitations: model.limitations,
    target: problem.target,
    limits: [
      ...limitWords(problem),
      ...(problem.constraints.privacy === ''
        ? []
        : [`privacy: ${problem.constraints.privacy} (not checked yet)`]),
    ].join('; '),
    trainer: evaluate.search.find(({ index }) => index === evaluate.winner)?.name ?? evaluate.trainer,
    verdict: evaluate.verdict,
    verdictWords: VERDICT_WORDS[evaluate.verdict],
    champion: champion && { version: champion.version },
    headline: headline(evaluate.recent, problem),
    chart: chart(evaluate.recent, champion),
    comparisons: evaluate.recent.comparisons.map(comparisonRow),
    holdout: holdoutView(evaluate.recent),
    twin: twinView(evaluate, winner),
    gates: evaluate.gates.map(({ name, verdict, expected, actual }) => {
      const given = verdict === 'passed' ? undefined : overrides.find(({ gate }) => gate === name);
      const override = given ? { ...given, people: given.people.join(', ') } : null;
      return { name, verdict, expected, actual, override };
    }),
    asked: asked.map(({ name }) => name),
    anchor: evaluate.anchor && {
      ...holdoutView(evaluate.anchor),
      comparisons: evaluate.anchor.comparisons.map(comparisonRow),
    },
    value: evaluate.value && { ...evaluate.value, note: problem.value?.note ?? '' },
    slices: evaluate.slices.map((slice) => ({ ...slice, metric: METRIC_WORDS[slice.metric].label })),
    importance: evaluate.importance,
    importanceChart: importanceChart(evaluate.importance),
    search: evaluate.search.map((entry) => ({
      ...entry,
      metric: METRIC_WORDS[entry.metric].label,
      won: entry.index === evaluate.winner,
    })),
    training: winner && trainingView(winner),
    data: { rows: data.rows, content: data.output.content, window: data.window && days(data.window) },
    digests: {
      candidate,
      served: evaluate.served,
      twin: evaluate.twin,
      bundle: evaluate.bundle,
      data: data.output.content,
    },
  };
}

/** The figure that stands for the model: its first success metric on the newest rows, which nobody trained on. */
function headline(recent: HoldoutResult, problem: Problem) {
  const metric = problem.success[0]?.metric;
  const found = recent.comparisons.find((row) => row.metric === metric) ?? recent.comparisons[0];
  return (
    found && {
      metric: METRIC_WORDS[found.metric].label,
      long: METRIC_WORDS[found.metric].long,
      figure: found.candidate,
    }
  );
}

function comparisonRow(row: Comparison) {
  const { label, better } = METRIC_WORDS[row.metric];
  return {
    metric: label,
    better,
    candidate: row.candidate,
    champion: row.champion,
    trivial: row.trivial,
    minusChampion: row.candidate_minus_champion,
    minusTrivial: row.candidate_minus_trivial,
  };
}

function holdoutView({ part, rows, dropped, unit, confidence, look }: HoldoutResult) {
  const units: Record<typeof unit.kind, string> = {
    row: 'rows',
    group: 'groups',
    block: `blocks of ${formatDuration(unit.length)}`,
  };
  return {
    rows,
    from: part.from === null ? null : day(part.from),
    until: part.until === null ? null : day(part.until),
    units: `${formatNumber(unit.count)} ${units[unit.kind]}`,
    confidence: formatPercent(confidence),
    look,
    dropped: dropped.candidate + dropped.champion + dropped.seen,
  };
}

function twinView(evaluate: EvaluateResult, winner: TrainResult | undefined) {
  if (evaluate.refit === 'none') return null;
  return {
    disagreement: evaluate.refit_disagreement,
    servedRows: winner?.served.rows ?? null,
    twinRows: winner?.twin.rows ?? null,
  };
}

function trainingView({ seed, backend, candidate, validation, parity, served }: TrainResult) {
  return {
    seed,
    backend,
    trainer: candidate.trainer,
    rows: served.rows,
    params: Object.entries(candidate.params).map(([name, value]) => ({ name, value: JSON.stringify(value) })),
    validation: { ...validation, metric: METRIC_WORDS[validation.metric].label },
    compared: parity !== null,
    parity: parity?.max_abs_difference ?? null,
  };
}

function chart(recent: HoldoutResult, champion: { version: string } | null): string {
  const row = recent.comparisons[0];
  if (!row) return '';
  const bars = [
    { label: 'candidate', value: row.candidate.estimate },
    ...(row.champion && champion
      ? [{ label: `champion v${champion.version}`, value: row.champion.estimate }]
      : []),
    { label: 'trivial', value: row.trivial.estimate },
  ];
  const { label, better } = METRIC_WORDS[row.metric];
  return barChart({ title: `${label} on the newest rows, ${better}`, axis: label, bars });
}

function importanceChart(importance: EvaluateResult['importance']): string {
  const bars = importance.slice(0, 10).map(({ column, increase }) => ({ label: column, value: increase }));
  return barChart({ title: 'Loss added when a column is shuffled', axis: 'added loss', bars });
}

function day(instant: string): string {
  return instant.slice(0, 10);
}

function days({ from, until }: { from: string; until: string }) {
  return { from: day(from), until: day(until) };
}

/** Front matter of a model card, as the Hugging Face Hub validates it: `model-index` with task, dataset, metrics. */
export function modelIndex({ problem, data, evaluate }: CardFacts): object {
  const regression = problem.task.kind === 'regression';
  const type = regression ? 'tabular-regression' : 'tabular-classification';
  const { from, until } = holdoutView(evaluate.recent);
  const name = from === null ? `${problem.model}, holdout` : `${problem.model}, ${from} to ${until}`;
  return {
    library_name: 'onnx',
    pipeline_tag: type,
    tags: ['roundhouse', 'tabular', problem.task.kind],
    metrics: [...new Set(evaluate.recent.comparisons.map(({ metric }) => metric))],
    'model-index': [
      {
        name: problem.model,
        results: [
          {
            task: { type, name: regression ? 'Tabular regression' : 'Tabular classification' },
            dataset: { name, type: problem.model, split: 'recent holdout', revision: data.output.content },
            metrics: evaluate.recent.comparisons.flatMap(({ metric, candidate }) =>
              indexed(metric, candidate),
            ),
          },
        ],
      },
    ],
  };
}

function indexed(metric: Metric, { estimate, lower, upper }: Estimate) {
  if (!Number.isFinite(estimate)) return [];
  const interval = lower === null || upper === null ? {} : { args: { lower_95: lower, upper_95: upper } };
  return [{ type: metric, name: METRIC_WORDS[metric].label, value: estimate, ...interval }];
}
