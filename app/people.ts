import type { PullRequest } from '#lib/github/pulls.ts';
import { retrainingWindow } from '../templates/retraining.ts';
import type { Project } from './project.ts';
import { monitorRecords } from './records.ts';

/** Who stands behind a pull request, and so doesn't approve what it brings. The app itself is nobody. */
export type PullPeople = { author: string | null; committers: string[]; causers: string[] };

export async function readPeople(project: Project, pull: PullRequest): Promise<PullPeople> {
  const { forge, bot } = project;
  return {
    author: pull.author.login === bot ? null : pull.author.login,
    committers: (await forge.pulls.committers(pull.number)).filter((login) => login !== bot),
    causers: await causersOf(project, pull),
  };
}

/** Whoever's commands made the monitor look that day, and so caused this pull request; empty for any other. */
async function causersOf({ state }: Pick<Project, 'state'>, { head }: PullRequest): Promise<string[]> {
  const window = retrainingWindow(head.ref);
  if (window === null) return [];
  const records = await monitorRecords(state, window);
  return records.flatMap(({ asked_by, decision }) => (asked_by && decision === 'open' ? [asked_by] : []));
}
