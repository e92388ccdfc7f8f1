import process from 'node:process';
import { type Command, Option } from 'commander';
import { FRAMEWORKS, type Pack, packOf } from '#lib/lifecycle/compliance/pack.ts';
import { nearestOf } from '#lib/lifecycle/nearest.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { readComplianceFacts } from '#lib/records/compliance-facts.ts';
import { modelsOnRecord } from '#lib/records/find-candidate.ts';
import { linkOf } from '#lib/records/places.ts';
import type { RecordSource, TagSource } from '#lib/records/source.ts';
import { renderCompliance, renderDocument } from '../../templates/compliance.ts';
import { checkoutFiles, hasRecords, withCheckoutRecords } from '../kit/checkout-records.ts';
import { git } from '../kit/git.ts';
import { originPage } from '../kit/origin.ts';
import { writeWhole } from '../kit/whole-file.ts';
import { endWith, jsonText } from '../terminal.ts';

type Options = { framework: string; model?: string; json?: boolean; output?: string };

/** `roundhouse compliance`: a framework's headings, filled from what is on record, and what is missing. */
export function complianceCommand(program: Command): void {
  program
    .command('compliance')
    .description('fill the headings of a framework from what is on record, and list what is missing')
    .addOption(
      new Option('--framework <name>', 'whose headings')
        .choices(FRAMEWORKS.map(({ id }) => id))
        .default('eu-ai-act'),
    )
    .option('--model <name>', 'the model (may be left out where there is one)')
    .option('--output <file>', 'write it into this file (.md, .html or .json) instead of printing it')
    .option('--json', 'one JSON object on standard output')
    .action((options: Options) => endWith(() => run(options)));
}

async function run({ framework, model, json = false, output }: Options): Promise<string> {
  const form = json ? 'json' : formOf(output);
  const text = await pack(process.cwd(), { framework, model, form });
  if (output === undefined) return text;
  await writeWhole(output, text, 'the pack');
  return '';
}

type Form = 'md' | 'html' | 'json';

function formOf(output: string | undefined): Form {
  const ending = output === undefined ? 'md' : (/\.(md|html|json)$/.exec(output)?.[1] ?? '');
  if (ending === 'md' || ending === 'html' || ending === 'json') return ending;
  throw new UserError(`${output} has an ending that says no form`, { fix: 'end it in .md, .html or .json' });
}

/** The text of a pack. A repository without records or models is answered too: everything is missing. */
export async function pack(
  workspace: string,
  { framework, model, form }: { framework: string; model: string | undefined; form: Form },
): Promise<string> {
  const known = FRAMEWORKS.find(({ id }) => id === framework);
  if (!known) throw new RangeError(`no framework ${framework}`);
  const chosen = known;
  if (!(await hasRecords(workspace)))
    return packFrom({ ...NO_RECORDS, from: 'none: this clone has no branch `roundhouse`' });
  return withCheckoutRecords(workspace, ({ ref, commit, tags, ...records }) =>
    packFrom({ records, tags, from: `${ref} at ${commit}` }),
  );

  async function packFrom({ records, tags, from: recorded }: Found): Promise<string> {
    const head = (await git(workspace, 'rev-parse', '--verify', '--quiet', 'HEAD'))?.trim() ?? null;
    const paths = await pathsOf(workspace, head);
    const source = { records, tags, fileAt: checkoutFiles(workspace), head, paths };
    const facts = await readComplianceFacts(source, await modelOf(records, paths, model));
    const from = { records: recorded, files: head === null ? 'none committed' : `commit ${head}` };
    return rendered(packOf(chosen, facts), { form, from, repository: await originPage(workspace), head });
  }
}

type Found = { records: RecordSource; tags: TagSource; from: string };

const NO_RECORDS = {
  records: { read: async () => null, paths: async () => [] },
  tags: { list: async () => [] },
};

function rendered(
  filled: Pack,
  {
    form,
    from,
    repository,
    head,
  }: {
    form: Form;
    from: { records: string; files: string };
    repository: string | null;
    head: string | null;
  },
): string {
  const place = { model: filled.model ?? '', repository, branch: head ?? 'HEAD' };
  const link = (at: Parameters<typeof linkOf>[0]) => linkOf(at, place);
  if (form === 'json') {
    const groups = filled.groups.map(({ title, headings }) => ({
      title,
      headings: headings.map((heading) => ({
        ...heading,
        evidence: heading.evidence.map(({ text, at, digest }) => ({
          text,
          digest,
          place: link(at).text,
          url: link(at).url,
        })),
      })),
    }));
    return jsonText({ ...filled, from, groups });
  }
  const markdown = renderCompliance(filled, { linkOf: link, from });
  return form === 'md' ? markdown : renderDocument(filled.framework.name, markdown);
}

async function pathsOf(workspace: string, head: string | null): Promise<string[]> {
  if (head === null) return [];
  const listed = (await git(workspace, 'ls-tree', '-r', '-z', '--name-only', head)) ?? '';
  return listed.split('\0').filter((path) => path !== '');
}

/** The model that was asked for, or the only one there is in files or records; null where there is none. */
async function modelOf(
  records: RecordSource,
  paths: readonly string[],
  asked: string | undefined,
): Promise<string | null> {
  const inFiles = paths.flatMap((path) => /^models\/([^/]+)\/problem\.yml$/.exec(path)?.[1] ?? []);
  const models = [...new Set([...inFiles, ...(await modelsOnRecord(records))])].sort();
  if (asked !== undefined) {
    if (models.includes(asked)) return asked;
    const near = nearestOf(asked, models);
    const fix = near ? `write ${near}` : `there is ${models.length === 0 ? 'none' : models.join(', ')}`;
    throw new UserError(`there is no model "${asked}" here`, { fix });
  }
  if (models.length > 1)
    throw new UserError('this repository has several models', {
      fix: `say which: --model ${models.join(' | ')}`,
    });
  return models[0] ?? null;
}
