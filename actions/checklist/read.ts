import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { problemDigest } from '#lib/formats/digests.ts';
import { type Checklist, checklistOf } from '#lib/lifecycle/checklist/checklist.ts';
import { readChecklistFacts } from '#lib/records/checklist-facts.ts';
import { readHistory } from '#lib/records/model-history.ts';
import { linkOf } from '#lib/records/places.ts';
import { withCheckoutRecords } from '../kit/checkout-records.ts';
import { chooseModel, loadLocks, loadModelFiles } from '../kit/model-folder.ts';
import { originPage } from '../kit/origin.ts';

/** Evidence with the address or the path where it can be read. */
export type LinkedChecklist = Omit<Checklist, 'stages'> & {
  stages: {
    stage: string;
    fulfilled: number;
    items: (Omit<Checklist['stages'][number]['items'][number], 'evidence'> & {
      evidence: { text: string; link: string; digest: string | null }[];
    })[];
  }[];
};

export async function readChecklist(workspace: string, asked: string | undefined): Promise<LinkedChecklist> {
  const model = chooseModel(workspace, asked);
  const files = loadModelFiles(workspace, model);
  const listed = {
    ...files,
    name: model,
    digests: { problem: problemDigest(files.problem) },
    locks: loadLocks(workspace, model),
  };
  const now = new Date();
  const facts = await withCheckoutRecords(workspace, async (records) => {
    const history = await readHistory(records, records.tags, model);
    const file = (path: string) => textOf(join(workspace, path));
    return readChecklistFacts({ records, file, now }, listed, history);
  });
  const repository = await originPage(workspace);
  const place = { model, repository, branch: 'HEAD' };
  const checklist = checklistOf(facts, now);
  return {
    ...checklist,
    stages: checklist.stages.map((stage) => ({
      ...stage,
      items: stage.items.map((item) => ({
        ...item,
        evidence: item.evidence.map(({ text, at, digest }) => {
          const found = linkOf(at, place);
          return { text, link: found.url ?? found.text, digest };
        }),
      })),
    })),
  };
}

async function textOf(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
}
