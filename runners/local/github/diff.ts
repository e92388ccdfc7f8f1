import type { Git } from './git.ts';

export type FileDiff = {
  sha: string | null;
  filename: string;
  previous_filename?: string;
  status: 'added' | 'removed' | 'modified' | 'renamed' | 'changed';
  additions: number;
  deletions: number;
  changes: number;
  /** Left out for binary files and beyond GitHub's limits: such files are read as blobs. */
  patch?: string;
};

const MAX_FILES = 3000;
/** GitHub docs, repository-limits. */
const MAX_PATCH_BYTES = 500 * 1024;
const MAX_ALL_PATCH_BYTES = 1024 * 1024;

/** The files of `a...b` or `a..b`, with patches, in git's order. */
export async function pullFiles(git: Git, range: string): Promise<FileDiff[]> {
  const [raw, counts, patches] = await Promise.all([
    git.run(['diff', '--raw', '-z', '-M', '--no-abbrev', range]),
    git.run(['diff', '--numstat', '-z', '-M', range]),
    git.run(['diff', '-M', '--no-color', '--no-ext-diff', range]),
  ]);
  const files = parseRaw(raw.stdout.toString());
  const numbers = parseNumstat(counts.stdout.toString());
  const texts = splitPatches(patches.stdout.toString());
  let budget = MAX_ALL_PATCH_BYTES;
  return files.slice(0, MAX_FILES).map((file, at) => {
    const [additions = 0, deletions = 0] = numbers[at] ?? [];
    const patch = texts[at];
    const fits = patch !== undefined && patch.length <= MAX_PATCH_BYTES && patch.length <= budget;
    if (fits) budget -= patch.length;
    return { ...file, additions, deletions, changes: additions + deletions, ...(fits ? { patch } : {}) };
  });
}

function parseRaw(text: string): Pick<FileDiff, 'sha' | 'filename' | 'previous_filename' | 'status'>[] {
  const fields = text.split('\0');
  const files: Pick<FileDiff, 'sha' | 'filename' | 'previous_filename' | 'status'>[] = [];
  for (let at = 0; at < fields.length; ) {
    const meta = fields[at];
    if (!meta?.startsWith(':')) break;
    const [, , before = '', after = '', letter = ''] = meta.split(' ');
    const renamed = /^[RC]/.test(letter);
    const first = fields[at + 1] ?? '';
    const filename = renamed ? (fields[at + 2] ?? '') : first;
    const names = { A: 'added', D: 'removed', M: 'modified', R: 'renamed', T: 'changed' } as const;
    files.push({
      sha: letter === 'D' ? before : after,
      filename,
      ...(renamed ? { previous_filename: first } : {}),
      status: names[letter.charAt(0) as keyof typeof names] ?? 'modified',
    });
    at += renamed ? 3 : 2;
  }
  return files;
}

/** Pairs of lines added and deleted; `-` for binary files counts as zero. */
function parseNumstat(text: string): [number, number][] {
  const fields = text.split('\0');
  const pairs: [number, number][] = [];
  for (let at = 0; at < fields.length; ) {
    const match = /^(\d+|-)\t(\d+|-)\t(.*)$/s.exec(fields[at] ?? '');
    if (!match) break;
    pairs.push([Number(match[1]) || 0, Number(match[2]) || 0]);
    at += match[3] === '' ? 3 : 1;
  }
  return pairs;
}

/** From the first hunk on, as the API gives it; undefined for a file without hunks. */
function splitPatches(text: string): (string | undefined)[] {
  return text
    .split(/^diff --git /m)
    .slice(1)
    .map((part) => {
      const hunk = part.indexOf('\n@@ ');
      return hunk < 0 ? undefined : part.slice(hunk + 1).replace(/\n$/, '');
    });
}
