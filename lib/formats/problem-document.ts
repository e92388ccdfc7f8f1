import type { Problem } from '../lifecycle/problem.ts';
import type { Digest } from '../lifecycle/scalars.ts';
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
    success: problem.success.map(({ metric, direction, threshold }) => ({
      metric: METRIC_WORDS[metric].label,
      long: METRIC_WORDS[metric].long,
      bound: direction === 'minimize' ? 'at most' : 'at least',
      threshold,
    })),
    gates: problem.gates.map((gate) => ({ name: gate.name, rule: gateWords(gate), on: gate.on })),
    value: problem.value && { ...problem.value, words: valueWords(problem.value) },
    approvals: approvals.map((approval) => ({
      ...approval,
      roles: approval.roles.join(', '),
      at: approval.at.slice(0, 10),
    })),
  };
}

export function taskWords(task: Problem['task']): string {
  if (task.kind === 'regression') return 'regression: a number';
  if (task.kind === 'binary') return `binary classification: "${task.positive}" means yes`;
  return 'multiclass classification: one of several classes';
}

function gateWords(gate: Problem['gates'][number]): string {
  const { label } = METRIC_WORDS[gate.metric];
  if (gate.kind === 'better_than') return `${label} better than the ${gate.than}'s`;
  if (gate.kind === 'not_worse_than') return `${label} not worse than the ${gate.than}'s by ${gate.by}`;
  return gate.at_most === undefined
    ? `${label} at least ${gate.at_least}`
    : `${label} at most ${gate.at_most}`;
}

function valueWords(value: NonNullable<Problem['value']>): string {
  if (value.kind === 'classes') return `a table of costs by actual and predicted class, in ${value.unit}`;
  return `${value.under} ${value.unit} for each ${value.per} too few, ${value.over} ${value.unit} for each too many`;
}
