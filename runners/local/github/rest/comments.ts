import { z } from 'zod';
import { actorLogin, hasRole, viaApp } from '../auth.ts';
import {
  type Answer,
  created,
  type Endpoint,
  list,
  noContent,
  ok,
  parseBody,
  type RepoCall,
  repo,
} from '../endpoint.ts';
import { getIssue, timestamp } from '../hub.ts';
import { notFound, Refusal } from '../refusal.ts';
import type { Comment, Issue } from '../rows/issue.ts';
import { commentShape, commentsOf, issueShape } from '../shapes/issue.ts';
import { emit } from '../webhooks.ts';
import { onIssueEvent } from '../workflow-events.ts';
import { checkBody, saveIssue } from './issue-state.ts';
import { sorted } from './issues.ts';

/** A comment on a pull request is an issue comment: either permission will do. */
const EITHER_WRITE = 'issues=write; pull_requests=write';
const EITHER_READ = 'issues=read; pull_requests=read';

export const comments: Endpoint[] = [
  repo('GET /issues/comments', EITHER_READ, listAllComments),
  repo('GET /issues/comments/:id', EITHER_READ, (call) =>
    ok(commentShape(call.hub, call.repo, getComment(call))),
  ),
  repo('PATCH /issues/comments/:id', EITHER_WRITE, updateComment),
  repo('DELETE /issues/comments/:id', EITHER_WRITE, deleteComment),
  repo('GET /issues/:number/comments', EITHER_READ, listComments),
  repo('POST /issues/:number/comments', EITHER_WRITE, createComment),
];

export function getComment(call: RepoCall): Comment {
  const found = call.hub.db.get('comments', call.params.id ?? '');
  if (found?.repository_id !== call.repo.id) throw notFound();
  return found;
}

function since(call: RepoCall): (one: { updated_at: string }) => boolean {
  const from = call.query.since ? Date.parse(call.query.since) : Number.NEGATIVE_INFINITY;
  return (one) => Date.parse(one.updated_at) >= from;
}

function listComments(call: RepoCall): Answer {
  const issue = getIssue(call.hub, call.repo, call.params.number);
  const rows = commentsOf(call.hub, issue).filter(since(call));
  return list(call, rows, (one) => commentShape(call.hub, call.repo, one));
}

function listAllComments(call: RepoCall): Answer {
  const rows = call.hub.db
    .filter('comments', (one) => one.repository_id === call.repo.id)
    .filter(since(call));
  const order = call.query.sort ? call.query : { ...call.query, direction: 'asc' };
  return list(call, sorted(rows, order), (one) => commentShape(call.hub, call.repo, one));
}

const COMMENT = z.object({ body: z.string().min(1) });

async function createComment(call: RepoCall): Promise<Answer> {
  const { hub, actor } = call;
  const issue = getIssue(hub, call.repo, call.params.number);
  const { body } = parseBody(call, COMMENT);
  checkBody('IssueComment', body);
  checkUnlocked(call, issue);
  const now = timestamp();
  const comment: Comment = {
    id: hub.db.nextId(),
    repository_id: call.repo.id,
    issue_number: issue.number,
    user: actorLogin(actor),
    via_app: viaApp(actor),
    body,
    created_at: now,
    updated_at: now,
    reactions: [],
  };
  hub.db.put('comments', comment.id, comment);
  saveIssue(call, issue);
  await emitComment(call, comment, 'created');
  return created(commentShape(hub, call.repo, comment));
}

/**
 * Only people with write access comment on what is locked (GitHub docs, locking-conversations): apps do not,
 * whatever their permissions (probot/stale#25, renovatebot/renovate#6215).
 */
export function checkUnlocked({ hub, actor, repo: row }: RepoCall, issue: Issue): void {
  if (!issue.locked) return;
  if (actor.kind === 'user' && hasRole(hub, row, actor.login, 'write')) return;
  throw new Refusal(403, 'Unable to create comment because issue is locked.');
}

async function emitComment(
  call: RepoCall,
  comment: Comment,
  action: string,
  more: Record<string, unknown> = {},
) {
  const { hub, actor } = call;
  const issue = getIssue(hub, call.repo, comment.issue_number);
  const sender = actorLogin(actor);
  const payload = {
    issue: issueShape(hub, call.repo, issue),
    comment: commentShape(hub, call.repo, comment),
    ...more,
  };
  emit(hub, { repo: call.repo, event: 'issue_comment', action, sender, payload });
  await onIssueEvent({
    ...{
      hub,
      repo: call.repo,
      actor,
      sender,
      event: 'issue_comment',
      issue,
      payload: { action, ...payload },
    },
  });
}

/** A person edits his own comments, a writer all of them; an app only what it wrote or may write to. */
function checkMayEdit(call: RepoCall, comment: Comment): void {
  const { actor } = call;
  if (actor.kind !== 'user' || actor.login === comment.user) return;
  if (!hasRole(call.hub, call.repo, actor.login, 'write'))
    throw new Refusal(403, 'Must have admin rights to Repository.');
}

async function updateComment(call: RepoCall): Promise<Answer> {
  const comment = getComment(call);
  checkMayEdit(call, comment);
  const { body } = parseBody(call, COMMENT);
  checkBody('IssueComment', body);
  const from = comment.body;
  if (from !== body) {
    Object.assign(comment, { body, updated_at: timestamp() });
    call.hub.db.put('comments', comment.id, comment);
    await emitComment(call, comment, 'edited', { changes: { body: { from } } });
  }
  return ok(commentShape(call.hub, call.repo, comment));
}

async function deleteComment(call: RepoCall): Promise<Answer> {
  const comment = getComment(call);
  checkMayEdit(call, comment);
  call.hub.db.remove('comments', comment.id);
  await emitComment(call, comment, 'deleted');
  return noContent();
}
