import { stringify } from 'yaml';
import type { Split } from '#lib/lifecycle/data.ts';
import { dialectWordsOf } from '#lib/lifecycle/data.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import type { ColumnFacts, FileFacts } from './inspect.ts';
import type { InitInput, ModelRequest } from './request.ts';

/** The key that the first step makes where no time tells rows apart. */
export const ROW_NUMBER = 'row_number';

const hasTime = ({ time }: ModelRequest) => time.length > 0;

export function dataYaml(
  request: ModelRequest,
  { facts, object, inputs }: { facts: FileFacts; object: Digest; inputs: InitInput[] },
): string {
  const source = {
    kind: facts.format.kind,
    name: 'history',
    object,
    ...(facts.format.kind === 'csv' ? dialectWordsOf(facts.format.dialect) : {}),
  };
  const block = (value: object) => stringify(value, { lineWidth: 0 }).trimEnd();
  const key = hasTime(request) && facts.uniqueTime ? 'event_time' : ROW_NUMBER;
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
export function splitOf(request: ModelRequest, { days }: FileFacts): Split {
  if (!hasTime(request)) return { by: 'key', recent: 0.2, validation: 0.1 };
  const part = `P${Math.max(1, Math.min(28, Math.floor(days / 10)))}D`;
  return { by: 'time', recent: part, embargo: 'P1D', validation: part };
}

export function rowsSql(
  request: ModelRequest,
  { facts, inputs }: { facts: FileFacts; inputs: InitInput[] },
): string {
  const time = timeSql(request.time, facts.columns);
  const columns = [
    ...(time === null ? [] : [`${time} as event_time`]),
    ...(time !== null && facts.uniqueTime ? [] : [`row_number() over () as ${ROW_NUMBER}`]),
    ...inputs.map(({ name, column }) =>
      name === column.name ? quote(name) : `${quote(column.name)} as ${quote(name)}`,
    ),
    quote(request.target),
  ];
  return `-- One row per line of the file. Clean, join and compute here; each file is one SELECT.\nselect\n  ${columns.join(',\n  ')}\nfrom history\n`;
}

export function modelYaml(request: ModelRequest, regression: boolean): string {
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
