/** A file in a tree: the id of its content, and git's mode. */
export type FileEntry = { sha: string; mode: string };
export type Side = ReadonlyMap<string, FileEntry>;

/** What merging the base into a branch does with one path; paths that are not named stay as the branch has them. */
export type MergeStep =
  | { kind: 'take'; path: string; entry: FileEntry | null }
  | { kind: 'merge-text'; path: string; ancestor: FileEntry; head: FileEntry; base: FileEntry }
  | { kind: 'conflict'; path: string };

export type BaseMergePlan = {
  steps: MergeStep[];
  /** Files of Roundhouse's own that both sides changed: the base's are taken, and made again by the next plan. */
  regenerated: string[];
};

/** What the app writes into a model's folder from evidence: never merged as text, always made again. */
export function isGenerated(path: string): boolean {
  return /^models\/[^/]+\/((data|model)\.lock|(DATA|MODEL)_CARD\.md|changes\/.+)$/.test(path);
}

/**
 * Three-way merge of the base into a branch, path by path. Where both sides changed what Roundhouse generates for
 * a model, all of the branch's generated files of that model go: they tell of a candidate that is no more.
 */
export function decideBaseMerge({
  ancestor,
  head,
  base,
}: {
  ancestor: Side;
  head: Side;
  base: Side;
}): BaseMergePlan {
  const paths = [...new Set([...ancestor.keys(), ...head.keys(), ...base.keys()])].sort();
  const changedBy = (side: Side, path: string) => !same(ancestor.get(path), side.get(path));
  const differs = paths.filter((path) => !same(head.get(path), base.get(path)));
  const both = differs.filter((path) => changedBy(head, path) && changedBy(base, path));
  const outdated = new Set(both.filter(isGenerated).map(modelFolder));
  const steps: MergeStep[] = [];
  for (const path of differs) {
    const entry = base.get(path) ?? null;
    const isOutdated = isGenerated(path) && outdated.has(modelFolder(path));
    if (isOutdated || !changedBy(head, path)) steps.push({ kind: 'take', path, entry });
    else if (both.includes(path)) steps.push(stepOfBoth(path, { ancestor, head, base }));
  }
  return { steps, regenerated: both.filter(isGenerated) };
}

/** Only the lines of plain files can be merged: links, modes and deletions are for a person. */
function stepOfBoth(path: string, sides: { ancestor: Side; head: Side; base: Side }): MergeStep {
  const [ancestor, head, base] = [sides.ancestor.get(path), sides.head.get(path), sides.base.get(path)];
  if (!ancestor || !head || !base) return { kind: 'conflict', path };
  const isPlain =
    ancestor.mode.startsWith('100') && head.mode === ancestor.mode && base.mode === ancestor.mode;
  return isPlain ? { kind: 'merge-text', path, ancestor, head, base } : { kind: 'conflict', path };
}

function modelFolder(path: string): string {
  return path.split('/').slice(0, 2).join('/');
}

function same(a: FileEntry | undefined, b: FileEntry | undefined): boolean {
  return a?.sha === b?.sha && a?.mode === b?.mode;
}
