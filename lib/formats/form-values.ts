import { DIRECTION } from '../lifecycle/estimate.ts';
import { nearestOf } from '../lifecycle/nearest.ts';
import { EXPLANATIONS, METRICS, type Metric, type Problem } from '../lifecycle/problem.ts';
import { modelNameSchema } from '../lifecycle/scalars.ts';
import {
  boxesOf,
  type FormAnswers,
  linesOf,
  numberOf,
  type PROBLEM_FIELDS,
  pairsOf,
} from './form-answers.ts';

/** Tells what an answer can't mean, behind the label of its field. */
export type Tell = (field: keyof typeof PROBLEM_FIELDS, fault: string) => void;

export function taskOf(answers: FormAnswers, tell: Tell): Problem['task'] | null {
  const words = answers.task?.toLowerCase() ?? '';
  if (words === '') return null;
  if (words.includes('regression')) return { kind: 'regression' };
  if (words.includes('multiclass')) return { kind: 'multiclass' };
  if (words.includes('binary')) {
    if (answers.positive === undefined) tell('positive', 'which value of the target means yes?');
    return { kind: 'binary', positive: scalarOf(answers.positive ?? '') };
  }
  const instead = /forecast/.test(words)
    ? ': frame a forecast as a number, with lags among what is known'
    : '';
  tell('task', `regression, binary or multiclass; other kinds are not built yet${instead}`);
  return null;
}

type Success = Problem['success'][number];
type StatedSuccess = Omit<Success, 'metric' | 'threshold'> & {
  metric: Metric | undefined;
  threshold: number | null;
};

/** The first metric on all rows, then a line each of `metric: bound` or `metric where column = value: bound`. */
export function successOf(answers: FormAnswers, tell: Tell): StatedSuccess[] {
  const { metric, threshold } = answers;
  const first = boundOf({ metric, threshold }, (what, fault) => tell(what, fault));
  const more = linesOf(answers.more).map((line) => {
    const match = /^([A-Za-z_0-9]+)(?:\s+(?:where|on|for)\s+(.+?)\s*=\s*(.+?))?\s*:\s*([^:]+)$/i.exec(line);
    if (!match) {
      tell(
        'more',
        `a line each, such as "rmse: 90" or "mae where season = winter: 70", and not "${cut(line)}"`,
      );
      return null;
    }
    const [, name, column, value, bound] = match;
    const stated = boundOf({ metric: name?.toLowerCase(), threshold: bound }, (_, fault) =>
      tell('more', fault),
    );
    return { ...stated, slice: column && value ? { column, value: scalarOf(value) } : null };
  });
  return [first, ...more.filter((one) => one !== null)];
}

function boundOf(
  { metric, threshold }: { metric: string | undefined; threshold: string | undefined },
  tell: (what: 'metric' | 'threshold', fault: string) => void,
): StatedSuccess {
  const known = METRICS.find((name) => name === metric?.toLowerCase());
  if (metric !== undefined && !known) {
    const nearest = nearestOf(metric.slice(0, 40), METRICS);
    tell('metric', `one of ${METRICS.join(', ')}${nearest ? `; did you mean ${nearest}?` : ''}`);
  }
  const direction = known ? DIRECTION[known] : 'maximize';
  const { side, number } = sideOf(threshold ?? '');
  const bound = numberOf(number);
  if (threshold !== undefined && bound === null) tell('threshold', 'a number, such as 60 or 0.85');
  else if (known && side !== null && side !== direction) {
    const better =
      direction === 'minimize'
        ? 'lower is better, so it is "at most"'
        : 'higher is better, so it is "at least"';
    tell('threshold', `"${cut(threshold ?? '')}" is on the wrong side: of ${known} ${better}`);
  }
  return { metric: known, direction, threshold: bound, slice: null };
}

const SIDES: [RegExp, Success['direction']][] = [
  [/^(?:at most|max(?:imum)?|under|below|less than|<=|≤|<)\s*/i, 'minimize'],
  [/^(?:at least|min(?:imum)?|over|above|more than|>=|≥|>)\s*/i, 'maximize'],
];

function sideOf(text: string): { side: Success['direction'] | null; number: string } {
  for (const [words, side] of SIDES) {
    const rest = text.trim().replace(words, '');
    if (rest !== text.trim()) return { side, number: rest };
  }
  return { side: null, number: text };
}

/** Lines `value:` and `how:`, or any text for how it is done today. */
export function baselineOf(text: string | undefined, tell: Tell): Problem['baseline'] {
  const entries = new Map(pairsOf(text).map(([name, value]) => [name.toLowerCase(), value]));
  if (text === undefined || !entries.has('value'))
    return { how: entries.get('how') ?? text ?? '', value: null };
  const value = numberOf(entries.get('value'));
  if (value === null) tell('baseline', '"value" is a number in the success metric, such as "value: 72"');
  return { how: entries.get('how') ?? '', value };
}

