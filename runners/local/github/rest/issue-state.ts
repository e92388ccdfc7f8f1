import { actorLogin, viaApp } from '../auth.ts';
import type { RepoCall } from '../endpoint.ts';
import { isPull, issueKey, timestamp } from '../hub.ts';
import { emitPull } from '../pull-sync.ts';
import { invalid } from '../refusal.ts';
import type { Issue } from '../rows/issue.ts';
import { issueShape } from '../shapes/issue.ts';
import { emit } from '../webhooks.ts';
import { onIssueEvent } from '../workflow-events.ts';

const BODY_LIMIT = 65_536;

/** GitHub counts characters, and refuses what is longer than 65,536 of them. */
export function checkBody(resource: string, body: string | null | undefined): void {
  if (body && [...body].length > BODY_LIMIT) {
    throw invalid({
      resource,
      code: 'custom',
      field: 'body',
      message: `body is too long (maximum is ${BODY_LIMIT} characters)`,
    });
  }
}

export function newIssue(call: RepoCall, given: { title: string; body: string | null }): Issue {
  const { hub } = call;
  const now = timestamp();
  call.repo.last_number += 1;
  hub.db.put('repositories', call.repo.id, call.repo);
  return {
    id: hub.db.nextId(),
    repository_id: call.repo.id,
    number: call.repo.last_number,
    ...given,
    state: 'open',
    state_reason: null,
    user: actorLogin(call.actor),
    labels: [],
    assignees: [],
    milestone: null,
    locked: false,
    via_app: viaApp(call.actor),
    created_at: now,
    updated_at: now,
    closed_at: null,
    closed_by: null,
    pull: null,
  };
}

export type IssueCall = Pick<RepoCall, 'hub' | 'repo' | 'actor'>;

export function saveIssue(call: IssueCall, issue: Issue): void {
  issue.updated_at = timestamp();
  call.hub.db.put('issues', issueKey(call.repo, issue.number), issue);
}

export async function emitIssue(
  call: IssueCall,
  issue: Issue,
  action: string,
  more: Record<string, unknown> = {},
) {
  const { hub, actor } = call;
  const sender = actorLogin(actor);
  if (isPull(issue)) {
    await emitPull({ hub, repo: call.repo, actor, sender, issue, action, more });
    return;
  }
  const payload = { issue: issueShape(hub, call.repo, issue), ...more };
  emit(hub, { repo: call.repo, event: 'issues', action, sender, payload });
  await onIssueEvent({
    ...{ hub, repo: call.repo, actor, sender, event: 'issues', issue, payload: { action, ...payload } },
  });
}

/** `edited` carries what was there before: how a ticked box is told from other edits. */
export async function editText(
  call: RepoCall,
  issue: Issue,
  input: { title?: string | undefined; body?: string | null | undefined },
): Promise<void> {
  const changes: Record<string, { from: string }> = {};
  if (input.title !== undefined && input.title !== issue.title) {
    changes.title = { from: issue.title };
    issue.title = input.title;
  }
  if (input.body !== undefined && input.body !== issue.body) {
    changes.body = { from: issue.body ?? '' };
    issue.body = input.body;
  }
  if (Object.keys(changes).length === 0) return;
  saveIssue(call, issue);
  await emitIssue(call, issue, 'edited', { changes });
}

/** What is merged stays closed. */
export function checkState(issue: Issue, state: Issue['state'] | undefined): void {
  if (state !== 'open' || !isPull(issue) || !issue.pull.merged_at) return;
  throw invalid({ resource: 'PullRequest', field: 'state', code: 'invalid' });
}

export async function setState(
  call: RepoCall,
  issue: Issue,
  state: Issue['state'],
  reason: Issue['state_reason'] | undefined = undefined,
): Promise<void> {
  if (state === issue.state) return;
  const closing = state === 'closed';
  Object.assign(issue, {
    state,
    state_reason: closing ? (reason ?? 'completed') : 'reopened',
    closed_at: closing ? timestamp() : null,
    closed_by: closing ? actorLogin(call.actor) : null,
  });
  saveIssue(call, issue);
  await emitIssue(call, issue, closing ? 'closed' : 'reopened');
}
