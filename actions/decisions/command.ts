import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { styleText } from 'node:util';
import type { Command } from 'commander';
import { parseConfig } from '#lib/formats/config.ts';
import { type Decision, type DecisionText, readDecisions } from '#lib/records/decisions.ts';
import { withCheckoutRecords } from '../kit/checkout-records.ts';
import { chooseModel } from '../kit/model-folder.ts';
import { endWith, jsonText } from '../terminal.ts';

type Options = { model?: string; json?: boolean };

/** `roundhouse decisions`: what people decided about a model, from the clone alone. It changes nothing. */
export function decisionsCommand(program: Command): void {
  program
    .command('decisions')
    .description('print what people decided about a model: decisions, approvals, holds, overrides, rollbacks')
    .option('--model <name>', 'the model (may be left out where there is one)')
    .option('--json', 'one JSON object on standard output')
    .action((options: Options) => endWith(() => run(process.cwd(), options)));
}

async function run(workspace: string, { model: asked, json }: Options): Promise<string> {
  const model = chooseModel(workspace, asked);
  const files = decisionTexts(workspace, model);
  const issue = issueOf(workspace, model);
  return withCheckoutRecords(workspace, async (records) => {
    const decisions = await readDecisions(records, { model, issue, files });
    const { ref, commit } = records;
    if (json) return jsonText({ model, records: { ref, commit }, decisions });
    return told(model, decisions, process.stdout.isTTY === true);
  });
}

function decisionTexts(workspace: string, model: string): DecisionText[] {
  const folder = `models/${model}/decisions`;
  if (!existsSync(join(workspace, folder))) return [];
  return readdirSync(join(workspace, folder))
    .sort()
    .map((name) => `${folder}/${name}`)
    .filter((path) => path.endsWith('.md'))
    .map((path) => ({ path, text: readFileSync(join(workspace, path), 'utf8') }));
}

/** Approvals and holds of the problem stand on its issue. */
function issueOf(workspace: string, model: string): number | null {
  const file = `models/${model}/problem.yml`;
  return parseConfig('problem', { file, text: readFileSync(join(workspace, file), 'utf8') }).issue;
}

function told(model: string, decisions: readonly Decision[], live: boolean): string {
  const dim = (text: string) => (live ? styleText('dim', text) : text);
  const lines = decisions.flatMap(({ at, what, who, subject, why, digests, link, file }) => {
    const from = [
      ...digests.map((digest) => digest.replace(/^sha256:/, '').slice(0, 16)),
      ...(file === null ? [] : [file.there ? file.path : `${file.path} (not in this tree)`]),
      ...(link === null ? [] : [link]),
    ];
    return [
      `${at?.slice(0, 10) ?? '          '}  ${what}: ${oneLine(subject)}${who === null ? '' : `, by ${who}`}`,
      ...(why === null ? [] : [`            ${oneLine(why)}`]),
      ...(from.length === 0 ? [] : [`            ${dim(from.join('  '))}`]),
    ];
  });
  const count = decisions.length === 1 ? 'one decision' : `${decisions.length} decisions`;
  return [...lines, ...(lines.length > 0 ? [''] : []), `${model}: ${count}`, ''].join('\n');
}

/** People's words: no line of theirs looks like one of ours, and no control character reaches the terminal. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\s]+/gu, ' ').trim();
}
