import type { Hub, PullIssue } from './hub.ts';
import { mergeRefusals } from './merge-rules.ts';
import type { Repository } from './rows/repository.ts';
import { maybeUser } from './shapes/account.ts';
import { commentsOf, pullShape } from './shapes/issue.ts';

/** A pull request with what only git can tell: counts, and whether it can be merged. */
export async function pullDetail(hub: Hub, repo: Repository, issue: PullIssue) {
  const { pull } = issue;
  const git = hub.git(repo);
  const range = `${pull.base_sha}...${pull.head_sha}`;
  const [stat, count] = await Promise.all([
    git.run(['diff', '--shortstat', range]),
    git.run(['rev-list', '--count', `${pull.base_sha}..${pull.head_sha}`]),
  ]);
  const numberBefore = (word: RegExp) => Number(word.exec(stat.stdout.toString())?.[1] ?? 0);
  return {
    ...pullShape(hub, repo, issue),
    merged: pull.merged_at !== null,
    mergeable: issue.state === 'open' ? pull.mergeable : null,
    rebaseable: issue.state === 'open' ? pull.mergeable : null,
    mergeable_state: await mergeableState(hub, repo, issue),
    merged_by: maybeUser(hub, pull.merged_by),
    comments: commentsOf(hub, issue).length,
    review_comments: hub.db.filter(
      'review_comments',
      (one) => one.repository_id === repo.id && one.pull_number === issue.number,
    ).length,
    maintainer_can_modify: false,
    commits: Number(count.stdout.toString().trim() || 0),
    additions: numberBefore(/(\d+) insertion/),
    deletions: numberBefore(/(\d+) deletion/),
    changed_files: numberBefore(/(\d+) files? changed/),
  };
}

async function mergeableState(hub: Hub, repo: Repository, issue: PullIssue): Promise<string> {
  const { pull } = issue;
  if (issue.state === 'closed') return 'unknown';
  if (!pull.mergeable) return 'dirty';
  if (pull.draft) return 'draft';
  const refused = await mergeRefusals({ hub, repo, issue, actor: { kind: 'anonymous' } });
  return refused.length > 0 ? 'blocked' : 'clean';
}
