import process from 'node:process';
import type { Command } from 'commander';
import { type Check, worstFirst } from '#lib/lifecycle/doctor.ts';
import { checkMachine } from '#lib/lifecycle/doctor-machine.ts';
import { printError } from '../terminal.ts';
import { told } from './told.ts';

type Options = { local?: boolean; json?: boolean };

/** `roundhouse doctor`: what would keep Roundhouse from working, worst first. It changes nothing. */
export function doctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('say what would keep Roundhouse from working here, worst first, and how to mend it')
    .option('--local', 'this machine and this checkout (default)')
    .option('--json', 'one JSON object on standard output')
    .action(async (options: Options) => {
      try {
        process.exitCode = await run(options);
      } catch (error) {
        process.exitCode = printError(error);
      }
    });
}

async function run(options: Options): Promise<0 | 1> {
  const surroundings = { workspace: process.cwd(), env: process.env };
  const checks: Check[] = [];
  const { readMachine } = await import('./machine-facts.ts');
  checks.push(...checkMachine(await readMachine(surroundings)));
  const live = process.stdout.isTTY === true;
  process.stdout.write(
    options.json ? `${JSON.stringify({ checks: worstFirst(checks) }, null, 2)}\n` : told(checks, { live }),
  );
  return checks.some(({ status }) => status === 'fail') ? 1 : 0;
}
