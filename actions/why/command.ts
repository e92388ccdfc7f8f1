import process from 'node:process';
import type { Command } from 'commander';
import { lineageChart } from '#lib/formats/lineage-view.ts';
import { pageUrl } from '#lib/formats/page.ts';
import { type Lineage, lineageOf } from '#lib/lifecycle/lineage.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { parseVersionAsk, type VersionAsk } from '#lib/lifecycle/version-ask.ts';
import { findCandidates } from '#lib/records/find-candidate.ts';
import { readLineage } from '#lib/records/lineage.ts';
import { type CheckoutRecords, checkoutFiles, withCheckoutRecords } from '../kit/checkout-records.ts';
import { originPage } from '../kit/origin.ts';
import { endWith, jsonText } from '../terminal.ts';
import { told } from './told.ts';

type Options = { json?: boolean; mermaid?: boolean; model?: string };

/** `roundhouse why`: the chain behind a version, from what the clone has fetched. It changes nothing. */
export function whyCommand(program: Command): void {
  program
    .command('why')
    .description(
      'print the chain of evidence behind a version: problem, data, code, run, evaluation, approvals',
    )
    .argument(
      '[version]',
      '1.2.0, bikes@v1.2.0, bikes, or 8 or more characters of any digest (default: the newest)',
    )
    .option('--model <name>', 'the model (may be left out where there is one)')
    .option('--mermaid', 'the drawing only, as a Mermaid block')
    .option('--json', 'one JSON object on standard output')
    .action((version: string | undefined, options: Options) => endWith(() => run(version ?? '', options)));
}

async function run(version: string, options: Options): Promise<string> {
  const workspace = process.cwd();
  const asked = askOf(version, options.model ?? null);
  const web = await originPage(workspace);
  return withCheckoutRecords(workspace, async (records) => {
    const found = await readLineages(workspace, records, asked);
    if (options.mermaid) return found.map(({ lineage }) => `${lineageChart(lineage)}\n`).join('\n');
    if (options.json) {
      const versions = found.map(({ lineage, named }) => ({
        ...lineage,
        named,
        nodes: lineage.nodes.map((node) => ({ ...node, url: pageUrl(node.page, web) })),
      }));
      return jsonText({ records: { ref: records.ref, commit: records.commit }, versions });
    }
    const live = process.stdout.isTTY === true;
    return found.map((one) => told(one, { live, web, records })).join('\n');
  });
}

function askOf(text: string, model: string | null): VersionAsk {
  const asked = parseVersionAsk(text);
  if (asked === null)
    throw new UserError(`"${text}" names no version`, {
      fix: 'write 1.2.0, bikes@v1.2.0, the name of a model, or 8 or more characters of a digest',
    });
  if (model !== null && asked.model !== null && asked.model !== model)
    throw new UserError(`"${text}" is of ${asked.model}, and --model says ${model}`, {
      fix: 'leave one out',
    });
  return { ...asked, model: asked.model ?? model };
}

async function readLineages(
  workspace: string,
  records: CheckoutRecords,
  asked: VersionAsk,
): Promise<{ lineage: Lineage; named: string | null }[]> {
  const { candidates, why } = await findCandidates({ records, tags: records.tags }, asked);
  if (why !== null)
    throw new UserError(why, {
      fix: '`git fetch --tags origin roundhouse` brings what is newer than this clone',
    });
  const from = { records, fileAt: checkoutFiles(workspace) };
  return Promise.all(
    candidates.map(async (found) => ({
      lineage: lineageOf(await readLineage(from, found)),
      named: found.named,
    })),
  );
}
