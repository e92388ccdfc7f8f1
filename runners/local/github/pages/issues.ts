import { pullFiles } from '../diff.ts';
import { getIssue, getPull, headRepository, isPull, type PullIssue } from '../hub.ts';
import { commitsOfPull } from '../rest/pulls.ts';
import type { CheckRun } from '../rows/check.ts';
import type { Comment, Issue, Review } from '../rows/issue.ts';
import { latestChecks } from '../shapes/check.ts';
import { commentsOf } from '../shapes/issue.ts';
import { headline } from '../workflow-events.ts';
import { fileDiff } from './code.ts';
import { answerForms, dismissForm, editForm, pullForms, shownText } from './forms.ts';
import { badge, type Html, html, time } from './html.ts';
import { commitLink, href, type PageCall, repositoryPage } from './layout.ts';
import { markdown } from './markdown.ts';

export function issueListPage(call: PageCall, pulls: boolean): string {
  const state = call.query.state === 'closed' ? 'closed' : 'open';
  const rows = call.hub.db
    .filter(
      'issues',
      (one) =>
        one.repository_id === call.repo.id &&
        isPull(one) === pulls &&
        one.state === state &&
        (!call.query.label || one.labels.includes(call.query.label)),
    )
    .reverse();
  const path = pulls ? 'pulls' : 'issues';
  const title = pulls ? 'Pull requests' : 'Issues';
  const main = html`<h2>${title}</h2><p><a href="${href(call, path)}">open</a> · <a href="${href(call, path)}?state=closed">closed</a>${!pulls && html` · <a href="${href(call, 'labels')}">labels</a> · <a href="${href(call, 'milestones')}">milestones</a> · <a href="${href(call, 'issues/new')}"><strong>New issue</strong></a>`}</p>
<div class="panel"><ul class="rows">${rows.map((one) => row(call, one))}${rows.length === 0 && html`<li class="soft">None ${state}.</li>`}</ul></div>`;
  return repositoryPage(call, { title, tab: `/${path}`, main });
}

function row(call: PageCall, issue: Issue): Html {
  const link = href(call, isPull(issue) ? 'pull' : 'issues', issue.number);
  return html`<li>${badge(stateOf(issue))} <a href="${link}"><strong>${issue.title}</strong></a> ${labels(issue)}
<div class="soft">#${issue.number} by ${issue.user}, ${time(issue.created_at)}</div></li>`;
}

function stateOf(issue: Issue): string {
  if (isPull(issue) && issue.pull.merged_at) return 'merged';
  return isPull(issue) && issue.pull.draft && issue.state === 'open' ? 'draft' : issue.state;
}

function labels(issue: Issue): Html[] {
  return issue.labels.map((name) => html`<span class="label">${name}</span> `);
}

export function issuePage(call: PageCall): string {
  const issue = getIssue(call.hub, call.repo, call.params.number);
  const main = html`${heading(issue)}${opening(call, issue)}${subIssueList(call, issue)}${commentsOf(call.hub, issue).map((one) => commentPanel(call, one))}${ending(issue)}${answerForms(call, issue)}`;
  return repositoryPage(call, { title: issue.title, tab: '/issues', main });
}

function heading(issue: Issue): Html {
  return html`<h2>${issue.title} <span class="number">#${issue.number}</span></h2><p>${badge(stateOf(issue))} ${labels(issue)}${issue.locked && html`<span class="soft">🔒 locked</span>`} ${issue.assignees.length > 0 && html`<span class="soft">assigned to ${issue.assignees.join(', ')}</span>`}</p>`;
}

function subIssueList(call: PageCall, issue: Issue): Html {
  const links = call.hub.db.filter('sub_issues', (one) => one.parent_id === issue.id);
  if (links.length === 0) return html``;
  const rows = links
    .toSorted((a, b) => a.position - b.position)
    .flatMap(({ child_id }) => call.hub.db.find('issues', (one) => one.id === child_id) ?? []);
  return html`<div class="panel"><h3>Sub-issues</h3><ul class="rows">${rows.map((one) => row(call, one))}</ul></div>`;
}

function opening(call: PageCall, issue: Issue): Html {
  return html`<div class="panel"><div class="head">${issue.user} <span class="soft">opened this, ${time(issue.created_at)}</span></div>
<div class="body">${issue.body ? shownText(call, issue) : html`<em class="soft">No description.</em>`}</div>${editForm(call, issue)}</div>`;
}

function commentPanel(call: PageCall, comment: Comment): Html {
  const edited = comment.updated_at !== comment.created_at && html` · edited ${time(comment.updated_at)}`;
  const reactions = comment.reactions.map(
    ({ content, user }) => html` <span class="label">${content} ${user}</span>`,
  );
  return html`<div class="panel" id="issuecomment-${comment.id}"><div class="head">${comment.user} <span class="soft">${time(comment.created_at)}${edited}</span>${reactions}</div>
<div class="body">${comment.minimized ? html`<details><summary>This comment was marked as ${comment.minimized}.</summary>${markdown(comment.body)}</details>` : shownText(call, comment)}</div>${editForm(call, comment)}</div>`;
}

function ending(issue: Issue): Html {
  if (issue.state === 'open' || (isPull(issue) && issue.pull.merged_at)) return html``;
  return html`<p class="event">${issue.closed_by} closed this, ${time(issue.closed_at)}</p>`;
}

export async function pullPage(call: PageCall): Promise<string> {
  const issue = getPull(call.hub, call.repo, call.params.number);
  const main = html`${pullHeading(call, issue)}${opening(call, issue)}${await timeline(call, issue)}${merged(call, issue)}${ending(issue)}${checksPanel(call, issue)}${pullForms(call, issue)}${answerForms(call, issue)}`;
  return repositoryPage(call, { title: issue.title, tab: '/pulls', main });
}

