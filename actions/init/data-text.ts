import { stringify } from 'yaml';
import { quoteName } from '#lib/data/table-io.ts';
import type { ColumnRule } from '#lib/lifecycle/data-contract.ts';
import { dialectWordsOf, isLoggedColumn } from '#lib/lifecycle/data-source.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import type { InitInput, Understanding } from './understand.ts';

/** Names that the prediction log or the graph has for itself: an input of that name gets another in the pipeline. */
const isTaken = (name: string) => isLoggedColumn(name) || name.toLowerCase() === 'probabilities';

/** What columns are called in the pipeline's output. */
export type OutputNames = {
  /** By the name in the file. */
  inputs: Map<string, string>;
  key: string[];
  time: string | null;
  /** The column that counts the rows of the file, where it is the key. */
  number: string | null;
};

export function outputNames({ inputs, key, facts, target }: Understanding): OutputNames {
  const used = new Set([target, ...key, ...inputs.map(({ name }) => name)].map((name) => name.toLowerCase()));
  const fresh = (wanted: string) => {
    let name = wanted;
    for (let count = 2; used.has(name.toLowerCase()); count++) name = `${wanted}_${count}`;
    used.add(name.toLowerCase());
    return name;
  };
  const renamed = inputs.map(({ name }): [string, string] => [
    name,
    isTaken(name) ? fresh(`${name}_`) : name,
  ]);
  // The time's own name is nobody else's: an input of that name was renamed above.
  const time =
    facts.time === null ? null : target.toLowerCase() === 'event_time' ? fresh('event_time') : 'event_time';
  const byTime = time !== null && facts.uniqueTime && key.length === 0;
  const number = byTime || key.length > 0 ? null : fresh('row_number');
  return {
    inputs: new Map(renamed),
    key: key.length > 0 ? [...key] : [byTime ? (time ?? '') : (number ?? '')],
    time,
    number,
  };
}

const block = (value: object) => stringify(value, { lineWidth: 0 }).trimEnd();
const comment = (mark: string, text: string) => `${mark} ${text.replaceAll(/\s+/g, ' ')}`;

export function dataYaml(
  known: Understanding,
  { object, names }: { object: Digest; names: OutputNames },
): string {
  const { facts, inputs, target, choice } = known;
  const { format, rows } = facts;
  const words = format.kind === 'csv' ? dialectWordsOf(format.dialect) : {};
  const source = { kind: format.kind, name: 'history', object, ...words };
  const output = (name: string) => names.inputs.get(name) ?? name;
  const rules = Object.fromEntries(inputs.map((input) => [output(input.name), ruleOf(input)]));
  const listed = Object.fromEntries(
    inputs.map(({ name, type }) => [output(name), { from: 'request', type, meaning: '' }]),
  );
  return `# Where the rows come from, what they must look like, and which of them judge.
version: 1

${[...sourceNotes(known), block({ sources: [source] })].join('\n')}

# SQL files in order, one SELECT each; the last table is what is trained on.
${block({ pipeline: ['pipeline/10-rows.sql'] })}

${keyNote(known, names)}
${block({ key: names.key, ...(names.time === null ? {} : { time: names.time }) })}
${unitNote(known)}
${block({ unit: choice.unit, target })}

# What comes with a request. Write down what each one means, and take out what nobody knows at that moment.
# A number is imputed and scaled, a category is one column of 0 and 1 per value; all of it lies in the model.
${[...inputNotes(known), block({ inputs: listed })].join('\n')}
${leftOutNotes(known)}
# Ranges as the file has them now: widen what may lie outside.
${block({ contract: { columns: rules, rows: { minimum: Math.floor(rows.kept / 2) } } })}

# How long after the event its true value is known.
${block({ labels: { lag: 'P1D', min_coverage: 0.8 } })}

window: all

${comment('#', choice.why)}
${block({ split: choice.split })}
`;
}

function sourceNotes({ facts }: Understanding): string[] {
  const { codes, sentinels } = facts.cleaning;
  const kept = codes.flatMap(({ column, kept: some }) => some.map((code) => `"${code}" of "${column}"`));
  const unsure = sentinels.filter(({ applied }) => !applied);
  return [
    ...(codes.some(({ applied }) => applied.length > 0)
      ? ['# `missing:` lists texts that stand for no value.']
      : []),
    ...(kept.length > 0
      ? [
          comment(
            '#',
            `Kept as values, because they may be answers: ${kept.join(', ')}. Name one under \`missing_by_column:\` if it is none.`,
          ),
        ]
      : []),
    ...unsure.map(({ column, value, rows, reason }) =>
      comment('#', `${value} of "${column}" (${rows} rows) may mean missing and is kept: ${reason}.`),
    ),
  ];
}

