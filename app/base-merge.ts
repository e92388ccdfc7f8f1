import { mergeText } from '#lib/formats/merge-text.ts';
import type { Change, Trees } from '#lib/github/trees.ts';
import {
  decideBaseMerge,
  type FileEntry,
  type MergeStep,
  type Side,
} from '#lib/lifecycle/update-decision.ts';

/** The base merged into a branch, as changes to the branch's tree. */
export type BaseMerge = {
  changes: Change[];
  /** Files that a person has to merge. */
  conflicts: string[];
  /** Files of Roundhouse's own that both sides changed: made again, never merged. */
  regenerated: string[];
};

/** Reads both sides and their common ancestor; lines are merged only where both changed a file. */
export async function mergeOfBase(
  trees: Pick<Trees, 'files' | 'text' | 'mergeBase'>,
  { head, base }: { head: string; base: string },
): Promise<BaseMerge> {
  const ancestor = await trees.mergeBase(base, head);
  const { steps, regenerated } = decideBaseMerge({
    ancestor: await sideOf(trees, ancestor),
    head: await sideOf(trees, head),
    base: await sideOf(trees, base),
  });
  const changes: Change[] = [];
  const conflicts: string[] = [];
  for (const step of steps) {
    const change = await changeOf(trees, step);
    if (change === null) conflicts.push(step.path);
    else changes.push(change);
  }
  return { changes, conflicts, regenerated };
}

async function sideOf(trees: Pick<Trees, 'files'>, sha: string): Promise<Side> {
  const files = await trees.files(sha);
  return new Map(files.map(({ path, ...entry }): [string, FileEntry] => [path, entry]));
}

/** Null on a conflict. */
async function changeOf(trees: Pick<Trees, 'text'>, step: MergeStep): Promise<Change | null> {
  const { kind, path } = step;
  if (kind === 'conflict') return null;
  if (kind === 'take') {
    return step.entry ? { path, blob: step.entry.sha, mode: step.entry.mode } : { path, text: null };
  }
  const [ancestor, head, base] = [step.ancestor, step.head, step.base].map(({ sha }) => trees.text(sha));
  const text = mergeText({
    ancestor: (await ancestor) ?? '',
    head: (await head) ?? '',
    base: (await base) ?? '',
  });
  return text === null ? null : { path, text };
}

/** What a person types where the app may not, or cannot, merge the base into a branch. */
export function mergeCommands({ base, head }: { base: string; head: string }): string[] {
  const word = (text: string) => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  return [
    'git fetch origin',
    `git switch ${word(head)}`,
    `git merge ${word(`origin/${base}`)}`,
    `git push origin ${word(head)}`,
  ];
}
