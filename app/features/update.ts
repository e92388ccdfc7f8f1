import type { CommentFacts } from '#lib/github/facts.ts';
import type { PullRequest } from '#lib/github/pulls.ts';
import { isWorkflowsRefusal } from '#lib/github/repository.ts';
import type { Change } from '#lib/github/trees.ts';
import type { Policy } from '#lib/lifecycle/policy.ts';
import type { UpdateRecord } from '#lib/lifecycle/records.ts';
import { isGenerated } from '#lib/lifecycle/update-decision.ts';
import { recordPath, recordText } from '#lib/records/records.ts';
import { readPerson, rolesHeld } from '../approvals.ts';
import { mergeCommands, mergeOfBase } from '../base-merge.ts';
import type { Project } from '../project.ts';

type Answer = { ok: boolean; text: string };
type Asked = { project: Project; comment: CommentFacts; policy: Policy };

/**
 * Merges the base into the branch by a commit of the app's own. What Roundhouse generates is never merged: where
 * both sides changed it the base's is taken, and the plan that follows makes it anew.
 */
export async function updatePull(asked: Asked): Promise<Answer> {
  const { project, comment } = asked;
  const { trees, pulls } = project.forge;
  const pull = await pulls.get(comment.issue);
  if (pull?.state !== 'open') return refused('it belongs on an open pull request');
  const refusal = await refusalToUpdate(asked, pull);
  if (refusal !== null) return refused(refusal);
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

/** What comes of it is theirs: so it is for the author, or for somebody whom the policy gives a role. */
async function refusalToUpdate(
  { project, comment, policy }: Asked,
  { author, head }: PullRequest,
): Promise<string | null> {
  if (!head.same_repository) return 'the app never pushes to forks: merge the base there by hand';
  const { login } = comment.author;
  if (author.login.toLowerCase() === login.toLowerCase()) return null;
  const { teams } = await readPerson(project.forge.people, login, policy);
  if (rolesHeld({ login, teams }, policy).length > 0) return null;
  return 'it is for the author of the pull request, or for somebody who holds a role of the policy';
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
  { project, comment }: Asked,
  { pull, base, onto, changes }: { pull: PullRequest; base: string; onto: string; changes: Change[] },
): Promise<Answer> {
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
  const path = recordPath.update(pull.number, comment.id);
  const write = (event: string, text: string | null) =>
    project.state.write({
      changes: [{ path, text }],
      audit: { event, actor: login, subject: `#${pull.number}`, url: comment.url },
    });
  // Before the branch moves: whoever asked for it approves nothing of what comes of it, also after a crash.
  await write('base merged', recordText(record));
  const refusal = await moveTo(project, pull, commit);
  if (refusal === null) return { ok: true, text: '' };
  await write('base not merged', null);
  return refused(refusal);
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

function refused(text: string): Answer {
  return { ok: false, text };
}
