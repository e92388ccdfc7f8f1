import { z } from 'zod';
import { actorLogin, hasRole } from '../auth.ts';
import { type Answer, type Endpoint, ok, parseBody, type RepoCall, repo } from '../endpoint.ts';
import { swapRef, ZERO } from '../git-refs.ts';
import { headOwner, headRepository, issueKey, type PullIssue } from '../hub.ts';
import { isAncestor, mergeTree, webFlow, writeCommit } from '../merge.ts';
import { mergeRefusals } from '../merge-rules.ts';
import { bringOver, closeMerged, headTip } from '../pull-sync.ts';
import { announce, changeRef, swapOrRefuse } from '../refs.ts';
import { Refusal, unprocessable } from '../refusal.ts';
import type { Repository } from '../rows/repository.ts';
import { refRefusal } from '../rulesets.ts';
import { repoUrl } from '../shapes/account.ts';
import type { Person } from '../shapes/commit.ts';
import { personOf } from './contents.ts';
import { commitsOfPull, fromPath } from './pulls.ts';

export const merges: Endpoint[] = [
  repo('PUT /pulls/:number/merge', 'contents=write | write', mergePull),
  // Writing to the head is what counts: see checkMayPush.
  repo('PUT /pulls/:number/update-branch', 'pull_requests=write,contents=write', updateBranch),
];

const MERGE = z.object({
  commit_title: z.string().optional(),
  commit_message: z.string().optional(),
  sha: z.string().optional(),
  merge_method: z.enum(['merge', 'squash', 'rebase']).default('merge'),
});

async function mergePull(call: RepoCall): Promise<Answer> {
  const input = parseBody(call, MERGE);
  const { hub, actor } = call;
  return hub.exclusive(`refs/${call.repo.id}`, async () => {
    const issue = fromPath(call);
    const { pull } = issue;
    await checkMergeable(call, issue, input.sha);
    const by = actorLogin(actor);
    const sha = await writeMerge(call, issue, input);
    const update = { ref: `refs/heads/${pull.base_ref}`, before: pull.base_sha, after: sha };
    // Written down first: a crash after the swap then still closes this pull request as merged.
    pull.merging = { sha, by };
    hub.db.put('issues', issueKey(call.repo, issue.number), issue);
    await hub.db.committed();
    try {
      await swapOrRefuse({ hub, repo: call.repo, actor, update, merging: true });
    } catch (error) {
      pull.merging = null;
      hub.db.put('issues', issueKey(call.repo, issue.number), issue);
      if (error instanceof Refusal && error.message === 'Update is not a fast forward') throw baseMoved();
      if (error instanceof Refusal && error.status === 422) throw new Refusal(405, error.message);
      throw error;
    }
    await closeMerged({ hub, repo: call.repo, actor, sender: by, issue, sha, by });
    await announce({ hub, repo: call.repo, actor, updates: [update] });
    if (call.repo.delete_branch_on_merge) await deleteHead(call, issue);
    return ok({ sha, merged: true, message: 'Pull Request successfully merged' });
  });
}

/** The setting "Automatically delete head branches": of this repository's branches, where a rule does not forbid it. */
async function deleteHead(call: RepoCall, { pull }: PullIssue): Promise<void> {
  const { hub, actor } = call;
  if (pull.fork || pull.head_ref === call.repo.default_branch) return;
  const update = { ref: `refs/heads/${pull.head_ref}`, before: pull.head_sha, after: ZERO };
  if (refRefusal({ hub, repo: call.repo, update, actor }) || !(await swapRef(hub.git(call.repo), update)))
    return;
  await announce({ hub, repo: call.repo, actor, updates: [update] });
}

function baseMoved(): Refusal {
  return new Refusal(405, 'Base branch was modified. Review and try the merge again.');
}

async function checkMergeable(call: RepoCall, issue: PullIssue, expected: string | undefined): Promise<void> {
  const { pull } = issue;
  if (issue.state === 'closed') throw new Refusal(405, 'Pull Request is not mergeable');
  if (pull.draft) throw new Refusal(405, 'Pull Request is still a draft');
  if (expected && expected !== pull.head_sha) {
    throw new Refusal(409, 'Head branch was modified. Review and try the merge again.');
  }
  if (!pull.mergeable) throw new Refusal(405, 'Pull Request is not mergeable');
  const refused = await mergeRefusals({ hub: call.hub, repo: call.repo, issue, actor: call.actor });
  if (refused.length > 0)
    throw new Refusal(405, `Repository rule violations found\n\n${refused.join('\n\n')}\n\n`);
}

