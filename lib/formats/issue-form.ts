import { checkProblem } from '../lifecycle/config-checks.ts';
import { nearestOf } from '../lifecycle/nearest.ts';
import { METRICS, type Metric, type Problem, problemSchema } from '../lifecycle/problem.ts';
import { modelNameSchema } from '../lifecycle/scalars.ts';
import { type FormAnswers, PROBLEM_FIELDS, type ProblemField, parseIssueForm } from './form-answers.ts';
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

/**
 * What somebody asked for, as far as it was understood. GitHub doesn't hold issues to the form (the API and
 * blank issues bypass it), so nothing here is trusted; `problem` is set when nothing is missing or wrong.
 */
export type ProblemDraft = {
  answers: FormAnswers;
  /** Labels of required fields without an answer. */
  missing: string[];
  /** What can't be, a line each, with what would. */
  contradictions: string[];
  problem: Problem | null;
};

export function draftProblem(body: string, { issue, title }: { issue: number; title: string }): ProblemDraft {
  const answers = parseIssueForm(body);
  const missing = REQUIRED.filter((id) => answers[id] === undefined).map((id) => PROBLEM_FIELDS[id]);
  const contradictions: string[] = [];
  const told = (fault: string) => void contradictions.push(fault);
  const task = taskOf(answers, told);
  const draft = {
    version: 1,
    model: answers.model,
    title: titleOf(title, answers.model ?? ''),
    objective: answers.objective,
    decision: answers.decision,
    task,
    target: answers.target,
    success: [successOf(answers, told)],
    gates: [
      {
        kind: 'better_than',
        name: 'better than the trivial answer',
        than: 'trivial',
        metric: answers.metric,
      },
      {
        kind: 'not_worse_than',
        name: 'not worse than the champion',
        than: 'champion',
        metric: answers.metric,
        by: '2%',
      },
    ],
    value: pricesOf(answers.value, told),
    data: { description: answers.data ?? '', min_rows: wholeOf(answers.rows, 'rows', told) ?? 0 },
    constraints: { latency_p95_ms: wholeOf(answers.latency, 'latency', told), notes: '' },
    stakeholders: pairsOf(answers.stakeholders).map(([login, role]) => ({
      login: login.replace(/^@/, ''),
      role,
    })),
    timeline: pairsOf(answers.timeline).map(([stage, due]) => ({ stage, due })),
    risk: answers.risk ?? 'medium',
    issue,
  };
  if (answers.model !== undefined && !modelNameSchema.safeParse(answers.model).success) {
    told(`${PROBLEM_FIELDS.model}: use a to z, 0 to 9 and hyphens, such as ${suggestName(answers.model)}`);
  }
  if (missing.length > 0 || contradictions.length > 0)
    return { answers, missing, contradictions, problem: null };
  const parsed = problemSchema.safeParse(draft);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(
      ({ path, message }) => `${path.join('.') || 'the form'}: ${message}`,
    );
    return { answers, missing, contradictions: [...new Set(faults)], problem: null };
  }
  const faults = checkProblem(parsed.data).map(({ path, message }) => `${path.join('.')}: ${message}`);
  return { answers, missing, contradictions: faults, problem: faults.length > 0 ? null : parsed.data };
}

/** The framing that Roundhouse proposes, in sentences of their own. */
export function framing(problem: Problem): string[] {
  const [success] = problem.success;
  const bound = success?.direction === 'minimize' ? 'at most' : 'at least';
  const baseline =
    problem.task.kind === 'regression'
      ? 'the median of what was trained on'
      : 'the share of each class in what was trained on';
  return [
    `Framed as ${taskWords(problem.task)}.`,
    `Success is ${success && METRIC_WORDS[success.metric].label} of ${bound} ${success?.threshold} on the newest rows, which nobody trained on.`,
    `It must beat the trivial answer (${baseline}), and a new version must not be worse than the one that serves.`,
    problem.value === null
      ? 'Errors have no price yet, so nothing is said about money.'
      : `Errors are priced in ${problem.value.unit}, so every comparison is also one of money.`,
  ];
}

