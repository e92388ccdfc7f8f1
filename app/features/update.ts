import type { CommentFacts } from '#lib/github/facts.ts';
import type { PullRequest } from '#lib/github/pulls.ts';
import type { Change } from '#lib/github/trees.ts';
import { isGenerated } from '#lib/lifecycle/update-decision.ts';
import { goOn, putCommit } from '../asked-commit.ts';
import { mergeCommands, mergeOfBase } from '../base-merge.ts';
import { type Handler, type Outcome, refused } from '../command.ts';
import type { Project } from '../project.ts';
import { syncPullRequest } from './pull-request.ts';

type Asked = { project: Project; comment: CommentFacts };

/** `/update`. */
export const update: Handler<'update'> = async ({ project, comment }) => {
  const outcome = await updatePull({ project, comment });
  await syncPullRequest(project, comment.issue);
  return outcome;
};

/**
 * Merges the base into the branch by a commit of the app's own. What Roundhouse generates is never merged: where
 * both sides changed it the base's is taken, and the plan that follows makes it anew.
 */
export async function updatePull(asked: Asked): Promise<Outcome> {
  const { project, comment } = asked;
  const { trees, pulls } = project.forge;
  const pull = await pulls.get(comment.issue);
  const begun = pull && (await goOn(asked, { pull, event: 'base merged', refusalOf }));
  if (begun) return begun;
  if (pull?.state !== 'open') return refused('it belongs on an open pull request');
  if (!pull.head.same_repository)
    return refused('the app never pushes to forks: merge the base there by hand');
  const base = await trees.ref(`heads/${pull.base.ref}`);
  if (base === null) return refused(`there is no branch ${pull.base.ref} any more`);
  if (await trees.contains(pull.head.sha, base)) {
    return { ok: true, text: `the branch holds all of ${pull.base.ref} already` };
  }
  const merge = await readMerge(project, pull, base);
  if (merge.conflicts.length > 0) {
    const files = merge.conflicts.join(', ');
    return refused(`both sides changed the same lines of ${files}: merge by hand: ${byHand(pull)}`);
  }
  return writeUpdate(asked, { pull, base, ...merge });
}

/** GitHub's own merge where it has made one of just these two, since it follows renames; else ours. */
async function readMerge(
  { forge: { trees } }: Project,
  { number, head }: PullRequest,
  base: string,
): Promise<{ onto: string; changes: Change[]; conflicts: string[] }> {
  const { changes, conflicts } = await mergeOfBase(trees, { head: head.sha, base });
  const made = await trees.ref(`pull/${number}/merge`);
  const parents = made === null ? [] : (await trees.commit(made)).parents;
  if (made === null || parents[0] !== base || parents[1] !== head.sha) {
    return { onto: head.sha, changes, conflicts };
  }
  return { onto: made, changes: changes.filter(({ path }) => isGenerated(path)), conflicts: [] };
}

async function writeUpdate(
  asked: Asked,
  { pull, base, onto, changes }: { pull: PullRequest; base: string; onto: string; changes: Change[] },
): Promise<Outcome> {
  const { trees } = asked.project.forge;
  const message = `Merge ${pull.base.ref} into ${pull.head.ref}`;
  const commit = await trees.write({ parent: pull.head.sha, merged: base, onto, message, changes });
  return putCommit(asked, { pull, commit, event: 'base merged', refusalOf });
}

function refusalOf({ base, head }: PullRequest): string {
  return `GitHub lets no app move a branch to other workflow files, and ${base.ref} changed them: merge by hand: ${byHand({ base, head })}`;
}

function byHand({ base, head }: Pick<PullRequest, 'base' | 'head'>): string {
  return mergeCommands({ base: base.ref, head: head.ref }).join(' && ');
}