async function writeMerge(call: RepoCall, issue: PullIssue, input: z.infer<typeof MERGE>): Promise<string> {
  const { hub, actor } = call;
  const { pull, number, title, body } = issue;
  const git = hub.git(call.repo);
  const merger = personOf(hub, actor);
  if (input.merge_method === 'rebase') return replay(call, issue);
  const tree = await mergeTree(git, pull.base_sha, pull.head_sha);
  if (!tree) throw new Refusal(405, 'Pull Request is not mergeable');
  const squash = input.merge_method === 'squash';
  const heading =
    input.commit_title ??
    (squash
      ? `${title} (#${number})`
      : `Merge pull request #${number} from ${headOwner(call.repo, issue)}/${pull.head_ref}`);
  const text = input.commit_message ?? (squash ? (body ?? '') : title);
  const author: Person = squash ? personOf(hub, { kind: 'user', login: issue.user }) : merger;
  const sha = await writeCommit(git, {
    tree,
    parents: squash ? [pull.base_sha] : [pull.base_sha, pull.head_sha],
    message: text ? `${heading}\n\n${text}` : heading,
    author,
    committer: webFlow(),
  });
  hub.db.put('verified', sha, { sha });
  return sha;
}

/** Each commit of the head again on top of the base. */
async function replay(call: RepoCall, issue: PullIssue): Promise<string> {
  const git = call.hub.git(call.repo);
  let onto = issue.pull.base_sha;
  for (const commit of await commitsOfPull(call, issue)) {
    if (commit.parents.length > 1) throw new Refusal(405, "This branch can't be rebased");
    const parent = commit.parents[0] ?? '';
    const result = await git.run([
      'merge-tree',
      '--write-tree',
      '--no-messages',
      `--merge-base=${parent}`,
      onto,
      commit.sha,
    ]);
    const tree =
      result.code === 0
        ? result.stdout.toString().trim()
        : await pickTree(call, { onto, parent, commit: commit.sha });
    const { author, message } = commit;
    onto = await writeCommit(git, { tree, parents: [onto], message, author, committer: webFlow() });
  }
  return onto;
}

/**
 * A cherry-pick for gits without `merge-tree --merge-base` (before 2.40): a stand-in for `onto` whose only
 * parent is the commit's own parent makes that parent the merge base.
 */
async function pickTree(
  call: RepoCall,
  pick: { onto: string; parent: string; commit: string },
): Promise<string> {
  const git = call.hub.git(call.repo);
  const tree = (await git.info(`${pick.onto}^{tree}`))?.oid ?? '';
  const standIn = await writeCommit(git, {
    ...{ tree, parents: [pick.parent], message: 'stand-in', author: webFlow(), committer: webFlow() },
  });
  const merged = await mergeTree(git, standIn, pick.commit);
  if (!merged) throw new Refusal(405, "This branch can't be rebased");
  return merged;
}

function checkMayPush({ hub, actor }: RepoCall, to: Repository): void {
  const allowed =
    actor.kind === 'user'
      ? hasRole(hub, to, actor.login, 'write')
      : 'repository_ids' in actor && actor.repository_ids.includes(to.id);
  if (!allowed) throw new Refusal(403, "You don't have permission to update the head branch.");
}

/** Merges the base into the head branch. */
async function updateBranch(call: RepoCall): Promise<Answer> {
  const { hub, actor } = call;
  const { expected_head_sha: expected } = parseBody(
    call,
    z.object({ expected_head_sha: z.string().optional() }),
  );
  const issue = fromPath(call);
  const { pull } = issue;
  if (expected && expected !== pull.head_sha) {
    throw unprocessable(`expected head sha didn't match current head ref.`);
  }
  const from = headRepository(hub, call.repo, issue);
  if (!from || !(await headTip(hub, call.repo, issue)))
    throw unprocessable('head repository or branch is gone');
  checkMayPush(call, from);
  const git = hub.git(call.repo);
  if (await isAncestor(git, pull.base_sha, pull.head_sha)) {
    throw unprocessable('There are no new commits on the base branch.');
  }
  const tree = await mergeTree(git, pull.head_sha, pull.base_sha);
  if (!tree) throw unprocessable('merge conflict between base and head');
  const sha = await writeCommit(git, {
    tree,
    parents: [pull.head_sha, pull.base_sha],
    message: `Merge branch '${pull.base_ref}' into ${pull.head_ref}`,
    author: personOf(hub, actor),
    committer: webFlow(),
  });
  const update = { ref: `refs/heads/${pull.head_ref}`, before: pull.head_sha, after: sha };
  await bringOver(hub, { from: call.repo, to: from, sha });
  await changeRef({ hub, repo: from, actor, update });
  return {
    status: 202,
    body: {
      message: 'Updating pull request branch.',
      url: repoUrl(hub, call.repo, `/pulls/${issue.number}`),
    },
  };
}
