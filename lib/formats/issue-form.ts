import type { ZodError } from 'zod';
import { checkProblem } from '../lifecycle/config-checks.ts';
import type { Policy } from '../lifecycle/policy.ts';
import { type Problem, problemSchema } from '../lifecycle/problem.ts';
import { type Review, reviewProblem } from '../lifecycle/problem-review.ts';
import { modelNameSchema } from '../lifecycle/scalars.ts';
import {
  type FormAnswers,
  PROBLEM_FIELDS,
  type ProblemField,
  pairsOf,
  parseIssueForm,
} from './form-answers.ts';
import {
  baselineOf,
  columnsOf,
  explainabilityOf,
  limitOf,
  pricesOf,
  successOf,
  suggestName,
  type Tell,
  taskOf,
  titleOf,
  unconfirmedOf,
} from './form-values.ts';
import { METRIC_WORDS } from './metric-words.ts';
import { taskWords } from './problem-document.ts';

const REQUIRED: readonly ProblemField[] = [
  'model',
  'objective',
  'decision',
  'task',
  'target',
  'metric',
  'threshold',
  'stakeholders',
];

/** The boxes of the form. Nobody is asked to approve while one of them isn't ticked. */
export const CONFIRMATIONS = [
  'The data may be used for this purpose',
  'The people named above know that they will be asked',
];

/** For what is missing, so that the rest is reviewed too; what lacks an answer is never a problem. */
const STAND_IN = 'missing';

/** Longer answers belong into a page of their own. */
const MOST_CHARACTERS = 5_000;

/**
 * What somebody asked for, as far as it was understood. GitHub doesn't hold issues to the form (the API and
 * blank issues bypass it), so nothing here is trusted; `problem` is set when nothing is missing or wrong.
 */
export type ProblemDraft = Review & {
  answers: FormAnswers;
  /** Labels of required fields without an answer, and boxes that aren't ticked. */
  missing: string[];
  problem: Problem | null;
};

export type DraftContext = {
  issue: number;
  title: string;
  /** When the issue was opened. */
  opened: string;
  /** The base branch's; null where it is not at hand: then nothing is said about people. */
  policy: Policy | null;
};

export function draftProblem(body: string, context: DraftContext): ProblemDraft {
  const { answers, twice } = parseIssueForm(body);
  const missing = [
    ...REQUIRED.filter((id) => answers[id] === undefined).map((id) => PROBLEM_FIELDS[id]),
    ...unconfirmedOf(answers, CONFIRMATIONS).map((label) => `tick: ${label}`),
  ];
  const contradictions = twice.map((label) => `${label}: answered twice, and differently`);
  const told: Tell = (field, fault) => void contradictions.push(`${PROBLEM_FIELDS[field]}: ${fault}`);
  const parsed = problemSchema.safeParse(stateProblem(answers, context, told));
  if (!parsed.success) {
    // What is missing or was told already is not told again in the schema's words.
    const faults = missing.length > 0 || contradictions.length > 0 ? [] : faultsOf(parsed.error);
    return {
      answers,
      missing,
      contradictions: unique([...contradictions, ...faults]),
      notes: [],
      problem: null,
    };
  }
  const review = reviewProblem(parsed.data, context);
  const faults = checkProblem(parsed.data).map(({ path, message }) => `${pathText(path)}: ${message}`);
  const all = unique([...contradictions, ...faults, ...review.contradictions]);
  const whole = missing.length === 0 && all.length === 0;
  return { answers, missing, contradictions: all, notes: review.notes, problem: whole ? parsed.data : null };
}

/** problem.yml as the answers state it: what could not be read is missing in it. */
function stateProblem(answers: FormAnswers, { issue, title }: DraftContext, told: Tell): object {
  for (const id of ['objective', 'decision', 'data', 'privacy'] as const) {
    const { length } = answers[id] ?? '';
    if (length > MOST_CHARACTERS)
      told(id, `${length} characters, and ${MOST_CHARACTERS} are the most: link a page that says it all`);
  }
  if (answers.model !== undefined && !modelNameSchema.safeParse(answers.model).success)
    told('model', `use a to z, 0 to 9 and hyphens, such as ${suggestName(answers.model)}`);
  const task = taskOf(answers, told);
  return {
    version: 1,
    model: answers.model ?? STAND_IN,
    title: titleOf(title, answers.model ?? STAND_IN),
    objective: answers.objective ?? STAND_IN,
    decision: answers.decision ?? STAND_IN,
    task,
    target: answers.target ?? STAND_IN,
    success: successOf(answers, told),
    gates: usualGates(answers.metric?.toLowerCase()),
    baseline: baselineOf(answers.baseline, told),
    value: pricesOf(answers.value, task, told),
    data: {
      description: answers.data ?? '',
      min_rows: limitOf(answers, { field: 'rows', whole: true }, told) ?? 0,
      columns: columnsOf(answers.columns, told),
    },
    constraints: {
      latency_p95_ms: limitOf(answers, { field: 'latency', whole: false }, told),
      size_mb: limitOf(answers, { field: 'size', whole: false }, told),
      privacy: answers.privacy ?? '',
      explainability: explainabilityOf(answers.explainability, told),
      notes: '',
    },
    stakeholders: pairsOf(answers.stakeholders).map(([login, role]) => ({
      login: login.replace(/^@/, ''),
      role,
    })),
    timeline: pairsOf(answers.timeline).map(([stage, due]) => ({ stage, due })),
    risk: answers.risk?.toLowerCase() ?? 'medium',
    issue,
  };
}

function usualGates(metric: string | undefined): object[] {
  return [
    { kind: 'better_than', name: 'better than the trivial answer', than: 'trivial', metric },
    { kind: 'not_worse_than', name: 'not worse than the champion', than: 'champion', metric, by: '2%' },
  ];
}

function faultsOf({ issues }: ZodError): string[] {
  return issues.map(({ path, message }) => `${pathText(path) || 'the form'}: ${message}`);
}

function pathText(path: readonly PropertyKey[]): string {
  return path.map(String).join('.');
}

function unique(texts: string[]): string[] {
  return [...new Set(texts)];
}

/** The framing that Roundhouse proposes, in sentences of their own. */
export function framing(problem: Problem): string[] {
  const [success, ...more] = problem.success;
  const bound = success?.direction === 'minimize' ? 'at most' : 'at least';
  const baseline =
    problem.task.kind === 'regression'
      ? 'the median of what was trained on'
      : 'the share of each class in what was trained on';
  return [
    `Framed as ${taskWords(problem.task)}.`,
    `Success is ${success && METRIC_WORDS[success.metric].label} of ${bound} ${success?.threshold} on the newest rows, which nobody trained on${more.length > 0 ? `, and ${more.length} more, each a gate of its own` : ''}.`,
    `It must beat the trivial answer (${baseline}), and a new version must not be worse than the one that serves.`,
    problem.value === null
      ? 'Errors have no price yet, so nothing is said about money.'
      : `Errors are priced in ${problem.value.unit}, so every comparison is also one of money.`,
  ];
}
