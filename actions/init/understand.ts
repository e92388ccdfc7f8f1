import type { Session } from '#lib/data/duckdb.ts';
import { askNumbers } from '#lib/data/inspect/ask.ts';
import { quoteName } from '#lib/data/table-io.ts';
import {
  type ColumnDecision,
  type ColumnFacts,
  codesAreCategories,
  decideColumn,
} from '#lib/lifecycle/columns.ts';
import {
  decidePositive,
  decideSuccess,
  decideTask,
  type Success,
  type TargetFacts,
} from '#lib/lifecycle/framing.ts';
import { judgeLeaks, type Leak, type LeakFinding } from '#lib/lifecycle/leaks.ts';
import type { Task } from '#lib/lifecycle/problem.ts';
import { chooseSplit, type SplitChoice } from '#lib/lifecycle/split-choice.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { findLeaks } from '#lib/ml/leaks/find.ts';
import { leakFormula } from '#lib/ml/leaks/formula-sql.ts';
import { DATA, type FileFacts, inspectFile, TIME } from './inspect.ts';
import type { ModelRequest } from './request.ts';

/** A column that a prediction is made from. */
export type InitInput = { name: string; type: 'number' | 'category'; column: ColumnFacts };

/** All that is decided about a file: what is written says this, and why. */
export type Understanding = {
  facts: FileFacts;
  target: string;
  task: Task;
  positiveReason: string | null;
  success: Success;
  inputs: InitInput[];
  leftOut: { column: string; reason: string }[];
  leaks: Leak[];
  suspicious: Leak[];
  /** Columns of the file that name a row; empty where the time or the row's number does. */
  key: string[];
  choice: SplitChoice;
  /** What a person has to look at, the weightiest first. */
  notes: string[];
};

/** Rows that leaks are looked for on: formulas that are found are then held against every row. */
const LEAK_ROWS = 20_000;

export async function understandFile(
  file: string,
  request: ModelRequest,
  scratch: string,
): Promise<Understanding> {
  const { more, ...facts } = await inspectFile(file, request, {
    scratch,
    more: async (session, found) => {
      const task = taskOf(request, found);
      await checkKey(session, request.key, file);
      return { ...task, findings: await leaksOf(session, { request, facts: found, task: task.task }) };
    },
  });
  const { task, positiveReason, findings } = more;
  const { leaks, suspicious } = judgeLeaks(findings);
  const { inputs, leftOut } = inputsOf(request, facts, leaks);
  if (inputs.length === 0) {
    throw new UserError('no column is left to predict from', {
      fix: `add columns beside "${request.target}": ${leftOut.map(({ column, reason }) => `"${column}": ${reason}`).join('; ')}`,
    });
  }
  const success = decideSuccess(task.kind, facts, facts.medianError);
  const known: Omit<Understanding, 'notes'> = {
    ...{ facts, target: request.target, task, positiveReason, success, inputs, leftOut, leaks, suspicious },
    key: request.key,
    choice: chooseSplit(facts.spread),
  };
  return { ...known, notes: notesOf(known) };
}

function taskOf(request: ModelRequest, facts: FileFacts): { task: Task; positiveReason: string | null } {
  const column = facts.columns.find(({ name }) => name === request.target);
  if (column === undefined) throw new Error(`the target ${request.target} was there a moment ago`);
  const target: TargetFacts = { column, classes: facts.classes };
  const kind = decideTask(target, request.task);
  if (kind !== 'binary') {
    if (request.positive !== null)
      throw new UserError(
        `--positive is for a target with two values, and "${request.target}" has ${column.distinct}`,
        {
          fix: 'leave --positive out',
        },
      );
    return { task: { kind }, positiveReason: null };
  }
  const { value, reason } = decidePositive(target, request.positive);
  if (column.kind === 'number') return { task: { kind, positive: Number(value) }, positiveReason: reason };
  return {
    task: { kind, positive: column.type === 'BOOLEAN' ? value === 'true' : value },
    positiveReason: reason,
  };
}

