import { basename } from 'node:path';
import { digestOf } from '../formats/digest.ts';
import type { Data } from '../lifecycle/data.ts';
import type { Digest } from '../lifecycle/scalars.ts';
import { UserError } from '../lifecycle/user-error.ts';
import type { Session } from './duckdb.ts';
import type { SourceMisfit } from './sources.ts';
import { sqlFault } from './sql-fault.ts';
import { quoteName, type SqlColumn } from './table-io.ts';

/** One SQL file. `path` is from the repository's root, for errors; `name` as data.yml says it. */
export type Step = { path: string; name: string; sql: string };
export type StepFacts = { path: string; sql: Digest; rows: number };

/** The pipeline's output, rows ordered by key. */
export const OUTPUT = 'roundhouse.output';

export type PipelineRun = {
  session: Session;
  /** Path of data.yml, for errors. */
  file: string;
  data: Data;
  steps: readonly Step[];
  /** Values of the sources that errors about types point at. */
  misfits: readonly SourceMisfit[];
  /** True where the label is a number to predict. */
  numericLabel: boolean;
  note: (text: string) => void;
};

/**
 * Runs the steps over the loaded sources and leaves `OUTPUT`. Throws a UserError that names file and line of
 * the SQL at fault, or the column that the output lacks.
 */
export async function runPipeline(run: PipelineRun): Promise<{ steps: StepFacts[]; columns: SqlColumn[] }> {
  const taken = new Set(run.data.sources.map(({ name }) => name));
  const steps: StepFacts[] = [];
  let last = '';
  for (const step of run.steps) {
    last = tableName(step, taken);
    taken.add(last);
    await runStep(run, step, last);
    const rows = await run.session.count(quoteName(last));
    steps.push({ path: step.name, sql: digestOf(step.sql), rows });
    run.note(`${step.path}: ${rows} rows`);
  }
  const columns = await run.session.columns(quoteName(last));
  checkColumns(run, columns);
  await orderOutput(run, last);
  return { steps, columns };
}

/** `pipeline/10-hours.sql` makes the table `hours`: numbers in front are for people who sort files. */
function tableName({ path, name }: Step, taken: ReadonlySet<string>): string {
  const table = basename(name, '.sql')
    .replace(/^\d+[-_]*/, '')
    .replaceAll('-', '_');
  if (table !== '' && !taken.has(table)) return table;
  throw new UserError(
    table === '' ? `${path}: no name for its table` : `${path}: there is a table "${table}" already`,
    { fix: 'name the file after the table it makes, for example pipeline/10-hours.sql' },
  );
}

async function runStep({ session, misfits }: PipelineRun, { path, sql }: Step, table: string): Promise<void> {
  try {
    const { statements, select, unstable } = await session.inspect(sql);
    if (!select) {
      throw new UserError(
        statements === 1
          ? `${path}: a step is one SELECT, and this is another statement`
          : `${path}: a step is one SELECT, and these are ${statements} statements`,
        { fix: 'keep one SELECT without parameters (WITH is fine); put the next one into a file of its own' },
      );
    }
    if (unstable.length > 0) {
      throw new UserError(`${path}: ${unstable.join(', ')} would give other rows on another run`, {
        fix: 'take dates from the rows and choose rows by their key, so that the same sources give the same rows',
      });
    }
    // On one line with the text, so that DuckDB's line numbers are those of the file.
    await session.run(`CREATE TABLE ${quoteName(table)} AS ${sql}`);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    const { message, line } = sqlFault(cause);
    const values = /^Conversion Error/.test(message) ? misfits : [];
    throw new UserError(`${path}${line === null ? '' : `:${line}`}: ${message}${saidOf(values)}`, {
      fix:
        values.length === 0
          ? 'mend the SQL and run `roundhouse data` again'
          : 'mend the values, or read them with TRY_CAST in the SQL',
      cause,
    });
  }
}

/** Columns that the parts hold: key, time, unit, target and inputs, each once. */
export function partColumns(data: Data): string[] {
  const group = typeof data.unit === 'object' && 'group' in data.unit ? [data.unit.group] : [];
  const time = data.time === null ? [] : [data.time];
  return [...new Set([...data.key, ...time, ...group, data.target, ...Object.keys(data.inputs)])];
}

/** Where the values stand that keep columns from being numbers or times; nothing where there are none. */
function saidOf(misfits: readonly SourceMisfit[]): string {
  const said = misfits.map(({ column, as, where }) => `"${column}" is no ${as} on ${where}`);
  return said.length === 0 ? '' : ` (${said.slice(0, 3).join('; ')})`;
}

function checkColumns(
  { data, file, misfits, numericLabel }: PipelineRun,
  columns: readonly SqlColumn[],
): void {
  const kinds = new Map(columns.map(({ name, kind }) => [name, kind]));
  const about = (name: string) => saidOf(misfits.filter(({ column }) => column === name));
  const faults = partColumns(data)
    .filter((name) => !kinds.has(name))
    .map((name) => `there is no column "${name}"`);
  if (data.time !== null && kinds.has(data.time) && kinds.get(data.time) !== 'time')
    faults.push(`"${data.time}" under \`time:\` is no timestamp`);
  for (const [name, { type }] of Object.entries(data.inputs)) {
    if (type === 'number' && kinds.has(name) && kinds.get(name) !== 'number')
      faults.push(`input "${name}" is declared a number and holds ${kinds.get(name)}${about(name)}`);
  }
  if (numericLabel && kinds.has(data.target) && kinds.get(data.target) !== 'number')
    faults.push(
      `the target "${data.target}" of a regression holds ${kinds.get(data.target)}${about(data.target)}`,
    );
  if (faults.length === 0) return;
  throw new UserError(`${file}: the pipeline's output does not fit: ${faults.join('; ')}`, {
    fix: `the output has: ${columns.map(({ name, type }) => `${name} ${type}`).join(', ')}`,
  });
}

async function orderOutput({ session, data, file }: PipelineRun, table: string): Promise<void> {
  const key = data.key.map(quoteName).join(', ');
  const nullable = [...data.key, ...(data.time === null ? [] : [data.time])];
  const missing = nullable.map((name) => `${quoteName(name)} IS NULL`).join(' OR ');
  const rows = await session.count(quoteName(table));
  const bare = await session.count(`(SELECT 1 FROM ${quoteName(table)} WHERE ${missing})`);
  const distinct = await session.count(`(SELECT DISTINCT ${key} FROM ${quoteName(table)})`);
  if (bare > 0) {
    throw new UserError(`${file}: ${bare} of ${rows} rows of the output lack ${nullable.join(' or ')}`, {
      fix: 'filter these rows in the last step, or name other columns under `key:` and `time:`',
    });
  }
  if (distinct < rows) {
    throw new UserError(
      `${file}: \`key: [${data.key.join(', ')}]\` is not unique: ${rows} rows of the output have ${distinct} keys`,
      { fix: 'add columns to `key:`, or drop repeated rows in the last step' },
    );
  }
  await session.run('CREATE SCHEMA roundhouse');
  await session.run(`CREATE TABLE ${OUTPUT} AS SELECT * FROM ${quoteName(table)} ORDER BY ${key}`);
}
