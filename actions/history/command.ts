import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { Command } from 'commander';
import { parseConfig } from '#lib/formats/config.ts';
import { rowsAt, servingView } from '#lib/formats/serving-view.ts';
import { nearestOf } from '#lib/lifecycle/nearest.ts';
import { instantOf, NO_INSTANT } from '#lib/lifecycle/serving-ask.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { readServing, type ServingHistory } from '#lib/records/serving.ts';
import { withCheckoutRecords } from '../kit/checkout-records.ts';
import { endWith, jsonText } from '../terminal.ts';
import { told } from './told.ts';

type Options = { at?: string; model?: string; json?: boolean };

/** `roundhouse history`: what served when, from what the clone has fetched. It changes nothing. */
export function historyCommand(program: Command): void {
  program
    .command('history')
    .description('print what served when, who approved it and why it ended')
    .argument('[environment]', 'only this one')
    .option(
      '--at <date>',
      'only what served then: 2026-03-01 (the end of that day in UTC) or 2026-03-01T10:00:00Z',
    )
    .option('--model <name>', 'only this model')
    .option('--json', 'one JSON object on standard output')
    .action((environment: string | undefined, options: Options) =>
      endWith(() => run(environment ?? null, options)),
    );
}

async function run(environment: string | null, options: Options): Promise<string> {
  const workspace = process.cwd();
  const { model = null } = options;
  const at = options.at === undefined ? null : instantOf(options.at);
  if (options.at !== undefined && at === null)
    throw new UserError(`"${options.at}" is no date`, { fix: NO_INSTANT });
  return withCheckoutRecords(workspace, async (records) => {
    const found = await readServing({ records, tags: records.tags }, { environment, model });
    refuseUnknown(found, { environment, model, policy: environmentsOfPolicy(workspace) });
    const { ref, commit } = records;
    if (options.json) {
      const served = rowsAt(found.rows, at);
      const answer = { records: { ref, commit }, at, served, contradictions: found.contradictions };
      return jsonText(answer);
    }
    const view = servingView(found, { at, environment, most: Number.POSITIVE_INFINITY });
    return told(view, { live: process.stdout.isTTY === true, ref, commit });
  });
}

function refuseUnknown(
  { models, environments }: ServingHistory,
  asked: { environment: string | null; model: string | null; policy: readonly string[] },
): void {
  const known = [...new Set([...environments, ...asked.policy])];
  const check = (word: string | null, what: string, names: readonly string[]) => {
    if (word === null || names.includes(word)) return;
    const near = nearestOf(word, names);
    const there = names.length === 0 ? 'none is on record' : `there is ${names.join(', ')}`;
    throw new UserError(`there is no ${what} "${word}"`, { fix: near === null ? there : `write ${near}` });
  };
  check(asked.environment, 'environment', known);
  check(asked.model, 'model', models);
}

/** Environments of the policy in the work tree: one that nothing was deployed to yet is no mistake. */
function environmentsOfPolicy(workspace: string): string[] {
  const file = '.github/roundhouse.yml';
  try {
    const text = readFileSync(join(workspace, file), 'utf8');
    return parseConfig('policy', { file, text }).environments.map(({ name }) => name);
  } catch {
    return [];
  }
}