async function checkKey(session: Session, key: readonly string[], file: string): Promise<void> {
  if (key.length === 0) return;
  const names = key.map(quoteName);
  const { rows = 0, bare = 0 } = await askNumbers(session, {
    select: {
      rows: 'count(*)',
      bare: `count(*) FILTER (WHERE ${names.map((one) => `${one} IS NULL`).join(' OR ')})`,
    },
    from: DATA,
  });
  const distinct = await session.count(`(SELECT DISTINCT ${names.join(', ')} FROM ${DATA})`);
  if (bare === 0 && distinct === rows) return;
  const fault = bare > 0 ? `${bare} of ${rows} rows lack it` : `${rows} rows have ${distinct} different ones`;
  throw new UserError(`${file}: --key ${key.join(',')} does not name a row: ${fault}`, {
    fix: 'add columns to --key, or leave it out: then the time or the number of the row is the key',
  });
}

async function leaksOf(
  session: Session,
  { request, facts, task }: { request: ModelRequest; facts: FileFacts; task: Task },
): Promise<LeakFinding[]> {
  const { target, key } = request;
  const rows = facts.rows.kept;
  const columns = facts.columns
    .filter((column) => looksAt(column, { facts, target, key }))
    .map(({ name }) => name);
  // Closed on, refund number: left out for what they are, and still the answer where only one class has them.
  const presences = facts.columns
    .filter(({ name, missing }) => missing > 0 && missing < rows && name !== target && !key.includes(name))
    .flatMap(({ name }) => (columns.includes(name) || facts.doubles.has(name) ? [] : [name]));
  const step = Math.max(1, Math.ceil(rows / LEAK_ROWS));
  const timed = facts.time === null ? [] : [TIME];
  const names = [target, ...columns, ...presences, ...timed].map(quoteName).join(', ');
  const table = await session.read(`(SELECT ${names} FROM ${DATA} WHERE rowid % ${step} = 0 ORDER BY rowid)`);
  const findings = findLeaks(table, { task, target, columns, presences, time: facts.time && TIME });
  if (step === 1) return findings;
  return Promise.all(
    findings.map(async (finding) => {
      if (finding.kind === 'single') return finding;
      const met = leakFormula(finding, table, target);
      const { share = 0 } = await askNumbers(session, {
        select: { share: `avg((${met})::int)` },
        from: DATA,
      });
      return { ...finding, share };
    }),
  );
}

/** Constants, times and what names the row give nothing away alone; a number may still be part of a sum. */
function looksAt(
  column: ColumnFacts,
  { facts, target, key }: { facts: FileFacts; target: string; key: readonly string[] },
): boolean {
  const { name, kind, distinct } = column;
  if (name === target || key.includes(name) || facts.doubles.has(name) || kind === 'time' || distinct < 2)
    return false;
  const decision = decideColumn(column, facts.rows.kept);
  return (
    decision.input ||
    decision.why === 'constant' ||
    decision.why === 'entity' ||
    (kind === 'number' && decision.why === 'grows')
  );
}

function inputsOf(
  { target, time, key }: ModelRequest,
  { columns, doubles, rows }: FileFacts,
  leaks: readonly Leak[],
): Pick<Understanding, 'inputs' | 'leftOut'> {
  const leaking = new Map(leaks.flatMap((leak) => leak.columns.map((name) => [name, leak.reason] as const)));
  const leftOut: Understanding['leftOut'] = [];
  const asCodes = decideCodesTogether(
    columns.filter(({ name }) => name !== target && !leaking.has(name)),
    rows.kept,
  );
  const inputs = columns.flatMap((column): InitInput[] => {
    const { name } = column;
    if (name === target || key.includes(name)) return [];
    const double = doubles.get(name);
    const decision = decideColumn(column, rows.kept);
    const reason = leaking.has(name)
      ? `suspected leak: ${leaking.get(name)}`
      : double !== undefined && !(time.includes(double) && !isInput(columns, double, rows.kept))
        ? `it says the same as "${double}"`
        : decision.input
          ? null
          : decision.reason;
    if (reason === null && decision.input)
      return [
        {
          name,
          type: decision.as === 'category' && column.kind === 'number' && !asCodes ? 'number' : decision.as,
          column,
        },
      ];
    // The parts of the time that say nothing else are no surprise.
    if (!time.includes(name) && reason !== null) leftOut.push({ column: name, reason });
    return [];
  });
  return { inputs, leftOut };
}

