import type { PullRequest } from '#lib/github/pulls.ts';
import { type ForkRecord, forkRecordSchema } from '#lib/lifecycle/records.ts';
import { listRecords, recordPath } from '#lib/records/records.ts';
import type { Project } from './project.ts';

/** The branch of this repository that holds what was let in of a fork's pull request. */
export function forkBranch(fork: number): string {
  return `roundhouse-pr-${fork}`;
}

/** Number of the fork's pull request that a branch stands for; null where it is no such branch. */
function forkOf(branch: string): number | null {
  const number = /^roundhouse-pr-(\d+)$/.exec(branch)?.[1];
  return number === undefined ? null : Number(number);
}

/** What was let in last of a fork's pull request. */
export async function lastLetIn({ state }: Pick<Project, 'state'>, fork: number): Promise<ForkRecord | null> {
  const found = await listRecords(state, recordPath.forks(fork), forkRecordSchema);
  return found.toSorted((a, b) => a.comment - b.comment).at(-1) ?? null;
}

/** What a pull request of the app's own stands for; null where it is none. */
export async function letInBy(
  project: Pick<Project, 'state' | 'bot'>,
  { author, head }: Pick<PullRequest, 'author' | 'head'>,
): Promise<ForkRecord | null> {
  const fork = head.same_repository && author.login === project.bot ? forkOf(head.ref) : null;
  return fork === null ? null : lastLetIn(project, fork);
}

/** Why what was let in may not run any more: the fork's branch has moved since. */
export async function refusalOfMoved(
  project: Pick<Project, 'state' | 'bot' | 'forge'>,
  pull: Pick<PullRequest, 'author' | 'head'>,
): Promise<string | null> {
  const record = await letInBy(project, pull);
  const origin = record && (await project.forge.pulls.get(record.fork));
  if (!record || origin?.state !== 'open' || origin.head.sha === record.sha) return null;
  return `#${record.fork} moved to ${origin.head.sha.slice(0, 12)} after ${record.login} let ${record.sha.slice(0, 12)} in: \`/ok-to-train ${origin.head.sha}\` there, once it was read`;
}
