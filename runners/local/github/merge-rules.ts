import { type Actor, hasRole } from './auth.ts';
import type { Hub, PullIssue } from './hub.ts';
import { isAncestor } from './merge.ts';
import type { Review } from './rows/issue.ts';
import type { Repository, Rule } from './rows/repository.ts';
import { branchChecks, missingText, notPassed, rulesFor } from './rulesets.ts';
import { pullShape, reviewShape } from './shapes/issue.ts';
import { emit } from './webhooks.ts';

type Merging = { hub: Hub; repo: Repository; issue: PullIssue; actor: Actor };

/** All rules that a merge would break, in GitHub's words (GitHub docs, available-rules-for-rulesets). */
export async function mergeRefusals(merging: Merging): Promise<string[]> {
  const { hub, repo, issue, actor } = merging;
  const rules = rulesFor({ hub, repo, ref: `refs/heads/${issue.pull.base_ref}`, actor, merging: true });
  const queued = rules.some(({ type }) => type === 'merge_queue');
  return [
    ...(queued ? ['Changes must be made through the merge queue'] : []),
    ...(await queueRefusals(merging)),
  ];
}

/** What keeps a pull request out of the queue too. */
export async function queueRefusals({ hub, repo, issue, actor }: Merging): Promise<string[]> {
  const { pull } = issue;
  const rules = rulesFor({ hub, repo, ref: `refs/heads/${pull.base_ref}`, actor, merging: true });
  const checks = branchChecks({ hub, repo, branch: pull.base_ref, sha: pull.head_sha, actor });
  const missing = checks.filter(notPassed).map(({ context }) => context);
  const strict = rules.some(
    (rule) => rule.type === 'required_status_checks' && rule.parameters.strict_required_status_checks_policy,
  );
  const behind = strict && !(await isAncestor(hub.git(repo), pull.base_sha, pull.head_sha));
  return [
    ...(missing.length > 0 ? [missingText(missing)] : []),
    ...(behind ? ['The head branch is not up to date with the base branch'] : []),
    ...rules.flatMap((rule) => reviewRefusals({ hub, repo, issue, rule })),
  ];
}

function reviewRefusals(on: { hub: Hub; repo: Repository; issue: PullIssue; rule: Rule }): string[] {
  const { hub, repo, issue, rule } = on;
  if (rule.type !== 'pull_request') return [];
  const counted = standing(hub, repo, issue).filter(({ user }) => hasRole(hub, repo, user, 'write'));
  const approvals = counted.filter(({ state }) => state === 'APPROVED');
  const { required_approving_review_count: wanted, require_last_push_approval } = rule.parameters;
  const pusher = lastPusher(hub, repo, issue);
  const fresh = approvals.some(({ user, commit_id }) => user !== pusher && commit_id === issue.pull.head_sha);
  return [
    ...(counted.some(({ state }) => state === 'CHANGES_REQUESTED')
      ? ['Changes were requested by a reviewer.']
      : []),
    ...(approvals.length < wanted
      ? [
          `At least ${wanted} approving review${wanted === 1 ? ' is' : 's are'} required by reviewers with write access.`,
        ]
      : []),
    ...(require_last_push_approval && !fresh
      ? ['New changes require approval from someone other than the last pusher.']
      : []),
  ];
}

/** The last review of each person that approves or asks for changes. */
function standing(hub: Hub, repo: Repository, issue: PullIssue): Review[] {
  const byUser = new Map<string, Review>();
  for (const review of reviewsOf(hub, repo, issue)) {
    if (review.state !== 'COMMENTED' && review.state !== 'PENDING') byUser.set(review.user, review);
  }
  return [...byUser.values()].filter(({ state }) => state !== 'DISMISSED');
}

function reviewsOf(hub: Hub, repo: Repository, { number }: PullIssue): Review[] {
  return hub.db.filter('reviews', (one) => one.repository_id === repo.id && one.pull_number === number);
}

/** Who moved the head branch last; its author where that is not known. */
function lastPusher(hub: Hub, repo: Repository, { pull, user }: PullIssue): string {
  const from = pull.fork?.repository_id ?? repo.id;
  return hub.db.get('refs', `${from} refs/heads/${pull.head_ref}`)?.by ?? user;
}

/**
 * "Dismiss stale pull request approvals when new commits are pushed": what changes the diff takes approvals
 * back; a merge of the base that leaves the diff as it was does not.
 */
export async function dismissStale(
  options: { hub: Hub; repo: Repository; issue: PullIssue; sender: string } & {
    before: string;
    base: string;
  },
): Promise<void> {
  const { hub, repo, issue, sender, before, base } = options;
  const { base_ref, base_sha, head_sha } = issue.pull;
  const rules = rulesFor({ hub, repo, ref: `refs/heads/${base_ref}`, actor: { kind: 'anonymous' } });
  if (!rules.some((rule) => rule.type === 'pull_request' && rule.parameters.dismiss_stale_reviews_on_push))
    return;
  const diff = (from: string, to: string) => hub.git(repo).text(['diff', `${from}...${to}`]);
  if ((await diff(base, before)) === (await diff(base_sha, head_sha))) return;
  for (const review of reviewsOf(hub, repo, issue).filter(({ state }) => state === 'APPROVED')) {
    hub.db.put('reviews', review.id, Object.assign(review, { state: 'DISMISSED' }));
    const payload = {
      review: { ...reviewShape(hub, repo, review), state: 'dismissed' },
      pull_request: pullShape(hub, repo, issue),
    };
    emit(hub, { repo, event: 'pull_request_review', action: 'dismissed', sender, payload });
  }
}
