import type { CommandSetting } from '../command.ts';
import { syncProblem } from './problem.ts';
import { syncPullRequest } from './pull-request.ts';

/** Brings what a command stands on, an issue or a pull request, to what is on record now. */
export async function syncAsked({ project, comment, isPull }: CommandSetting): Promise<void> {
  await (isPull ? syncPullRequest(project, comment.issue) : syncProblem(project, comment.issue));
}
