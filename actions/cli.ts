import { spawn } from 'node:child_process';
import process from 'node:process';
import { Command } from 'commander';
import { type Entry, entryArguments } from '../runners/entry.ts';
import { auditCommand } from './audit/command.ts';
import { checklistCommand } from './checklist/command.ts';
import { stageCommands } from './commands.ts';
import { complianceCommand } from './compliance/command.ts';
import { decisionsCommand } from './decisions/command.ts';
import { doctorCommand } from './doctor/command.ts';
import { historyCommand } from './history/command.ts';
import { initCommand } from './init/command.ts';
import { packageVersion } from './kit/version.ts';
import { policyCommand } from './policy/command.ts';
import { whyCommand } from './why/command.ts';

/** The composition root: the same stages in a terminal, and the processes that serve them. */
const program = new Command('roundhouse')
  .description('GitOps for the whole machine-learning lifecycle')
  .version(packageVersion())
  .showHelpAfterError('(roundhouse --help lists the commands)')
  .addHelpText(
    'after',
    '\nExit codes: 0 done, 1 a gate or verdict failed, 2 a mistake that you can mend, 3 a fault of ours',
  );

program.exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

/** Commands that are processes of their own: options are declared for --help and handed on as they are. */
function processCommand(
  entry: Entry,
  {
    name = entry as string,
    description,
    options,
  }: { name?: string; description: string; options: [string, string][] },
) {
  const command = program.command(name).description(description);
  for (const [flags, text] of options) command.option(flags, text);
  command.action(() => {
    const at = process.argv.indexOf(name);
    const child = spawn(process.execPath, [...entryArguments(entry), ...process.argv.slice(at + 1)], {
      stdio: 'inherit',
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
    child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 3)));
  });
}

initCommand(program);
stageCommands(program);
doctorCommand(program);
checklistCommand(program);
complianceCommand(program);
historyCommand(program);
whyCommand(program);
policyCommand(program);
auditCommand(program);
decisionsCommand(program);

processCommand('demo', {
  description: 'play the whole loop on real data in the local GitHub',
  options: [
    ['--ci', 'assert every expected state, exit non-zero on a miss (implies --exit)'],
    ['--exit', 'stop the local GitHub at the end'],
    ['--dir <dir>', 'keep state here instead of a wiped ./.roundhouse/local'],
    ['--port <n>', 'port of the local GitHub (0 = any)'],
    ['--data <file>', 'play it on this CSV or Parquet instead of the bikes'],
    ['--target <column>', 'what is predicted'],
    [
      '--time <columns>',
      'column of the time, or several, such as year,month,day,hour (default: order of the file)',
    ],
    ['--task <task>', 'regression, binary or multiclass (default: by the values)'],
    ['--positive <value>', 'value of the target that means yes'],
    ['--delimiter <character>', 'what stands between the values of a CSV'],
    ['--name <name>', 'name of the model (default: of the file)'],
    ['--sample <n>', 'play this many rows of it (default: 20,000 at most)'],
    ['--json', 'end with one JSON object'],
  ],
});
processCommand('local', {
  description: 'run the local GitHub, app, job runner and supervisor until stopped',
  options: [
    ['--port <n>', 'port of the local GitHub (0 = any)'],
    ['--dir <dir>', 'state folder (default ./.roundhouse/local)'],
  ],
});
processCommand('app', {
  description: 'run the Probot app (APP_ID, PRIVATE_KEY, WEBHOOK_SECRET, GITHUB_API_URL, ROUNDHOUSE_DIR)',
  options: [['--port <n>', 'port for webhooks, /health and /metrics']],
});
processCommand('server', {
  name: 'serve',
  description: 'serve one bundle over the Open Inference Protocol v2',
  options: [
    ['--bundle <dir-or-digest>', 'a folder with manifest.json, or a digest in the store'],
    ['--port <n>', 'port (0 = any)'],
  ],
});
processCommand('supervisor', {
  description: 'own the model servers of this machine: weights, ports, routers, the prediction log',
  options: [
    ['--dir <dir>', 'state folder'],
    ['--port <n>', 'port of the control interface'],
  ],
});

await program.parseAsync();
