import type { CommentFacts } from '#lib/github/facts.ts';
import { type ParsedLine, parseCommands } from '#lib/lifecycle/command.ts';
import { recordPath, recordText } from '#lib/records/records.ts';
import { isDone } from '../once.ts';
import type { Project } from '../project.ts';

/** From so many comments on, of one person on one issue and none of them done, they are taken together. */
const BURST = 5;
/** Of a burst, so many different commands are done, the last ones. */
const MOST_COMMANDS = 20;
const LEASE_MS = 60_000;

/** What this process knows to be done, so that a burst isn't read from the records for each of its comments. */
const done = new WeakMap<Project, Set<number>>();

/** The comment alone, or with all that the same person has said there meanwhile. The oldest comes first. */
export async function burstOf(project: Project, comment: CommentFacts): Promise<CommentFacts[]> {
  const known = done.get(project) ?? new Set<number>();
  done.set(project, known);
  const waiting = [...project.heard.values()].filter(
    (other) => isAlike(other, comment) && !known.has(other.id),
  );
  if (waiting.length < BURST) return [comment];
  const left: CommentFacts[] = [];
  for (const other of waiting.toSorted((a, b) => a.id - b.id)) {
    if (await isDone(project, claimKey(other))) known.add(other.id);
    else if (parseCommands(other.body).length > 0) left.push(other);
  }
  return left.length < BURST ? [comment] : left;
}

/** Comments of the person there that were heard in the same hour. */
export function countOfHour({ heard }: Project, comment: CommentFacts): number {
  const hour = hourOf(comment);
  return [...heard.values()].filter((other) => isAlike(other, comment) && hourOf(other) === hour).length;
}

/** To the hour: one answer holds for all bursts of the person there. */
export function hourOf({ created_at }: CommentFacts): string {
  return created_at.slice(0, 13);
}

/** `tooMany` counts the other commands, which are not done. */
type BurstLines = { lines: { comment: CommentFacts; line: ParsedLine }[]; tooMany: number };

/**
 * Each command of a burst once, where it was said last, in the order of those. Of several `/train` the last counts:
 * each would end the run of the one before.
 */
export function linesOf(burst: readonly CommentFacts[]): BurstLines {
  const last = new Map<string, { comment: CommentFacts; line: ParsedLine }>();
  for (const comment of burst) {
    for (const line of parseCommands(comment.body)) {
      const { line: _, ...said } = line;
      const isTraining = line.kind === 'command' && line.command.name === 'train';
      const key = isTraining && burst.length > 1 ? 'train' : JSON.stringify(said);
      last.delete(key);
      last.set(key, { comment, line });
    }
  }
  const lines = [...last.values()].slice(-MOST_COMMANDS);
  return { lines, tooMany: last.size - lines.length };
}

/** What was taken together with another comment is done with it. One write for all of them. */
export async function settleBurst(project: Project, [lead, ...others]: CommentFacts[]): Promise<void> {
  if (!lead || others.length === 0) return;
  const at = project.now();
  const changes = others.map((comment) => ({
    path: recordPath.claim(claimKey(comment)),
    text: recordText({
      kind: 'roundhouse-claim',
      key: claimKey(comment),
      owner: project.ownerId,
      token: 1,
      at: at.toISOString(),
      lease_until: new Date(at.getTime() + LEASE_MS).toISOString(),
      outcome: `taken together with comment ${lead.id}`,
    }),
  }));
  await project.state.write({
    changes,
    audit: {
      event: 'commands taken together',
      actor: lead.author.login,
      subject: `#${lead.issue}`,
      note: `${others.length + 1} comments from ${lead.id} to ${others.at(-1)?.id}`,
      url: lead.url,
    },
  });
  for (const { id } of others) done.get(project)?.add(id);
}

export function claimKey({ id }: Pick<CommentFacts, 'id'>): string {
  return `comment:${id}`;
}

function isAlike(a: CommentFacts, b: CommentFacts): boolean {
  return a.issue === b.issue && a.author.login === b.author.login && a.author.type === b.author.type;
}
