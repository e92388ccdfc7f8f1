import { type Hub, headOwner, headRepository, isPull, type PullIssue } from '../hub.ts';
import type { Comment, Issue, Review } from '../rows/issue.ts';
import type { Label, Milestone, Repository } from '../rows/repository.ts';
import { htmlUrl, maybeUser, nodeId, repositoryShape, repoUrl, userShape, viaAppShape } from './account.ts';

const REACTIONS = ['+1', '-1', 'laugh', 'hooray', 'confused', 'heart', 'rocket', 'eyes'];

export function reactionsShape(url: string, contents: string[]) {
  const counts = Object.fromEntries(
    REACTIONS.map((content) => [content, contents.filter((one) => one === content).length]),
  );
  return { url: `${url}/reactions`, total_count: contents.length, ...counts };
}

export function labelShape(hub: Hub, repo: Repository, label: Label) {
  return {
    ...label,
    node_id: nodeId('Label', label.id),
    url: repoUrl(hub, repo, `/labels/${encodeURIComponent(label.name)}`),
    default: false,
  };
}

export function labelsShape(hub: Hub, repo: Repository, names: string[]) {
  return repo.labels.filter(({ name }) => names.includes(name)).map((label) => labelShape(hub, repo, label));
}

export function milestoneShape(hub: Hub, repo: Repository, milestone: Milestone) {
  const inside = hub.db.filter(
    'issues',
    (one) => one.repository_id === repo.id && one.milestone === milestone.number,
  );
  return {
    ...milestone,
    node_id: nodeId('Milestone', milestone.id),
    url: repoUrl(hub, repo, `/milestones/${milestone.number}`),
    html_url: htmlUrl(hub, repo, `/milestone/${milestone.number}`),
    labels_url: repoUrl(hub, repo, `/milestones/${milestone.number}/labels`),
    creator: userShape(hub, milestone.creator),
    open_issues: inside.filter(({ state }) => state === 'open').length,
    closed_issues: inside.filter(({ state }) => state === 'closed').length,
    closed_at: milestone.state === 'closed' ? milestone.updated_at : null,
  };
}

function maybeMilestone(hub: Hub, repo: Repository, number: number | null) {
  const found = repo.milestones.find((one) => one.number === number);
  return found ? milestoneShape(hub, repo, found) : null;
}

export function association(repo: Repository, login: string): string {
  if (login === repo.owner) return 'OWNER';
  return repo.collaborators[login] ? 'COLLABORATOR' : 'NONE';
}

export function commentsOf(hub: Hub, issue: Issue): Comment[] {
  return hub.db.filter(
    'comments',
    (one) => one.repository_id === issue.repository_id && one.issue_number === issue.number,
  );
}

function subIssuesSummary(hub: Hub, issue: Issue) {
  const children = hub.db
    .filter('sub_issues', (one) => one.parent_id === issue.id)
    .map((one) => one.child_id);
  const total = children.length;
  const closed =
    total === 0 ? [] : hub.db.filter('issues', (one) => children.includes(one.id) && one.state === 'closed');
  const percent_completed = total === 0 ? 0 : Math.floor((100 * closed.length) / total);
  return { total, completed: closed.length, percent_completed };
}

export function issueShape(hub: Hub, repo: Repository, issue: Issue) {
  const url = repoUrl(hub, repo, `/issues/${issue.number}`);
  const kind = isPull(issue) ? 'pull' : 'issues';
  const html = htmlUrl(hub, repo, `/${kind}/${issue.number}`);
  return {
    id: issue.id,
    node_id: nodeId('Issue', issue.id),
    url,
    repository_url: repoUrl(hub, repo),
    labels_url: `${url}/labels{/name}`,
    comments_url: `${url}/comments`,
    events_url: `${url}/events`,
    html_url: html,
    timeline_url: `${url}/timeline`,
    number: issue.number,
    state: issue.state,
    state_reason: issue.state_reason,
    title: issue.title,
    body: issue.body,
    user: userShape(hub, issue.user),
    labels: labelsShape(hub, repo, issue.labels),
    assignee: maybeUser(hub, issue.assignees[0] ?? null),
    assignees: issue.assignees.map((login) => userShape(hub, login)),
    milestone: maybeMilestone(hub, repo, issue.milestone),
    locked: issue.locked,
    active_lock_reason: issue.lock_reason ?? null,
    comments: commentsOf(hub, issue).length,
    created_at: issue.created_at,
    updated_at: issue.updated_at,
    closed_at: issue.closed_at,
    closed_by: maybeUser(hub, issue.closed_by),
    author_association: association(repo, issue.user),
    performed_via_github_app: viaAppShape(hub, issue.via_app),
    reactions: reactionsShape(
      url,
      (issue.reactions ?? []).map(({ content }) => content),
    ),
    sub_issues_summary: subIssuesSummary(hub, issue),
    ...(isPull(issue)
      ? {
          draft: issue.pull.draft,
          pull_request: {
            url: repoUrl(hub, repo, `/pulls/${issue.number}`),
            html_url: html,
            diff_url: `${html}.diff`,
            patch_url: `${html}.patch`,
            merged_at: issue.pull.merged_at,
          },
        }
      : {}),
  };
}

