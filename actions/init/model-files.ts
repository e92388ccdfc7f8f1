import { draftOperate, problemYaml } from '#lib/formats/skeleton.ts';
import { isLoggedColumn } from '#lib/lifecycle/data.ts';
import { type Problem, problemSchema } from '#lib/lifecycle/problem.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import type { RepositoryFile } from '../../templates/repository.ts';
import type { ColumnFacts, FileFacts } from './inspect.ts';
import { dataYaml, modelYaml, ROW_NUMBER, rowsSql, splitOf } from './model-texts.ts';
import type { ModelReport } from './report.ts';
import type { InitInput, ModelRequest } from './request.ts';

/** `models/<name>/` for a file: files that parse and run, and notes on what a person has to look at. */
export function modelFiles(
  request: ModelRequest,
  { facts, object }: { facts: FileFacts; object: Digest },
): { files: RepositoryFile[]; notes: string[]; report: ModelReport } {
  const task = taskOf(request, facts);
  const { inputs, notes, leftOut, leaks } = inputsOf(request, facts, task.kind === 'regression');
  if (inputs.length === 0) {
    throw new UserError('no column is left to predict from', {
      fix: `add columns beside "${request.target}"`,
    });
  }
  const problem = problemOf(request, { task, facts });
  const [success] = problem.success;
  const folder = `models/${request.name}`;
  return {
    report: reportOf(request, { facts, problem, inputs, leftOut, leaks }),
    files: [
      { path: `${folder}/problem.yml`, text: problemYaml(problem) },
      { path: `${folder}/data.yml`, text: dataYaml(request, { facts, object, inputs }) },
      { path: `${folder}/pipeline/10-rows.sql`, text: rowsSql(request, { facts, inputs }) },
      { path: `${folder}/model.yml`, text: modelYaml(request, task.kind === 'regression') },
      { path: `${folder}/operate.yml`, text: draftOperate(problem, 'production') },
    ],
    notes: [
      ...facts.notes,
      ...notes,
      `success is ${success?.metric} ${success?.direction === 'minimize' ? 'at most' : 'at least'} ${success?.threshold}, about what the trivial answer reaches: write what helps into problem.yml`,
      'objective, decision and stakeholders of problem.yml are for you to write',
    ],
  };
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
): { inputs: InitInput[]; notes: string[] } & Pick<ModelReport, 'leaks'> & {
    leftOut: ModelReport['left_out'];
  } {
  const leftOut: ModelReport['left_out'] = [];
  const leaks: ModelReport['leaks'] = [];
  const inputs = columns.flatMap((column): InitInput[] => {
    const { name, kind, integer, distinct, correlation } = column;
    if (name === target) return [];
    const out = (why: string) => {
      leftOut.push({ column: name, reason: why });
      return [];
    };
    if (kind === 'time') return time.includes(name) ? [] : out('a date or time is no input');
    if (distinct <= 1) return out('it has one value');
    if (distinct === rows && (integer || kind === 'text')) return out('it names the row');
    if (regression && Math.abs(correlation) > 0.95) {
      leaks.push({ columns: [name], reason: 'correlation with the target', score: Math.abs(correlation) });
      return out(`it may hold the answer (correlation ${correlation.toFixed(2)} with the target)`);
    }
    if (kind === 'text' && distinct > MOST_CATEGORIES)
      return time.includes(name) ? [] : out(`it has ${distinct} different texts`);
    const category = kind === 'text' || (integer && distinct <= MOST_NUMBERED_CATEGORIES && distinct > 2);
    return [{ name: freeName(name, columns), type: category ? 'category' : 'number', column }];
  });
  const renamed = inputs
    .filter(({ name, column }) => name !== column.name)
    .map(({ name, column }) => `"${column.name}" is called "${name}": the first name has a use of its own`);
  const notes = [...renamed, ...leftOut.map(({ column, reason }) => `"${column}" is left out: ${reason}`)];
  return {
    inputs,
    leftOut,
    leaks,
    notes: [...notes, 'check that every input is known when a prediction is asked for'],
  };
}

/** A column under the name of one that the prediction log or the first step has gets another. */
function freeName(name: string, columns: readonly { name: string }[]): string {
  const isTaken = (each: string) => isLoggedColumn(each) || each.toLowerCase() === ROW_NUMBER;
  if (!isTaken(name)) return name;
  const others = new Set(columns.map((column) => column.name.toLowerCase()));
  let free = `${name}_`;
  while (others.has(free.toLowerCase())) free += '_';
  return free;
}

type Reported = {
  facts: FileFacts;
  problem: Problem;
  inputs: readonly InitInput[];
  leftOut: ModelReport['left_out'];
  leaks: ModelReport['leaks'];
};

function reportOf(request: ModelRequest, { facts, problem, inputs, leftOut, leaks }: Reported): ModelReport {
  const { task, target, success } = problem;
  const [first] = success;
  if (first === undefined) throw new Error('a problem has at least one success metric');
  const roleOf = (name: string) => {
    if (name === target) return 'target';
    if (inputs.some(({ column }) => column.name === name)) return 'input';
    return request.time.includes(name) ? 'time' : 'left-out';
  };
  return {
    task: task.kind,
    target,
    positive: task.kind === 'binary' ? task.positive : null,
    time: request.time.length === 0 ? null : { columns: request.time },
    rows: facts.rows,
    dialect: facts.format.kind === 'csv' ? facts.format.dialect : null,
    columns: facts.columns.map(({ name, type, kind, distinct, missing }) => ({
      ...{ name, type, kind, role: roleOf(name), distinct, missing },
    })),
    leaks,
    left_out: leftOut,
    missing: [],
    problem: {
      metric: first.metric,
      direction: first.direction,
      trivial: facts.trivial,
      threshold: first.threshold,
    },
    split: splitOf(request, facts),
  };
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
