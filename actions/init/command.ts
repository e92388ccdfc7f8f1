import { resolve } from 'node:path';
import process from 'node:process';
import type { Command } from 'commander';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { openDeps } from '../kit/deps.ts';
import { silentProgress } from '../kit/progress.ts';
import { type DialectOptions, dialectAsked, withDialectOptions } from './dialect-options.ts';
import type { InitInputs } from './main.ts';
import { commitToPin } from './pin.ts';
import { told } from './told.ts';

type Options = Partial<
  Record<'data' | 'target' | 'time' | 'timeFormat' | 'key' | 'task' | 'name' | 'positive', string>
> &
  DialectOptions & {
    supervisor: string;
    schedule: string;
    sha?: string;
    dryRun?: boolean;
    json?: boolean;
  };

const TASKS = ['regression', 'binary', 'multiclass'] as const;

/** `roundhouse init`: writes the files of a user's repository into the present folder. */
export function initCommand(program: Command): void {
  const command = program
    .command('init')
    .description(
      'write policy, workflows and issue forms here, and with --data a model; nothing is overwritten',
    )
    .option('--data <file>', 'CSV or Parquet to make a model of')
    .option('--target <column>', 'what is predicted')
    .option('--time <columns>', 'column of the time; or day,hour; or year,month,day,hour')
    .option('--time-format <format>', "its form, where it can't be told: '%d/%m/%Y %H:%M'")
    .option('--key <columns>', 'what names a row (default: the time, or the number of the row)')
    .option('--task <task>', TASKS.join(', '))
    .option('--name <name>', 'name of the model (default: of the file)')
    .option('--positive <value>', 'value of the target that means yes');
  withDialectOptions(command)
    .option('--supervisor <url>', 'control address of the supervisor of production', 'http://127.0.0.1:4450')
    .option('--schedule <cron>', 'when the monitor runs, UTC', '17 5 * * *')
    .option('--sha <commit>', 'commit of roundhouse/roundhouse that workflows pin')
    .option('--dry-run', 'print what would be written')
    .option('--json', 'one JSON object on standard output')
    .action(async (options: Options) => {
      try {
        await run(options);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        process.stderr.write(`${error.told}\n`);
        process.exitCode = 2;
      }
    });
}

async function run(options: Options): Promise<void> {
  const { executeInit, planInit } = await import('./main.ts');
  const root = process.cwd();
  const { sha, note } = options.sha ? { sha: fullSha(options.sha), note: null } : await commitToPin(root);
  const { supervisor, schedule } = options;
  const deps = openDeps({ workspace: root, env: process.env, progress: silentProgress });
  try {
    const inputs = { root, repository: { sha, supervisor, schedule }, model: modelOf(options) };
    const plan = await planInit(inputs, deps.scratch);
    if (note) plan.notes.unshift(note);
    if (!options.dryRun) await executeInit(plan, { root, store: deps.store });
    process.stdout.write(
      options.json
        ? `${JSON.stringify(plan)}\n`
        : told(plan, { dryRun: options.dryRun ?? false, live: process.stdout.isTTY === true }),
    );
  } finally {
    deps.dispose();
  }
}

function modelOf(options: Options): InitInputs['model'] {
  const { data, target, name = null, positive = null, timeFormat = null } = options;
  if (data === undefined) return null;
  if (target === undefined)
    throw new UserError('--data needs --target', { fix: 'name the column to predict' });
  const task = TASKS.find((known) => known === options.task) ?? null;
  if (options.task !== undefined && task === null) {
    throw new UserError(`--task is "${options.task}"`, { fix: `give one of ${TASKS.join(', ')}` });
  }
  if (timeFormat !== null && options.time === undefined)
    throw new UserError('--time-format needs --time', { fix: 'name the column of the time' });
  const [time, key] = [listed(options.time), listed(options.key)];
  return {
    data: resolve(data),
    target,
    time,
    timeFormat,
    key,
    task,
    name,
    positive,
    asked: dialectAsked(options),
  };
}

function listed(columns: string | undefined): string[] {
  return (columns?.split(',') ?? []).map((column) => column.trim()).filter((column) => column !== '');
}

function fullSha(sha: string): string {
  if (/^[0-9a-f]{40}$/.test(sha)) return sha;
  throw new UserError(`--sha is "${sha}"`, { fix: 'give all 40 hex characters of a commit' });
}
