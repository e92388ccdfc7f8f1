import process from 'node:process';
import type { Command } from 'commander';
import { wantedRulesets } from '#lib/lifecycle/app-needs.ts';
import { type Check, worstFirst } from '#lib/lifecycle/doctor.ts';
import { checkMachine } from '#lib/lifecycle/doctor-machine.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { endWith, jsonText } from '../terminal.ts';
import { told } from './told.ts';

type Options = { local?: boolean; github?: boolean; repo?: string; rulesets?: boolean; json?: boolean };

/** `roundhouse doctor`: what would keep Roundhouse from working, worst first. It changes nothing. */
export function doctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('say what would keep Roundhouse from working here, worst first, and how to mend it')
    .option('--local', 'this machine and this checkout (default)')
    .option('--github', 'app and repository, as APP_ID with PRIVATE_KEY and GITHUB_TOKEN may see them')
    .option('--repo <owner/name>', 'the repository on GitHub (default: the origin of this checkout)')
    .option('--rulesets', 'with --github: print the rulesets to make, ready for `gh api`')
    .option('--json', 'one JSON object on standard output')
    .action((options: Options) => endWith(() => run(options)));
}

async function run(options: Options): Promise<0 | 1> {
  const { env } = process;
  const workspace = process.cwd();
  if (options.rulesets) return printRulesets(options);
  const checks: Check[] = [];
  if (options.github) {
    const { checkGitHub, readGitHub, setupAccess } = await import('./github-facts.ts');
    checks.push(...checkGitHub(await readGitHub(setupAccess({ workspace, env, repository: options.repo }))));
  }
  if (options.local || !options.github) {
    const { readMachine } = await import('./machine-facts.ts');
    checks.push(...checkMachine(await readMachine({ workspace, env })));
  }
  const live = process.stdout.isTTY === true;
  process.stdout.write(options.json ? jsonText({ checks: worstFirst(checks) }) : told(checks, { live }));
  return checks.some(({ status }) => status === 'fail') ? 1 : 0;
}

/** For an administrator: the app has no right to make them, and should have none. */
function printRulesets({ repo = '{owner}/{repo}', json }: Options): 0 {
  const appId = Number(process.env.APP_ID);
  if (!Number.isInteger(appId) || appId <= 0)
    throw new UserError('the rulesets name the app by its number, and APP_ID is not set', {
      fix: 'set APP_ID: Settings, Developer settings, GitHub Apps',
    });
  const rulesets = wantedRulesets(appId);
  const commands = rulesets.map(
    (one) =>
      `gh api --method POST repos/${repo}/rulesets --input - <<'JSON'\n${JSON.stringify(one, null, 2)}\nJSON\n`,
  );
  process.stdout.write(json ? jsonText(rulesets) : commands.join('\n'));
  return 0;
}
