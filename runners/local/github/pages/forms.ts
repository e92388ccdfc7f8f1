import { headRepository, type PullIssue } from '../hub.ts';
import type { Comment, Issue, Review } from '../rows/issue.ts';
import { seen } from './act.ts';
import { clickableBoxes } from './boxes.ts';
import { type Html, html } from './html.ts';
import type { PageCall } from './layout.ts';
import { markdown } from './markdown.ts';

/** A button that does one thing. */
export function actButton(
  act: string,
  label: string,
  fields: Record<string, string> = {},
  to: string | undefined = undefined,
): Html {
  const hidden = Object.entries({ act, ...fields }).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  );
  return html`<form method="post" class="inline"${to !== undefined && html` action="${to}"`}>${hidden}<button>${label}</button></form>`;
}

/** Markdown whose boxes can be ticked by who is signed in. */
export function shownText(call: PageCall, on: Comment | Issue): Html {
  const shown = markdown(on.body);
  if (!call.login || !on.body) return shown;
  const fields = { act: 'tick', seen: seen(on), ...('issue_number' in on ? { comment: String(on.id) } : {}) };
  return clickableBoxes(shown, on.body, fields);
}

export function editForm(call: PageCall, on: Comment | Issue): Html {
  if (!call.login) return html``;
  const comment = 'issue_number' in on;
  const fields = comment
    ? html`<input type="hidden" name="act" value="edit-comment"><input type="hidden" name="comment" value="${on.id}">`
    : html`<input type="hidden" name="act" value="edit"><label>Title <input name="title" value="${on.title}"></label>`;
  return html`<details class="edit"><summary>Edit</summary><form method="post">${fields}
<label>Text <textarea name="body" rows="8">${on.body}</textarea></label><button>Save</button></form>
${comment && html`${actButton('delete-comment', 'Delete', { comment: String(on.id) })}${actButton('react', '👍', { comment: String(on.id), content: '+1' })}`}</details>`;
}

/** What stands under an issue or a pull request: a comment, and closing it. */
export function answerForms(call: PageCall, issue: Issue): Html {
  if (!call.login)
    return html`<p class="soft"><a href="/login?return_to=${encodeURIComponent(call.path)}">Sign in</a> to comment.</p>`;
  const merged = issue.pull?.merged_at;
  const state =
    issue.state === 'open'
      ? html`${actButton('close', issue.pull ? 'Close pull request' : 'Close as completed')}${!issue.pull && actButton('close', 'Close as not planned', { reason: 'not_planned' })}`
      : !merged && actButton('reopen', 'Reopen');
  return html`<div class="panel"><h3>As ${call.login}</h3><div class="body"><form method="post"><input type="hidden" name="act" value="comment">
<label>Comment <textarea name="body" rows="5" required></textarea></label><button class="primary">Comment</button></form>${state}</div></div>${sideForms(call, issue)}`;
}

function sideForms(call: PageCall, issue: Issue): Html {
  const milestones = call.repo.milestones.map(
    ({ number, title }) =>
      html`<option value="${number}"${issue.milestone === number && html` selected`}>${title}</option>`,
  );
  return html`<details class="panel"><summary class="head">Labels, assignees, milestone, lock</summary><div class="body">
<form method="post"><input type="hidden" name="act" value="labels"><label>Labels <input name="labels" value="${issue.labels.join(', ')}"></label><button>Set</button></form>
<form method="post"><input type="hidden" name="act" value="assign"><label>Assignees <input name="assignees" value="${issue.assignees.join(', ')}"></label><button>Set</button></form>
<form method="post"><input type="hidden" name="act" value="milestone"><label>Milestone <select name="milestone"><option value="">None</option>${milestones}</select></label><button>Set</button></form>
${issue.locked ? actButton('unlock', 'Unlock conversation') : actButton('lock', 'Lock conversation')}</div></details>`;
}

/** Review, merge and what else a pull request offers. The head that was looked at goes with it. */
export function pullForms(call: PageCall, issue: PullIssue): Html {
  if (!call.login) return html``;
  const { pull } = issue;
  const own = headRepository(call.hub, call.repo, issue)?.id === call.repo.id;
  if (issue.state === 'closed') {
    if (!own) return html``;
    return html`<p>${actButton('delete-branch', `Delete branch ${pull.head_ref}`)}${actButton('restore-branch', `Restore branch ${pull.head_ref}`)}</p>`;
  }
  const sha = html`<input type="hidden" name="sha" value="${pull.head_sha}">`;
  return html`<div class="panel"><h3>Merge and review</h3><div class="body">
<form method="post"><input type="hidden" name="act" value="merge">${sha}<label>Method <select name="method"><option value="merge">Merge commit</option><option value="squash">Squash</option><option value="rebase">Rebase</option></select></label>
<button class="primary"${(pull.draft || !pull.mergeable) && html` disabled`}>Merge pull request</button></form>
<form method="post"><input type="hidden" name="act" value="review">${sha}<label>Review <select name="event"><option value="COMMENT">Comment</option><option value="APPROVE">Approve</option><option value="REQUEST_CHANGES">Request changes</option></select></label>
<label>Text <textarea name="body" rows="3"></textarea></label><button>Submit review</button></form>
${actButton('update', 'Update branch', { sha: pull.head_sha })}${pull.draft ? actButton('ready', 'Ready for review') : actButton('draft', 'Convert to draft')}
<form method="post" class="inline"><input type="hidden" name="act" value="base"><label>Base <input name="base" value="${pull.base_ref}"></label><button>Change base</button></form></div></div>`;
}

export function dismissForm(call: PageCall, review: Review): Html {
  if (!call.login || !['APPROVED', 'CHANGES_REQUESTED'].includes(review.state)) return html``;
  return html`<details class="edit"><summary>Dismiss</summary><form method="post"><input type="hidden" name="act" value="dismiss"><input type="hidden" name="review" value="${review.id}">
<label>Why <input name="message" required></label><button>Dismiss review</button></form></details>`;
}
