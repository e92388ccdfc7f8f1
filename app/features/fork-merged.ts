import { render } from '#lib/formats/markdown.ts';
import type { PullRequest } from '#lib/github/pulls.ts';
import { loadTemplate } from '../../templates/load.ts';
import { forkBranch, lastLetIn } from '../forks.ts';
import type { Project } from '../project.ts';
import { sayOnce } from '../sticky.ts';

/** What was let in and merged is not asked for any more: the fork's own pull request is closed, with where it went. */
export async function followFork(project: Project, pull: PullRequest): Promise<void> {
  if (pull.head.same_repository) return;
  const record = await lastLetIn(project, pull.number);
  if (record?.sha !== pull.head.sha) return;
  const made = await project.forge.pulls.list({ state: 'closed', head: forkBranch(pull.number) });
  const merged = made.find((one) => one.merged && one.author.login === project.bot);
  if (!merged) return;
  await sayOnce(project.forge.comments, {
    issue: pull.number,
    marker: { kind: 'fork-merged', key: String(merged.number) },
    bot: project.bot,
    body: () =>
      render(loadTemplate('comments/fork-merged.hbs'), { pull: merged.number, sha: record.sha.slice(0, 12) }),
  });
  await project.forge.issues.update(pull.number, { state: 'closed' });
}