function keyNote({ facts }: Understanding, { number, time }: OutputNames): string {
  if (number !== null)
    return time === null
      ? '# A row is named by its number in the file: keep the order of the file.'
      : '# Several rows have the same time, so a row is named by its number in the file.';
  return time !== null && facts.uniqueTime
    ? '# No two rows have the same time: it names the row.'
    : '# What names a row.';
}

function unitNote({ choice }: Understanding): string {
  return choice.unit === 'row'
    ? '# What a bootstrap resamples. If rows belong together (of one customer, one machine): `{ group: COLUMN }`.'
    : '# What a bootstrap resamples: rows that are near in time go up and down together.';
}

function inputNotes({ inputs }: Understanding): string[] {
  const wide = inputs.filter(({ type, column }) => type === 'category' && column.distinct > 64);
  return wide.map(({ name, column }) =>
    comment(
      '#',
      `"${name}" has ${column.distinct} values: those that ten rows or more share get a column each, 256 at most; the others count as unseen ones do.`,
    ),
  );
}

function leftOutNotes({ leftOut }: Understanding): string {
  if (leftOut.length === 0) return '';
  const lines = leftOut.map(({ column, reason }) => comment('#  ', `"${column}": ${reason}`));
  return `\n# Left out. To bring one back, name it here and in pipeline/10-rows.sql:\n${lines.join('\n')}\n`;
}

function ruleOf({ column, type: use }: InitInput): Partial<ColumnRule> & Pick<ColumnRule, 'type'> {
  const { kind, type, integer, missing, minimum, maximum } = column;
  const required = missing === 0 ? { required: true } : {};
  if (kind !== 'number') return { type: type === 'BOOLEAN' ? 'boolean' : 'string', ...required };
  const range = use === 'category' || Number.isNaN(minimum) ? {} : { minimum, maximum };
  return { type: integer ? 'integer' : 'number', ...required, ...range };
}

export function rowsSql(known: Understanding, names: OutputNames): string {
  const { facts, inputs, target, key } = known;
  const { time, cleaning, rows } = facts;
  const taken = [
    ...(time === null
      ? []
      : [
          {
            sql: `${time.sql} as ${quoteName(names.time ?? '')}`,
            why: `the time, from ${time.columns.join(', ')} (${time.format})`,
          },
        ]),
    ...(names.number === null ? [] : [{ sql: quoteName(names.number), why: '' }]),
    ...[...key, ...inputs.map(({ name }) => name), target].map((name) => columnSql(known, names, name)),
  ];
  const lines = taken.map(({ sql, why }, index) => {
    const end = index === taken.length - 1 ? '' : ',';
    return why === '' ? `  ${sql}${end}` : `  ${sql}${end} ${comment('--', why)}`;
  });
  const label = cleaning.expressions.get(target) ?? quoteName(target);
  const filters = [
    ...(rows.unlabelled > 0
      ? [
          `${label} is not null ${comment('--', `${rows.unlabelled} of ${rows.all} rows have no "${target}"`)}`,
        ]
      : []),
    ...(rows.timeless > 0 && time ? [`${time.sql} is not null -- ${rows.timeless} rows have no time`] : []),
  ];
  const from =
    names.number === null
      ? 'history'
      : `(select *, row_number() over () as ${quoteName(names.number)} from history)`;
  return `-- One row per line of the file. Each file is one SELECT; put another beside it to join or compute.
select
${lines.join('\n')}
from ${from}
${filters.length === 0 ? '' : `where ${filters.join('\n  and ')}\n`}`;
}

function columnSql(
  { facts: { cleaning } }: Understanding,
  names: OutputNames,
  name: string,
): { sql: string; why: string } {
  const expression = cleaning.expressions.get(name);
  const output = names.inputs.get(name) ?? name;
  const amount = cleaning.amounts.find(({ column }) => column === name);
  const sentinel = cleaning.sentinels.find(({ column, applied }) => applied && column === name);
  const why = [
    ...(amount ? [`written as "${amount.example}": requests send the number`] : []),
    ...(sentinel ? [`${sentinel.value} in ${sentinel.rows} rows read as missing`] : []),
    ...(output === name ? [] : [`"${name}" is a name that every prediction log has`]),
  ].join('; ');
  const sql = expression ?? quoteName(name);
  return { sql: expression !== undefined || output !== name ? `${sql} as ${quoteName(output)}` : sql, why };
}
