import type { Data } from '../lifecycle/data.ts';
import type { DataResult } from '../lifecycle/data-evidence.ts';
import type { Part } from '../lifecycle/plan.ts';

export type DataFacts = { model: string; data: Data; result: DataResult };

/** The view of templates/cards/data-section.hbs and data-card.hbs: counts and digests, never a row. */
export function dataView({ model, data, result }: DataFacts) {
  const { parts } = result;
  const named: [string, string, Part | null][] = [
    ['train', 'fits the twin', parts.train],
    ['validation', 'chooses between candidates', parts.validation],
    ['recent holdout', 'judges', parts.recent],
    ['all of the window', 'fits what is served, where refit is full', parts.full],
    ['anchor holdout', 'shows what was forgotten', parts.anchor],
  ];
  return {
    model,
    rows: result.rows,
    verdict: result.contract.verdict,
    reasons: result.contract.reasons,
    broken: result.contract.reasons.filter(({ verdict }) => verdict !== 'passed'),
    held: result.contract.reasons.flatMap(({ verdict, actual }) => (verdict === 'passed' ? [actual] : [])),
    sources: result.sources.map((source) => ({ ...source, attribution: attributionOf(data, source.name) })),
    steps: result.steps,
    columns: result.columns.length,
    window: result.window && {
      from: result.window.from.slice(0, 10),
      until: result.window.until.slice(0, 10),
    },
    parts: named.flatMap(([name, purpose, part]) => (part ? [{ name, purpose, ...span(part) }] : [])),
    notes: result.notes,
    target: data.target,
    key: data.key,
    time: data.time,
    inputs: Object.entries(data.inputs).map(([name, input]) => ({
      name,
      ...input,
      rule: ruleOf(data, name),
    })),
    contract: Object.entries(data.contract.columns).map(([name, { type }]) => ({
      name,
      type,
      rule: ruleOf(data, name),
    })),
    labels: data.labels,
    output: result.output.content,
    profile: result.profile,
  };
}

function span({ rows, from, until }: Part) {
  return { rows, from: from?.slice(0, 10) ?? null, until: until?.slice(0, 10) ?? null };
}

function attributionOf(data: Data, name: string): string {
  const source = data.sources.find((other) => other.name === name);
  return source && 'attribution' in source ? source.attribution : '';
}

/** A column's rules in words, such as `required, 0 to 23`. */
function ruleOf(data: Data, column: string): string {
  const rule = data.contract.columns[column];
  if (!rule) return '';
  const { minimum, maximum, values } = rule;
  return [
    rule.required ? 'required' : '',
    rule.unique ? 'unique' : '',
    minimum !== undefined && maximum !== undefined ? `${minimum} to ${maximum}` : '',
    minimum !== undefined && maximum === undefined ? `at least ${minimum}` : '',
    minimum === undefined && maximum !== undefined ? `at most ${maximum}` : '',
    values ? `one of ${values.join(', ')}` : '',
    rule.severity === 'warning' ? 'warning only' : '',
  ]
    .filter((word) => word !== '')
    .join(', ');
}