/** `under`, `over`, `unit`, `per` for numbers; `actual -> predicted: cost` and `unit` for classes. */
export function pricesOf(
  text: string | undefined,
  task: Problem['task'] | null,
  tell: Tell,
): Problem['value'] {
  if (text === undefined) return null;
  const pairs = pairsOf(text);
  const entries = new Map(pairs.map(([name, value]) => [name.toLowerCase(), value]));
  const cells = pairs.filter(([name]) => /->|→/.test(name));
  const unit = entries.get('unit') ?? '';
  const note = entries.get('note') ?? '';
  if (cells.length > 0) return { kind: 'classes', unit, cost: matrixOf(cells, tell), note };
  if (task !== null && task.kind !== 'regression') {
    tell(
      'value',
      'a line for each mistake, such as "no -> yes: 5", "yes -> no: 50", and "unit: EUR"; or nothing',
    );
    return null;
  }
  const [under, over] = [numberOf(entries.get('under')), numberOf(entries.get('over'))];
  const per = entries.get('per');
  if (under === null || over === null || under < 0 || over < 0 || unit === '' || !per) {
    tell('value', 'four lines, such as "under: 2", "over: 1", "unit: EUR", "per: rental"; or nothing');
    return null;
  }
  return { kind: 'numbers', under, over, unit, per, note };
}

/** A right answer costs nothing where no line says otherwise. */
function matrixOf(cells: [string, string][], tell: Tell): Record<string, Record<string, number>> {
  const cost = new Map<string, Map<string, number>>();
  for (const [name, text] of cells) {
    const [actual = '', predicted = ''] = name.split(/\s*(?:->|→)\s*/);
    const price = numberOf(text);
    if (price === null || actual === '' || predicted === '' || [actual, predicted].includes('__proto__'))
      tell('value', `"${cut(`${name}: ${text}`)}" is no cost: "actual -> predicted: 5"`);
    else cost.set(actual, (cost.get(actual) ?? new Map([[actual, 0]])).set(predicted, price));
  }
  return Object.fromEntries([...cost].map(([actual, row]) => [actual, Object.fromEntries(row)]));
}

export function columnsOf(text: string | undefined, tell: Tell): Problem['data']['columns'] {
  return linesOf(text).flatMap((line) => {
    const [, name = line, words = ''] = /^(.+?)\s*(?::\s*([^:]*))?$/.exec(line) ?? [];
    const type = /^(?:number|numeric|integer|float)$/i.test(words)
      ? ('number' as const)
      : /^(?:category|categorical|text|string|boolean|bool)$/i.test(words)
        ? ('category' as const)
        : null;
    if (type !== null) return [{ name, type }];
    tell('columns', `"${cut(line)}": a column and its type, such as "temp: number" or "season: category"`);
    return [];
  });
}

/** A limit above 0; `whole` for what is counted. */
export function limitOf(
  answers: FormAnswers,
  { field, whole }: { field: 'rows' | 'latency' | 'size'; whole: boolean },
  tell: Tell,
): number | null {
  const text = answers[field]?.replace(/\s*(?:ms|milliseconds|mb|rows)$/i, '');
  if (text === undefined) return null;
  const value = numberOf(text);
  if (value !== null && value > 0 && (!whole || Number.isInteger(value))) return value;
  tell(field, whole ? 'a whole number above 0' : 'a number above 0');
  return null;
}

export function explainabilityOf(
  text: string | undefined,
  tell: Tell,
): Problem['constraints']['explainability'] {
  const words = text?.toLowerCase() ?? '';
  if (words === '' || words.startsWith('no')) return 'none';
  const found = EXPLANATIONS.find((one) => words.includes(one.replace('_', ' ')));
  if (found) return found;
  tell('explainability', 'none, global or per prediction');
  return 'none';
}

/** Boxes of the form that stand there unticked, or don't. */
export function unconfirmedOf(answers: FormAnswers, asked: readonly string[]): string[] {
  const ticked = boxesOf(answers.confirmed).flatMap((box) => (box.ticked ? [box.label] : []));
  return asked.filter((label) => !ticked.includes(label));
}

/** A value as it would stand in the data: a number or boolean where it looks like one. */
function scalarOf(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return text.endsWith('%') ? text : (numberOf(text) ?? text);
}

export function titleOf(title: string, model: string): string {
  const rest = title.replace(/^ML problem:?\s*/i, '').trim();
  return (rest === '' ? model : rest).slice(0, 200);
}

export function suggestName(text: string): string {
  const name = text
    .slice(0, 200)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
  return modelNameSchema.safeParse(name).success ? name : 'bikes';
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
