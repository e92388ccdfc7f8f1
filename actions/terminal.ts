import process from 'node:process';
import { styleText } from 'node:util';
import { UserError } from '#lib/lifecycle/user-error.ts';
import type { Verdict } from '#lib/lifecycle/verdict.ts';
import { openContext, type StageContext } from './kit/context.ts';
import { openDeps } from './kit/deps.ts';
import { silentProgress, terminalProgress } from './kit/progress.ts';

export type Options = Record<string, string | boolean | undefined>;

/** What a command says: `value` with --json, else `lines`. */
export type Outcome = { verdict: Verdict; value: unknown; lines: string[] };

/** Opens the surroundings, runs, prints, and turns outcome or error into the exit code. */
export async function inTerminal(
  options: Options,
  run: (context: StageContext) => Promise<Outcome>,
): Promise<number> {
  const json = options.json === true;
  const progress = json ? silentProgress : terminalProgress(process.stderr);
  try {
    const deps = openDeps({ workspace: process.cwd(), env: process.env, progress });
    try {
      const context = await openContext({ option: (name) => optionText(options, name), deps });
      const { verdict, value, lines } = await run(context);
      process.stdout.write(json ? jsonText(value) : `${lines.join('\n')}\n`);
      return verdict === 'failed' ? 1 : 0;
    } finally {
      deps.dispose();
    }
  } catch (error) {
    return printError(error);
  }
}

function optionText(options: Options, name: string): string {
  const camel = name.replace(/[-_]([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const value = options[camel];
  return value === undefined || value === false ? '' : String(value);
}

/**
 * Ends a command that needs no stage's surroundings: a text is printed, a number is the exit code, an error is told
 * and becomes one.
 */
export async function endWith(run: () => Promise<string | number>): Promise<void> {
  const end = await run().catch(printError);
  if (typeof end === 'string') process.stdout.write(end);
  else process.exitCode = end;
}

/** What `--json` prints. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** 2 = the user's to mend, 3 = a fault of ours. */
function printError(error: unknown): 2 | 3 {
  const red = (text: string) => (process.stderr.isTTY ? styleText('red', text) : text);
  if (error instanceof UserError) {
    process.stderr.write(`${red('error')} ${error.told}\n`);
    return 2;
  }
  process.stderr.write(
    `${red('fault')} ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return 3;
}
