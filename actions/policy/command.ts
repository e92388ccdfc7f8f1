import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import type { Command } from 'commander';
import { parseConfig } from '#lib/formats/config.ts';
import { nearestOf } from '#lib/lifecycle/nearest.ts';
import { type Policy, RISKS, type Risk } from '#lib/lifecycle/policy.ts';
import { type Explanation, explainAction } from '#lib/lifecycle/policy-explain.ts';
import { ACTIONS, type Action, type Scope } from '#lib/lifecycle/policy-rules.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { endWith, jsonText } from '../terminal.ts';
import { toldAction, toldActions, toldBudgets } from './told.ts';

const FILE = '.github/roundhouse.yml';

type Options = { environment?: string; risk?: string; json?: boolean };

/** `roundhouse policy explain`: who may do what, by the policy of this checkout. It changes nothing. */
export function policyCommand(program: Command): void {
  program
    .command('policy')
    .description('what .github/roundhouse.yml says')
    .command('explain')
    .description('say who may do something and why; without an action, list them all')
    .argument('[action]', `one of ${ACTIONS.join(', ')}`)
    .option('--environment <name>', 'in this environment (default: the strictest rule counts)')
    .option('--risk <tier>', `for a model of this risk: ${RISKS.join(', ')}`)
    .option('--json', 'one JSON object on standard output')
    .action((action: string | undefined, options: Options) => endWith(() => run(action, options)));
}

async function run(asked: string | undefined, options: Options): Promise<string> {
  const policy = await readPolicy(process.cwd());
  const scope = scopeOf(policy, options);
  const live = process.stdout.isTTY === true;
  if (asked === undefined) {
    const all = ACTIONS.map((action) => explainAction(policy, action, scope));
    return options.json
      ? jsonText({ file: FILE, actions: all, budgets: policy.budgets ?? null })
      : toldActions(all, { live }) + toldBudgets(policy.budgets, { live });
  }
  const found: Explanation = explainAction(policy, actionOf(asked), scope);
  return options.json ? jsonText({ file: FILE, ...found }) : toldAction(found, { live });
}

async function readPolicy(workspace: string): Promise<Policy> {
  try {
    return parseConfig('policy', { file: FILE, text: await readFile(join(workspace, FILE), 'utf8') });
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')) throw cause;
    throw new UserError(`${FILE} is missing here`, {
      fix: 'go to the root of the checkout; `roundhouse init` writes a first one',
      cause,
    });
  }
}

function actionOf(text: string): Action {
  const known = ACTIONS.find((action) => action === text);
  if (known) return known;
  throw unknown('action', text, ACTIONS);
}

function scopeOf(policy: Policy, { environment, risk }: Options): Scope {
  const names = policy.environments.map(({ name }) => name);
  if (environment !== undefined && !names.includes(environment))
    throw unknown('environment', environment, names);
  const tier = RISKS.find((known) => known === risk);
  if (risk !== undefined && tier === undefined) throw unknown('risk', risk, RISKS);
  return { environment, risk: tier satisfies Risk | undefined };
}

function unknown(what: string, text: string, known: readonly string[]): UserError {
  const nearest = nearestOf(text, known);
  const hint = nearest === null ? '' : `did you mean ${nearest}? `;
  return new UserError(`there is no ${what} "${text}"`, { fix: `${hint}known: ${known.join(', ')}` });
}
