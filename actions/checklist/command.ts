import process from 'node:process';
import type { Command } from 'commander';
import { badge } from '#lib/formats/badge.ts';
import { writeWhole } from '../kit/whole-file.ts';
import { endWith, jsonText } from '../terminal.ts';
import { type LinkedChecklist, readChecklist } from './read.ts';
import { told } from './told.ts';

type Options = { model?: string; json?: boolean; badge?: string };

/** `roundhouse checklist`: the 29 items of a model, each with its evidence or what is missing. */
export function checklistCommand(program: Command): void {
  program
    .command('checklist')
    .description('say which of the 29 items of the lifecycle a model fulfils, by what is on record')
    .option('--model <name>', 'the model (may be left out where there is one)')
    .option('--json', 'one JSON object on standard output')
    .option('--badge <file>', 'write an SVG badge with the count into this file too')
    .action((options: Options) => endWith(() => run(options)));
}

async function run(options: Options): Promise<0 | 1> {
  const checklist = await readChecklist(process.cwd(), options.model);
  if (options.badge !== undefined) await writeBadge(options.badge, checklist);
  const live = process.stdout.isTTY === true;
  process.stdout.write(options.json ? jsonText(checklist) : told(checklist, { live }));
  return checklist.fulfilled === checklist.total ? 0 : 1;
}

async function writeBadge(path: string, { fulfilled, total }: LinkedChecklist): Promise<void> {
  const share = fulfilled / total;
  const colour = share === 1 ? '#2e7d32' : share >= 0.5 ? '#8a6d00' : '#a94400';
  const text = badge({ label: 'ml checklist', message: `${fulfilled}/${total}`, colour });
  await writeWhole(path, text, 'the badge');
}
