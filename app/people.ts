import type { PullRequest } from '#lib/github/pulls.ts';
import { updateRecordSchema } from '#lib/lifecycle/records.ts';
import { retrainingWindow } from '#lib/lifecycle/retraining-branch.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { evaluationOf, type ModelHistory } from '#lib/records/model-history.ts';
import { listRecords, monitorRecords, recordPath } from '#lib/records/records.ts';
import { letInBy } from './forks.ts';
import type { Project } from './project.ts';

/**
 * Who stands behind a pull request, and so doesn't approve what it brings. The app itself is nobody; what it brings
 * from a fork is the fork's author's.
 */
export type PullPeople = { author: string | null; committers: string[]; causers: string[] };

export async function readPeople(project: Project, pull: PullRequest): Promise<PullPeople> {
  const { forge, bot } = project;
  const letIn = await letInBy(project, pull);
  const causers = await causersOf(project, pull);
  return {
    author: letIn?.author ?? (pull.author.login === bot ? null : pull.author.login),
    committers: (await forge.pulls.committers(pull.number)).filter((login) => login !== bot),
    causers: letIn ? [...causers, letIn.login] : causers,
  };
}

/** Those who had the app commit to it, and whose commands made the monitor look that day and so caused it. */
async function causersOf(
  { state }: Pick<Project, 'state'>,
  { number, head }: PullRequest,
): Promise<string[]> {
  const updates = await listRecords(state, recordPath.updates(number), updateRecordSchema);
  const causers = updates.map(({ login }) => login);
  const window = retrainingWindow(head.ref);
  const looks = window === null ? [] : await monitorRecords(state, window);
  const asked = looks.flatMap(({ asked_by, decision }) =>
    asked_by && decision === 'open' ? [asked_by] : [],
  );
  return [...causers, ...asked];
}

/** Those of the pull request that brought a candidate: they neither promote what they made nor lift its freeze. */
export async function peopleBehind(
  project: Project,
  history: ModelHistory,
  candidate: Digest,
): Promise<PullPeople> {
  const number = evaluationOf(history, candidate)?.pull_request ?? null;
  const pull = number === null ? null : await project.forge.pulls.get(number);
  return pull ? readPeople(project, pull) : { author: null, committers: [], causers: [] };
}
