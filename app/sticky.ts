import { hasMarker, type Marker, withMarker } from '#lib/formats/sticky.ts';
import type { Comments, IssueComment, Said } from '#lib/github/comments.ts';

/** GitHub takes 65,536 characters. */
const BODY_MAX = 65_000;

type Client = Pick<Comments, 'list' | 'create' | 'update' | 'remove'>;

/**
 * The one comment of ours with this marker, brought to this text. GitHub does not make comments unique, so
 * what a crash doubled is folded: the lowest id stays. In a locked conversation it can be
 * edited, not begun: then the checks alone say how things stand.
 */
export async function putSticky(
  comments: Client,
  { issue, marker, body, bot }: { issue: number; marker: Marker; body: string; bot: string },
): Promise<Said> {
  const text = withMarker(marker, shortened(body));
  const [kept, ...doubles] = mine(await comments.list(issue), marker, bot);
  for (const { id } of doubles) await comments.remove(id);
  if (!kept) return comments.create(issue, text);
  if (kept.body.trim() !== text.trim()) await comments.update(kept.id, text);
  return 'said';
}

/** Says something once: a comment with a marker that is there already is not written again. */
export async function sayOnce(
  comments: Client,
  { issue, marker, body, bot }: { issue: number; marker: Marker; body: () => string; bot: string },
): Promise<Said> {
  const [kept, ...doubles] = mine(await comments.list(issue), marker, bot);
  for (const { id } of doubles) await comments.remove(id);
  return kept ? 'said' : comments.create(issue, withMarker(marker, shortened(body())));
}

/** Anybody can type a marker: only what the app wrote counts. */
function mine(found: IssueComment[], marker: Marker, bot: string): IssueComment[] {
  return found
    .filter(({ author, body }) => author.login === bot && hasMarker(body, marker))
    .toSorted((a, b) => a.id - b.id);
}

function shortened(body: string): string {
  if (body.length <= BODY_MAX) return body;
  const cut = body.lastIndexOf('\n', BODY_MAX - 200);
  return `${body.slice(0, cut)}\n\n_The rest did not fit into a comment; the evidence on branch \`roundhouse\` has it._\n`;
}
