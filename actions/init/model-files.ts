import { stringify } from 'yaml';
import { draftOperate, problemYaml } from '#lib/formats/skeleton.ts';
import { type Problem, problemSchema } from '#lib/lifecycle/problem.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import type { RepositoryFile } from '../../templates/repository.ts';
import type { ColumnFacts, FileFacts } from './inspect.ts';

export type ModelRequest = {
  name: string;
  target: string;
  time: string[];
  task: 'regression' | 'binary' | 'multiclass' | null;
  positive: string | null;
  delimiter: string | null;
};
type Input = { name: string; type: 'number' | 'category'; column: ColumnFacts };

/** `models/<name>/` for a file: files that parse and run, and notes on what a person has to look at. */
export function modelFiles(
  request: ModelRequest,
  { facts, object }: { facts: FileFacts; object: Digest },
): { files: RepositoryFile[]; notes: string[] } {
  const task = taskOf(request, facts);
  const { inputs, notes } = inputsOf(request, facts, task.kind === 'regression');
  if (inputs.length === 0) {
    throw new UserError('no column is left to predict from', {
      fix: `add columns beside "${request.target}"`,
    });
  }
  const problem = problemOf(request, { task, facts });
  const [success] = problem.success;
  const folder = `models/${request.name}`;
  return {
    files: [
      { path: `${folder}/problem.yml`, text: problemYaml(problem) },
      { path: `${folder}/data.yml`, text: dataYaml(request, { facts, object, inputs }) },
      { path: `${folder}/pipeline/10-rows.sql`, text: rowsSql(request, { facts, inputs }) },
      { path: `${folder}/model.yml`, text: modelYaml(request, task.kind === 'regression') },
      { path: `${folder}/operate.yml`, text: draftOperate(problem, 'production') },
    ],
    notes: [
      ...notes,
      `success is ${success?.metric} ${success?.direction === 'minimize' ? 'at most' : 'at least'} ${success?.threshold}, about what the trivial answer reaches: write what helps into problem.yml`,
      'objective, decision and stakeholders of problem.yml are for you to write',
    ],
  };
}

