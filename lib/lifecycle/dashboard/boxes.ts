/**
 * A tick box of a dashboard issue: the safe actions only. `digest` is what was shown when it was ticked: the
 * candidate in force, or the head of the pull request.
 */
export type Box =
  | { action: 'retrain'; model: string; digest: string; label: string }
  | { action: 'recheck'; model: string; pull: number; digest: string; label: string };

const LINE = /^- \[[ xX]\] .* <!-- roundhouse:box ([a-z]+ [a-z0-9-]+(?: \d+)? [0-9a-f]{16}) -->$/;

/** What a box is known by, wherever its line stands and whatever its label says. */
export function boxId(box: Box): string {
  const about = box.action === 'recheck' ? `${box.model} ${box.pull}` : box.model;
  return `${box.action} ${about} ${shortOf(box.digest)}`;
}

/** The line, always unticked. The label is inert Markdown already. */
export function renderBox(box: Box, label: string): string {
  return `- [ ] ${label} <!-- roundhouse:box ${boxId(box)} -->`;
}

function shortOf(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 16);
}

/**
 * The id of the one box that an edit has ticked; null where it did anything else too: then nobody asked for
 * anything, and the body is brought back.
 */
export function tickedBox(before: string, after: string): string | null {
  const [old, now] = [linesOf(before), linesOf(after)];
  if (old.length !== now.length) return null;
  const changed = old.flatMap((line, at) => (line === now[at] ? [] : [{ line, next: now[at] ?? '' }]));
  const [only, ...others] = changed;
  if (!only || others.length > 0 || !only.line.startsWith('- [ ] ')) return null;
  const wanted = only.line.slice('- [ ] '.length);
  if (only.next !== `- [x] ${wanted}` && only.next !== `- [X] ${wanted}`) return null;
  return LINE.exec(only.line)?.[1] ?? null;
}

/** GitHub's pages send other line ends than its API gives out. */
function linesOf(body: string): string[] {
  return body
    .split(/\r?\n/)
    .map((line) => line.trimEnd())
    .join('\n')
    .trimEnd()
    .split('\n');
}

/** Whether two bodies say the same. */
export function sameBody(one: string, other: string): boolean {
  return linesOf(one).join('\n') === linesOf(other).join('\n');
}