/** A fork's branch with its owner. */
function headName(call: PageCall, issue: PullIssue): string {
  const { pull } = issue;
  if (!pull.fork) return pull.head_ref;
  return `${headRepository(call.hub, call.repo, issue) ? pull.fork.owner : 'unknown repository'}:${pull.head_ref}`;
}

function pullHeading(call: PageCall, issue: PullIssue): Html {
  const { pull, number } = issue;
  const tab = (path: string, label: string) =>
    html`<a href="${href(call, 'pull', number)}${path}">${label}</a> `;
  return html`${heading(issue)}<p>${issue.user} wants to merge <code>${headName(call, issue)}</code> into <code>${pull.base_ref}</code></p>
<p>${tab('', 'Conversation')}· ${tab('/commits', 'Commits')}· ${tab('/files', 'Files')}· ${tab('/checks', 'Checks')}</p>`;
}

type Moment = { at: string; order: number; show: Html };

/** Comments, reviews and commits in the order of their time. */
async function timeline(call: PageCall, issue: PullIssue): Promise<Html[]> {
  const commits = await commitsOfPull(call, issue);
  const reviews = call.hub.db.filter(
    'reviews',
    (one) =>
      one.repository_id === call.repo.id && one.pull_number === issue.number && one.submitted_at !== null,
  );
  const moments: Moment[] = [
    ...commits.map((commit) => ({
      ...{ at: commit.committer.date, order: 0 },
      show: html`<p class="event">${commitLink(call, commit.sha)} ${headline(commit.message)} <span class="soft">${commit.author.name}</span></p>`,
    })),
    ...commentsOf(call.hub, issue).map((comment) => ({
      at: comment.created_at,
      order: 1,
      show: commentPanel(call, comment),
    })),
    ...reviews.map((review) => ({
      at: review.submitted_at ?? '',
      order: 1,
      show: reviewPanel(call, review),
    })),
  ];
  return moments.toSorted((a, b) => a.at.localeCompare(b.at) || a.order - b.order).map(({ show }) => show);
}

function reviewPanel(call: PageCall, review: Review): Html {
  return html`<div class="panel" id="pullrequestreview-${review.id}"><div class="head">${review.user} ${badge(review.state)} at ${commitLink(call, review.commit_id)} <span class="soft">${time(review.submitted_at)}</span></div>
${review.body && html`<div class="body">${markdown(review.body)}</div>`}${dismissForm(call, review)}</div>`;
}

function merged(call: PageCall, issue: PullIssue): Html {
  const { merged_at, merged_by, merge_commit_sha, base_ref } = issue.pull;
  if (!merged_at) return html``;
  return html`<p class="event">${merged_by} merged this as ${merge_commit_sha && commitLink(call, merge_commit_sha)} into <code>${base_ref}</code>, ${time(merged_at)}</p>`;
}

function checksPanel(call: PageCall, issue: PullIssue): Html {
  const checks = latestChecks(call.hub, call.repo, issue.pull.head_sha);
  const mergeable =
    issue.state === 'open' &&
    html`<li>${issue.pull.mergeable ? 'No conflicts with the base.' : 'This branch has conflicts with the base.'}</li>`;
  return html`<div class="panel"><h3>Checks</h3><ul class="rows">${checks.map((check) => checkRow(call, check))}${mergeable}</ul></div>`;
}

function checkRow(call: PageCall, check: CheckRun): Html {
  return html`<li>${badge(check.conclusion ?? check.status)} <a href="${href(call, 'runs', check.id)}">${check.name}</a> <span class="soft">${check.output.title}</span></li>`;
}

export async function pullPartPage(call: PageCall): Promise<string> {
  const issue = getPull(call.hub, call.repo, call.params.number);
  const git = call.hub.git(call.repo);
  const parts: Record<string, () => Promise<Html>> = {
    commits: async () => {
      const commits = await commitsOfPull(call, issue);
      return html`<div class="panel"><ul class="rows">${commits.map(
        (commit) =>
          html`<li>${commitLink(call, commit.sha)} ${headline(commit.message)} <span class="soft">${commit.author.name}, ${time(commit.author.date)}</span></li>`,
      )}</ul></div>`;
    },
    files: async () => {
      const files = await pullFiles(git, `${issue.pull.base_sha}...${issue.pull.head_sha}`);
      return html`${files.map(fileDiff)}`;
    },
    checks: async () => html`${latestChecks(call.hub, call.repo, issue.pull.head_sha).map(checkPanel)}`,
  };
  const part = parts[call.params.part ?? ''];
  const main = html`${pullHeading(call, issue)}${part && (await part())}`;
  return repositoryPage(call, { title: issue.title, tab: '/pulls', main });
}

export function checkPanel(check: CheckRun): Html {
  const { title, summary, text } = check.output;
  const annotations = check.annotations.map(
    (one) =>
      html`<li>${badge(one.annotation_level)} <code>${one.path}:${one.start_line}</code> ${one.message}</li>`,
  );
  return html`<div class="panel"><div class="head">${badge(check.conclusion ?? check.status)} ${check.name} <span class="soft">${time(check.completed_at)}</span></div>
<div class="body"><strong>${title}</strong>${summary && markdown(summary)}${text && markdown(text)}<ul>${annotations}</ul>
${/^https?:/.test(check.details_url) && html`<p><a href="${check.details_url}">Details</a></p>`}</div></div>`;
}
