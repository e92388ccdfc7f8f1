import type { Problem } from '../lifecycle/problem.ts';
import type { Digest } from '../lifecycle/scalars.ts';
import { type FormAnswers, PROBLEM_FIELDS, type ProblemField } from './form-answers.ts';
import { METRIC_WORDS } from './metric-words.ts';

/** Who approved the problem, as the document records it. */
export type RecordedApproval = { login: string; roles: readonly string[]; at: string; url: string };
export type ProblemFacts = { problem: Problem; digest: Digest; approvals: readonly RecordedApproval[] };

/** The view of templates/cards/problem.hbs, which is PROBLEM.md. */
export function problemView({ problem, digest, approvals }: ProblemFacts) {
  return {
    ...problem,
    digest,
    task: taskWords(problem.task),
    success: problem.success.map(({ metric, direction, threshold, slice }) => ({
      metric: METRIC_WORDS[metric].label,
      long: METRIC_WORDS[metric].long,
      bound: direction === 'minimize' ? 'at most' : 'at least',
      threshold,
      rows: rowsWords(slice),
    })),
    gates: gateRows(problem.gates),
    today: baselineWords(problem),
    explainability: EXPLAINED[problem.constraints.explainability],
    value: problem.value && { ...problem.value, words: valueWords(problem.value) },
    approvals: approvals.map((approval) => ({
      ...approval,
      roles: approval.roles.join(', '),
      at: approval.at.slice(0, 10),
    })),
  };
}

export type TableRow = { what: string; text: string };

/** The problem in a few lines, for the reply to its issue. */
export function problemTable(problem: Problem): TableRow[] {
  const { data, constraints, baseline, value } = problem;
  const row = (what: string, text: string) => (text === '' ? [] : [{ what, text: shortened(text) }]);
  return [
    ...row('Model', problem.model),
    ...row('Objective', problem.objective),
    ...row('Decision', problem.decision),
    ...row('Predicts', `${problem.target}, ${taskWords(problem.task)}`),
    ...row('Success', problem.success.map(successWords).join('; ')),
    ...row('Today', baselineWords(problem)),
    ...row('What errors cost', value === null ? '' : valueWords(value)),
    ...row('Data', data.description),
    ...row('Known when predicting', data.columns.map(({ name, type }) => `${name} (${type})`).join(', ')),
    ...row('Limits', limitWords(problem).join('; ')),
    ...row('Privacy', constraints.privacy),
    ...row('People', problem.stakeholders.map(({ login, role }) => `${login} (${role})`).join(', ')),
    ...row('Timeline', problem.timeline.map(({ stage, due }) => `${stage} ${due}`).join(', ')),
    ...row('Risk', problem.risk),
  ].filter(({ what }) => what !== 'Today' || baseline.how !== '' || baseline.value !== null);
}

/** What an issue answers so far, by the labels of the form. */
export function answersTable(answers: FormAnswers): TableRow[] {
  return (Object.keys(PROBLEM_FIELDS) as ProblemField[]).flatMap((id) => {
    const text = answers[id];
    return text === undefined ? [] : [{ what: PROBLEM_FIELDS[id], text: shortened(text) }];
  });
}

const MOST_IN_A_CELL = 240;

function shortened(text: string): string {
  return text.length > MOST_IN_A_CELL ? `${text.slice(0, MOST_IN_A_CELL)}…` : text;
}

export function gateRows(gates: Problem['gates']): { name: string; rule: string; on: string }[] {
  return gates.map((gate) => ({ name: gate.name, rule: gateWords(gate), on: gate.on }));
}

function successWords({ metric, direction, threshold, slice }: Problem['success'][number]): string {
  const bound = direction === 'minimize' ? 'at most' : 'at least';
  return `${METRIC_WORDS[metric].label} ${bound} ${threshold}${slice === null ? '' : ` (${rowsWords(slice)})`}`;
}

function rowsWords(slice: Problem['success'][number]['slice']): string {
  return slice === null ? 'all rows' : `rows where ${slice.column} = ${slice.value}`;
}

function baselineWords({ baseline, success: [first] }: Problem): string {
  const figure =
    baseline.value === null || !first ? '' : `${METRIC_WORDS[first.metric].label} ${baseline.value}`;
  return [figure, baseline.how].filter((part) => part !== '').join(': ');
}

/** What is asked beside quality, with who checks it: what nobody does is said to be so. */
export function limitWords({ data, constraints }: Problem): string[] {
  const { latency_p95_ms, size_mb, explainability } = constraints;
  return [
    ...(data.min_rows > 0 ? [`${data.min_rows} rows at least`] : []),
    ...(latency_p95_ms === null ? [] : [`${latency_p95_ms} ms for 95 % of answers (the canary checks)`]),
    ...(size_mb === null ? [] : [`${size_mb} MB (a gate)`]),
    ...(explainability === 'none' ? [] : [EXPLAINED[explainability]]),
  ];
}

const EXPLAINED: Record<Problem['constraints']['explainability'], string> = {
  none: '',
  global: 'which columns matter (the card says)',
  per_prediction: 'a reason for each prediction (not checked yet)',
};

export function taskWords(task: Problem['task']): string {
  if (task.kind === 'regression') return 'regression: a number';
  if (task.kind === 'binary') return `binary classification: "${task.positive}" means yes`;
  return 'multiclass classification: one of several classes';
}

function gateWords(gate: Problem['gates'][number]): string {
  const { label } = METRIC_WORDS[gate.metric];
  const where = gate.kind === 'threshold' && gate.slice !== null ? ` on ${rowsWords(gate.slice)}` : '';
  if (gate.kind === 'better_than') return `${label} better than the ${gate.than}'s`;
  if (gate.kind === 'not_worse_than') return `${label} not worse than the ${gate.than}'s by ${gate.by}`;
  return gate.at_most === undefined
    ? `${label} at least ${gate.at_least}${where}`
    : `${label} at most ${gate.at_most}${where}`;
}

function valueWords(value: NonNullable<Problem['value']>): string {
  if (value.kind === 'classes') {
    const mistakes = Object.entries(value.cost).flatMap(([actual, row]) =>
      Object.entries(row).flatMap(([predicted, cost]) =>
        cost === 0 ? [] : [`${cost} ${value.unit} for "${predicted}" where "${actual}" is true`],
      ),
    );
    return mistakes.slice(0, 12).join(', ');
  }
  return `${value.under} ${value.unit} for each ${value.per} too few, ${value.over} ${value.unit} for each too many`;
}