/** SQL of the time, from one column or from a day and an hour or time of day; null without `--time`. */
export function timeSql(
  time: readonly string[],
  columns: readonly { name: string; type: string; kind: string; integer: boolean }[],
): string | null {
  const [first, second] = time;
  if (first === undefined) return null;
  const found = time.map((name) => columns.find((column) => column.name === name));
  const missing = time.filter((_, index) => !found[index]);
  if (missing.length > 0) {
    throw new UserError(`there is no column "${missing.join('", "')}" for the time`, {
      fix: `it has: ${columns.map(({ name }) => name).join(', ')}`,
    });
  }
  if (found[0]?.kind === 'number') {
    throw new UserError(`the column "${first}" is a number, and a time has to be a date or timestamp`, {
      fix: 'write it as 2012-01-31 or 2012-01-31 17:00:00, or leave --time out',
    });
  }
  if (second === undefined) return `${quote(first)}::timestamp`;
  if (found[1]?.integer) return `(${quote(first)}::date::timestamp + to_hours(${quote(second)}))`;
  return `(${quote(first)}::date + ${quote(second)}::time)`;
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function taskOf({ task, target, positive }: ModelRequest, { columns, classes }: FileFacts): Problem['task'] {
  const column = columns.find(({ name }) => name === target);
  const kind = task ?? guess(column);
  if (kind === 'regression') {
    if (column?.kind === 'number') return { kind };
    throw new UserError(`"${target}" is ${column?.type}, and a regression predicts a number`, {
      fix: 'give --task binary or multiclass',
    });
  }
  if (kind === 'multiclass') return { kind };
  const yes = positive ?? classes.find((value) => ['1', 'true', 'yes', 'y'].includes(value.toLowerCase()));
  if (yes === undefined || !classes.includes(yes)) {
    throw new UserError(`which value of "${target}" means yes? It has: ${classes.join(', ')}`, {
      fix: 'give it as --positive',
    });
  }
  if (column?.kind === 'number') return { kind, positive: Number(yes) };
  return { kind, positive: column?.type === 'BOOLEAN' ? yes === 'true' : yes };
}

function guess(column: ColumnFacts | undefined): 'regression' | 'binary' | 'multiclass' {
  if (column?.distinct === 2) return 'binary';
  return column?.kind === 'number' ? 'regression' : 'multiclass';
}

const MOST_CATEGORIES = 50;
const MOST_NUMBERED_CATEGORIES = 31;

/** Columns that can be inputs, and a note for each that is left out. */
function inputsOf(
  { target, time }: ModelRequest,
  { columns, rows }: FileFacts,
  regression: boolean,
): { inputs: Input[]; notes: string[] } {
  const notes: string[] = [];
  const inputs = columns.flatMap((column): Input[] => {
    const { name, kind, integer, distinct, correlation } = column;
    if (name === target) return [];
    const out = (why: string) => {
      notes.push(`"${name}" is left out: ${why}`);
      return [];
    };
    if (kind === 'time') return time.includes(name) ? [] : out('a date or time is no input');
    if (distinct <= 1) return out('it has one value');
    if (distinct === rows && (integer || kind === 'text')) return out('it names the row');
    if (regression && Math.abs(correlation) > 0.95) {
      return out(`it may hold the answer (correlation ${correlation.toFixed(2)} with the target)`);
    }
    if (kind === 'text' && distinct > MOST_CATEGORIES)
      return time.includes(name) ? [] : out(`it has ${distinct} different texts`);
    const category = kind === 'text' || (integer && distinct <= MOST_NUMBERED_CATEGORIES && distinct > 2);
    return [{ name, type: category ? 'category' : 'number', column }];
  });
  return { inputs, notes: [...notes, 'check that every input is known when a prediction is asked for'] };
}

function problemOf(
  { name, target }: ModelRequest,
  { task, facts }: { task: Problem['task']; facts: FileFacts },
): Problem {
  const round = (value: number) => Number(value.toPrecision(3));
  const success =
    task.kind === 'regression'
      ? { metric: 'mae', direction: 'minimize', threshold: round(facts.trivial) }
      : { metric: 'accuracy', direction: 'maximize', threshold: round(facts.trivial) };
  return problemSchema.parse({
    version: 1,
    model: name,
    title: `Predict ${target}`,
    objective: 'To be written: what gets better for whom.',
    decision: 'To be written: what somebody does differently because of a prediction.',
    task,
    target,
    success: [success],
    data: { min_rows: Math.floor(facts.rows / 2) },
    stakeholders: [{ login: 'product-owner', role: 'product-owner' }],
  });
}

const hasTime = ({ time }: ModelRequest) => time.length > 0;

function dataYaml(
  request: ModelRequest,
  { facts, object, inputs }: { facts: FileFacts; object: Digest; inputs: Input[] },
): string {
  const source = {
    kind: facts.format,
    name: 'history',
    object,
    ...(facts.format === 'csv' && request.delimiter ? { delimiter: request.delimiter } : {}),
  };
  const block = (value: object) => stringify(value, { lineWidth: 0 }).trimEnd();
  const key = hasTime(request) && facts.uniqueTime ? 'event_time' : 'row_number';
  const rules = Object.fromEntries(inputs.map(({ name, column }) => [name, ruleOf(column)]));
  return `# Where the rows come from, what they must look like, and which of them judge.
version: 1

${block({ sources: [source] })}

# SQL files in order, one SELECT each; the last table is what is trained on.
${block({ pipeline: ['pipeline/10-rows.sql'] })}

${block({ key: [key], ...(hasTime(request) ? { time: 'event_time' } : {}) })}
# What a bootstrap resamples: rows of one day go up and down together.
${block({ unit: hasTime(request) ? { block: 'P1D' } : 'row', target: request.target })}

# Everything comes with the request. Write down what each one means.
${block({ inputs: Object.fromEntries(inputs.map(({ name, type }) => [name, { from: 'request', type, meaning: '' }])) })}

# Ranges as the file has them now: widen what may lie outside.
${block({ contract: { columns: rules, rows: { minimum: Math.floor(facts.rows / 2) } } })}

# How long after the event its true value is known.
${block({ labels: { lag: 'P1D', min_coverage: 0.8 } })}

window: all

# The newest rows judge, and nobody trains on them.
${block({ split: splitOf(request, facts) })}
`;
}

function ruleOf({ kind, type, integer, missing, minimum, maximum }: ColumnFacts) {
  const required = missing === 0 ? { required: true } : {};
  if (kind !== 'number') return { type: type === 'BOOLEAN' ? 'boolean' : 'string', ...required };
  return { type: integer ? 'integer' : 'number', ...required, minimum, maximum };
}

/** About a tenth of the time for each part, four weeks at most. */
function splitOf(request: ModelRequest, { days }: FileFacts) {
  if (!hasTime(request)) return { by: 'key', recent: 0.2, validation: 0.1 };
  const part = `P${Math.max(1, Math.min(28, Math.floor(days / 10)))}D`;
  return { by: 'time', recent: part, embargo: 'P1D', validation: part };
}

function rowsSql(request: ModelRequest, { facts, inputs }: { facts: FileFacts; inputs: Input[] }): string {
  const time = timeSql(request.time, facts.columns);
  const columns = [
    ...(time === null ? [] : [`${time} as event_time`]),
    ...(time !== null && facts.uniqueTime ? [] : ['row_number() over () as row_number']),
    ...inputs.map(({ name }) => quote(name)),
    quote(request.target),
  ];
  return `-- One row per line of the file. Clean, join and compute here; each file is one SELECT.\nselect\n  ${columns.join(',\n  ')}\nfrom history\n`;
}

function modelYaml(request: ModelRequest, regression: boolean): string {
  const loss = regression ? '\n    loss: mae' : '';
  return `# What is trained. The candidate with the lowest validation loss meets the holdout.
version: 1
predictor: onnx

candidates:
  - name: linear
    trainer: linear${loss}
    epochs: 40
    learning_rate: 0.01
  - name: mlp
    trainer: mlp
    hidden: [64, 32]${loss}
    epochs: 40
    learning_rate: 0.003

seed: 1

# full: what is served is trained up to the newest row, and what was judged is its twin.
refit: ${hasTime(request) ? 'full' : 'none'}

description: ""
limitations: []
`;
}
