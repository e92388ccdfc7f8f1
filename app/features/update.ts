import type { CommentFacts } from '#lib/github/facts.ts';
import type { PullRequest } from '#lib/github/pulls.ts';
import { isWorkflowsRefusal } from '#lib/github/repository.ts';
import type { Change } from '#lib/github/trees.ts';
import { type UpdateRecord, updateRecordSchema } from '#lib/lifecycle/records.ts';
import { isGenerated } from '#lib/lifecycle/update-decision.ts';
import { readRecord, recordPath, recordText } from '#lib/records/records.ts';
import { mergeCommands, mergeOfBase } from '../base-merge.ts';
import { DONE, type Handler, type Outcome, refused } from '../command.ts';
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
  const begun = await readRecord(
    project.state,
    recordPath.update(comment.issue, comment.id),
    updateRecordSchema,
  );
  if (pull && begun) return moveBranch(asked, pull, begun);
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
  const { project, comment } = asked;
  const { trees } = project.forge;
  const { login } = comment.author;
  const message = `Merge ${pull.base.ref} into ${pull.head.ref}`;
  const commit = await trees.write({ parent: pull.head.sha, merged: base, onto, message, changes });
  const record: UpdateRecord = {
    kind: 'roundhouse-update',
    pull_request: pull.number,
    login,
    comment: comment.id,
    commit,
    at: comment.created_at,
  };
  // Before the branch moves: whoever asked for it approves nothing of what comes of it, also after a crash.
  await writeRecord(asked, 'base merged', record);
  return moveBranch(asked, pull, record);
}

/** The branch may be there already, where the app was killed right after it had moved it. */
async function moveBranch(asked: Asked, pull: PullRequest, record: UpdateRecord): Promise<Outcome> {
  const { project } = asked;
  const { commit } = record;
  if (await project.forge.trees.contains(pull.head.sha, commit)) return DONE;
  const refusal = await moveTo(project, pull, commit);
  if (refusal === null) return DONE;
  await writeRecord(asked, 'base not merged', record);
  return refused(refusal);
}

async function writeRecord(
  { project, comment }: Asked,
  event: 'base merged' | 'base not merged',
  record: UpdateRecord,
): Promise<void> {
  const path = recordPath.update(record.pull_request, record.comment);
  const actor = comment.author.login;
  await project.state.write({
    changes: [{ path, text: event === 'base merged' ? recordText(record) : null }],
    audit: { event, actor, subject: `#${record.pull_request}`, url: comment.url },
  });
}

async function moveTo({ forge }: Project, pull: PullRequest, commit: string): Promise<string | null> {
  try {
    const moved = await forge.trees.moveRef(`heads/${pull.head.ref}`, commit);
    return moved ? null : 'the branch moved in the meantime: ask again';
  } catch (error) {
    if (!isWorkflowsRefusal(error)) throw error;
    return `GitHub lets no app move a branch to other workflow files, and ${pull.base.ref} changed them: merge by hand: ${byHand(pull)}`;
  }
}

function byHand({ base, head }: PullRequest): string {
  return mergeCommands({ base: base.ref, head: head.ref }).join(' && ');
}