export function commentShape(hub: Hub, repo: Repository, comment: Comment) {
  const url = repoUrl(hub, repo, `/issues/comments/${comment.id}`);
  const pull = hub.db.get('issues', `${repo.id}/${comment.issue_number}`)?.pull;
  const html = htmlUrl(hub, repo, `/${pull ? 'pull' : 'issues'}/${comment.issue_number}`);
  return {
    id: comment.id,
    node_id: nodeId('IssueComment', comment.id),
    url,
    html_url: `${html}#issuecomment-${comment.id}`,
    issue_url: repoUrl(hub, repo, `/issues/${comment.issue_number}`),
    user: userShape(hub, comment.user),
    body: comment.body,
    created_at: comment.created_at,
    updated_at: comment.updated_at,
    author_association: association(repo, comment.user),
    performed_via_github_app: viaAppShape(hub, comment.via_app),
    reactions: reactionsShape(
      url,
      comment.reactions.map(({ content }) => content),
    ),
  };
}

/** A pull request as lists and webhooks carry it; `GET /pulls/{n}` adds counts and mergeability. */
export function pullShape(hub: Hub, repo: Repository, issue: PullIssue) {
  const { pull } = issue;
  const url = repoUrl(hub, repo, `/pulls/${issue.number}`);
  const html = htmlUrl(hub, repo, `/pull/${issue.number}`);
  const end = (ref: string, sha: string, owner: string, of: Repository | undefined) => ({
    label: `${owner}:${ref}`,
    ref,
    sha,
    user: userShape(hub, owner),
    repo: of ? repositoryShape(hub, of) : null,
  });
  const head = end(pull.head_ref, pull.head_sha, headOwner(repo, issue), headRepository(hub, repo, issue));
  const links = {
    self: url,
    html,
    issue: repoUrl(hub, repo, `/issues/${issue.number}`),
    comments: repoUrl(hub, repo, `/issues/${issue.number}/comments`),
    review_comments: `${url}/comments`,
    review_comment: repoUrl(hub, repo, '/pulls/comments{/number}'),
    commits: `${url}/commits`,
    statuses: repoUrl(hub, repo, `/statuses/${pull.head_sha}`),
  };
  return {
    url,
    id: issue.id,
    node_id: nodeId('PullRequest', issue.id),
    html_url: html,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    issue_url: links.issue,
    number: issue.number,
    state: issue.state,
    locked: issue.locked,
    title: issue.title,
    user: userShape(hub, issue.user),
    body: issue.body,
    created_at: issue.created_at,
    updated_at: issue.updated_at,
    closed_at: issue.closed_at,
    merged_at: pull.merged_at,
    merge_commit_sha: pull.merge_commit_sha,
    assignee: maybeUser(hub, issue.assignees[0] ?? null),
    assignees: issue.assignees.map((login) => userShape(hub, login)),
    requested_reviewers: pull.requested_reviewers.map((login) => userShape(hub, login)),
    requested_teams: [],
    labels: labelsShape(hub, repo, issue.labels),
    milestone: maybeMilestone(hub, repo, issue.milestone),
    draft: pull.draft,
    commits_url: links.commits,
    review_comments_url: links.review_comments,
    review_comment_url: links.review_comment,
    comments_url: links.comments,
    statuses_url: links.statuses,
    head,
    base: { ...end(pull.base_ref, pull.base_sha, repo.owner, repo), repo: repositoryShape(hub, repo) },
    _links: Object.fromEntries(Object.entries(links).map(([key, href]) => [key, { href }])),
    author_association: association(repo, issue.user),
    auto_merge: null,
    active_lock_reason: issue.lock_reason ?? null,
  };
}

export function reviewShape(hub: Hub, repo: Repository, review: Review) {
  const pull = repoUrl(hub, repo, `/pulls/${review.pull_number}`);
  const html = htmlUrl(hub, repo, `/pull/${review.pull_number}#pullrequestreview-${review.id}`);
  return {
    id: review.id,
    node_id: nodeId('PullRequestReview', review.id),
    user: userShape(hub, review.user),
    body: review.body,
    state: review.state,
    html_url: html,
    pull_request_url: pull,
    author_association: association(repo, review.user),
    _links: { html: { href: html }, pull_request: { href: pull } },
    submitted_at: review.submitted_at,
    commit_id: review.commit_id,
  };
}