function isInput(columns: readonly ColumnFacts[], name: string, rows: number): boolean {
  const column = columns.find((one) => one.name === name);
  return column !== undefined && decideColumn(column, rows).input;
}

function decideCodesTogether(columns: readonly ColumnFacts[], rows: number): boolean {
  const isCode = (decision: ColumnDecision) => decision.input && decision.as === 'category';
  const codes = columns.filter((column) => column.kind === 'number' && isCode(decideColumn(column, rows)));
  return codesAreCategories(
    codes.map(({ distinct }) => distinct),
    rows,
  );
}

function notesOf(known: Omit<Understanding, 'notes'>): string[] {
  const { facts, target, task, positiveReason, success, leaks, suspicious, choice, key } = known;
  const { rows, cleaning, time, suggested, format } = facts;
  const notes: string[] = [];
  for (const { columns, reason } of leaks)
    notes.push(`${named(columns)} left out as a suspected leak: ${reason}`);
  for (const { columns, reason } of suspicious)
    notes.push(`${named(columns)} suspicious, kept: ${reason}; is it known when a prediction is asked for?`);
  if (suggested.length > 0)
    notes.push(`no --time: rows are taken in the order of the file; did you mean --time ${suggested[0]}?`);
  else if (time === null)
    notes.push('no --time: rows are named by their number, and judged without an order');
  if (rows.unlabelled > 0)
    notes.push(`${rows.unlabelled} of ${rows.all} rows have no "${target}" and are left out by the pipeline`);
  if (rows.timeless > 0)
    notes.push(`${rows.timeless} of ${rows.all} rows have no time and are left out by the pipeline`);
  for (const note of time?.notes ?? []) notes.push(note);
  for (const { column, applied, kept } of cleaning.codes) {
    if (applied.length > 0)
      notes.push(`"${column}": ${applied.map((code) => `"${code}"`).join(', ')} read as missing`);
    if (kept.length > 0)
      notes.push(
        `"${column}": ${kept.map((code) => `"${code}"`).join(', ')} kept as a value; ${format.kind === 'csv' ? 'name it under `missing_by_column:` in data.yml' : 'use nullif in the pipeline'} if it means missing`,
      );
  }
  for (const { column, value, rows: count, applied, reason } of cleaning.sentinels)
    notes.push(
      `"${column}": ${value} in ${count} rows ${applied ? 'read as missing' : 'may mean missing, and is kept'}: ${reason}`,
    );
  for (const { column, example } of cleaning.amounts)
    notes.push(`"${column}" is read as a number: "${example}" and the like`);
  if (task.kind === 'binary')
    notes.push(`${JSON.stringify(task.positive)} is taken for yes: ${positiveReason}`);
  // What its column stays as says nothing where the time was read all the same.
  const readAs = (time?.columns ?? []).map((name) => `"${name}" stays text`);
  notes.push(...facts.notes.filter((note) => !readAs.some((start) => note.startsWith(start))));
  if (choice.split.by === 'key' && time !== null) notes.push(choice.why);
  if (key.length === 0 && time === null)
    notes.push('the number of the row is the key: keep the order of the file, or give --key');
  notes.push(
    `success is ${success.metric} ${success.direction === 'minimize' ? 'at most' : 'at least'} ${success.threshold}: ${success.reason}; write what helps into problem.yml`,
  );
  notes.push('check that every input is known when a prediction is asked for');
  notes.push('objective, decision and stakeholders of problem.yml are for you to write');
  return notes;
}

function named(columns: readonly string[]): string {
  return columns.map((name) => `"${name}"`).join(' and ');
}
