import type { Actor } from './auth.ts';
import { type RefUpdate, refSha, swapRef, ZERO } from './git-refs.ts';
import { type Hub, headRepository, issueKey, openPulls, type PullIssue, timestamp } from './hub.ts';
import { isAncestor, mergeTree, webFlow, writeCommit } from './merge.ts';
import { dismissStale } from './merge-rules.ts';
import { pullDetail } from './pull-detail.ts';
import type { Repository } from './rows/repository.ts';
import { emit } from './webhooks.ts';
import { onPullRequest } from './workflow-events.ts';

export type PullChange = { hub: Hub; repo: Repository; actor: Actor; sender: string };

/** Open pull requests follow their branches: heads move, merges are noticed, test merges are made anew. */
export async function syncPulls(change: PullChange & { updates: RefUpdate[] }): Promise<void> {
  const branches = new Set(
    change.updates.filter(({ ref }) => ref.startsWith('refs/heads/')).map(({ ref }) => ref.slice(11)),
  );
  for (const issue of openPulls(change.hub, change.repo)) {
    const { head_ref, base_ref, fork } = issue.pull;
    if ((!fork && branches.has(head_ref)) || branches.has(base_ref)) await syncPull({ ...change, issue });
  }
  await syncUpstream(change, branches);
}

/** A branch of a fork moves the pull requests that it has in the repository it was forked from. */
async function syncUpstream(change: PullChange, branches: Set<string>): Promise<void> {
  const { hub, repo: fork } = change;
  const upstream = fork.fork_of === undefined ? undefined : hub.db.get('repositories', fork.fork_of);
  if (!upstream) return;
  // A fork's lock is taken before its upstream's, never the other way round.
  await hub.exclusive(`refs/${upstream.id}`, async () => {
    for (const issue of openPulls(hub, upstream)) {
      const { pull } = issue;
      if (pull.fork?.repository_id === fork.id && branches.has(pull.head_ref))
        await syncPull({ ...change, repo: upstream, issue });
    }
  });
}

/** Where the head branch is now; its commits are brought over from a fork. Undefined when branch or fork is gone. */
export async function headTip(hub: Hub, repo: Repository, issue: PullIssue): Promise<string | undefined> {
  const from = headRepository(hub, repo, issue);
  const ref = `refs/heads/${issue.pull.head_ref}`;
  const tip = from && (await refSha(hub.git(from), ref));
  if (tip && from.id !== repo.id) await bringOver(hub, { from, to: repo, sha: tip });
  return tip;
}

/** Copies a commit with all that it needs from one repository of a fork network to another. */
export async function bringOver(
  hub: Hub,
  { from, to, sha }: { from: Repository; to: Repository; sha: string },
): Promise<void> {
  if (await hub.git(to).info(sha)) return;
  await hub.git(to).text(['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', hub.git(from).path, sha]);
}

async function syncPull(change: PullChange & { issue: PullIssue }): Promise<void> {
  const { hub, repo, issue } = change;
  const { pull } = issue;
  const git = hub.git(repo);
  const head = await headTip(hub, repo, issue);
  const base = await refSha(git, `refs/heads/${pull.base_ref}`);
  if (base && pull.merging && (await isAncestor(git, pull.merging.sha, base))) {
    const { sha, by } = pull.merging;
    return closeMerged({ ...change, sha, by });
  }
  // A deleted branch closes its pull requests, a deleted fork does not.
  if (!head && base && !headRepository(hub, repo, issue)) return;
  if (!head || !base) return closePull(change);
  const baseMoved = base !== pull.base_sha;
  if ((baseMoved || head !== pull.head_sha) && (await isAncestor(git, head, base))) {
    // Its commits reached the base by another way: merged all the same. Reset onto the base: nothing is left of it.
    if (!(await isAncestor(git, pull.head_sha, base))) return closePull(change);
    return closeMerged({ ...change, sha: base, by: change.sender });
  }
  const { head_sha: before, base_sha: formerBase } = pull;
  if (before === head && !baseMoved && pull.merge_commit_sha) return;
  Object.assign(pull, { head_sha: head, base_sha: base });
  await writeTestMerge(change);
  save(change, before === head ? issue.updated_at : timestamp());
  if (before === head) return;
  await emitPull({ ...change, action: 'synchronize', more: { before, after: head } });
  await dismissStale({ ...change, before, base: formerBase });
}

/** Writes `refs/pull/<n>/head` and, unless there is a conflict, `refs/pull/<n>/merge`. */
export async function writeTestMerge({ hub, repo, issue }: PullChange & { issue: PullIssue }): Promise<void> {
  const { pull, number } = issue;
  const git = hub.git(repo);
  await setRef(hub, repo, `refs/pull/${number}/head`, pull.head_sha);
  const tree = await mergeTree(git, pull.base_sha, pull.head_sha);
  pull.mergeable = tree !== undefined;
  pull.merge_commit_sha =
    tree === undefined
      ? null
      : await writeCommit(git, {
          tree,
          parents: [pull.base_sha, pull.head_sha],
          message: `Merge ${pull.head_sha} into ${pull.base_sha}`,
          author: webFlow(),
          committer: webFlow(),
        });
  await setRef(hub, repo, `refs/pull/${number}/merge`, pull.merge_commit_sha ?? ZERO);
}

async function setRef(hub: Hub, repo: Repository, ref: string, after: string): Promise<void> {
  const git = hub.git(repo);
  const before = (await refSha(git, ref)) ?? ZERO;
  if (before !== after) await swapRef(git, { ref, before, after });
}

function save({ hub, repo, issue }: PullChange & { issue: PullIssue }, updated: string): void {
  issue.updated_at = updated;
  hub.db.put('issues', issueKey(repo, issue.number), issue);
}

export async function closeMerged(
  change: PullChange & { issue: PullIssue; sha: string; by: string },
): Promise<void> {
  const { hub, repo, issue, sha, by } = change;
  const now = timestamp();
  Object.assign(issue.pull, { merged_at: now, merged_by: by, merge_commit_sha: sha, merging: null });
  Object.assign(issue, { state: 'closed', closed_at: now, closed_by: by });
  save(change, now);
  await setRef(hub, repo, `refs/pull/${issue.number}/merge`, ZERO);
  await emitPull({ ...change, sender: by, action: 'closed' });
}

/** GitHub closes a pull request whose branch is deleted. */
async function closePull(change: PullChange & { issue: PullIssue }): Promise<void> {
  const now = timestamp();
  Object.assign(change.issue, { state: 'closed', closed_at: now, closed_by: change.sender });
  save(change, now);
  await emitPull({ ...change, action: 'closed' });
}

export async function emitPull(
  change: PullChange & { issue: PullIssue; action: string; more?: Record<string, unknown> },
): Promise<void> {
  const { hub, repo, issue, sender, action, more = {} } = change;
  const payload = { number: issue.number, pull_request: await pullDetail(hub, repo, issue), ...more };
  emit(hub, { repo, event: 'pull_request', action, sender, payload });
  await onPullRequest({ ...change, payload: { action, ...payload } });
}