type Tell = (fault: string) => void;

function taskOf(answers: FormAnswers, tell: Tell): Problem['task'] | null {
  const words = answers.task?.toLowerCase() ?? '';
  if (words === '') return null;
  if (words.includes('regression')) return { kind: 'regression' };
  if (words.includes('multiclass')) return { kind: 'multiclass' };
  if (words.includes('binary')) {
    if (answers.positive === undefined)
      tell(`${PROBLEM_FIELDS.positive}: which value of the target means yes?`);
    return { kind: 'binary', positive: scalarOf(answers.positive ?? '') };
  }
  tell(`${PROBLEM_FIELDS.task}: regression, binary or multiclass; other kinds are not built yet`);
  return null;
}

function successOf({ metric, threshold }: FormAnswers, tell: Tell) {
  const known = METRICS.find((name) => name === metric);
  if (metric !== undefined && !known) {
    const nearest = nearestOf(metric.slice(0, 40), METRICS);
    tell(
      `${PROBLEM_FIELDS.metric}: one of ${METRICS.join(', ')}${nearest ? `; did you mean ${nearest}?` : ''}`,
    );
  }
  const bound = numberOf(threshold);
  if (threshold !== undefined && bound === null)
    tell(`${PROBLEM_FIELDS.threshold}: a number, such as 60 or 0.85`);
  const falling: readonly Metric[] = ['mae', 'rmse', 'log_loss', 'bias'];
  return {
    metric: known,
    direction: known && falling.includes(known) ? 'minimize' : 'maximize',
    threshold: bound,
  };
}

function pricesOf(text: string | undefined, tell: Tell): Problem['value'] {
  if (text === undefined) return null;
  const entries = new Map(pairsOf(text));
  const [under, over] = [numberOf(entries.get('under')), numberOf(entries.get('over'))];
  const [unit, per] = [entries.get('unit'), entries.get('per')];
  if (under === null || over === null || under < 0 || over < 0 || !unit || !per) {
    tell(
      `${PROBLEM_FIELDS.value}: four lines, such as "under: 2", "over: 1", "unit: EUR", "per: rental"; or nothing`,
    );
    return null;
  }
  return { kind: 'numbers', under, over, unit, per, note: entries.get('note') ?? '' };
}

function wholeOf(text: string | undefined, id: 'rows' | 'latency', tell: Tell): number | null {
  if (text === undefined) return null;
  const value = numberOf(text);
  if (value !== null && Number.isInteger(value) && value > 0) return value;
  tell(`${PROBLEM_FIELDS[id]}: a whole number above 0`);
  return null;
}

/** Lines of `name: value`, list marks dropped. */
function pairsOf(text: string | undefined): [string, string][] {
  return (text ?? '')
    .split('\n')
    .slice(0, 50)
    .flatMap((line): [string, string][] => {
      const match = /^[\s*-]*([^:]+):\s*(.+)$/.exec(line.trim());
      return match?.[1] && match[2] ? [[match[1].trim(), match[2].trim()]] : [];
    });
}

function numberOf(text: string | undefined): number | null {
  const clean = text?.trim().replace(/,(?=\d{3}\b)/g, '') ?? '';
  return /^-?\d+(\.\d+)?$/.test(clean) ? Number(clean) : null;
}

/** A positive value as it would stand in the data: a number or boolean where it looks like one. */
function scalarOf(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return numberOf(text) ?? text;
}

function titleOf(title: string, model: string): string {
  const rest = title.replace(/^ML problem:?\s*/i, '').trim();
  return (rest === '' ? model : rest).slice(0, 200);
}

function suggestName(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
  return modelNameSchema.safeParse(name).success ? name : 'bikes';
}
