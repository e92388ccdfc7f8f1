import { z } from 'zod';
import { actorLogin, hasRole, viaApp } from '../auth.ts';
import { pullFiles } from '../diff.ts';
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
import { getPull, type PullIssue, timestamp } from '../hub.ts';
import { invalid, notFound, Refusal } from '../refusal.ts';
import type { Review, ReviewComment } from '../rows/issue.ts';
import { htmlUrl, nodeId, repoUrl, userShape } from '../shapes/account.ts';
import { association, pullShape, reactionsShape } from '../shapes/issue.ts';
import { emit } from '../webhooks.ts';
import { checkBody } from './issue-state.ts';
import { fromPath } from './pulls.ts';

/** GitHub docs, rest/pulls/comments: comments on lines of the diff. */
export const reviewComments: Endpoint[] = [
  repo('GET /pulls/comments/:id', 'pull_requests=read', (call) => ok(shape(call, getComment(call)))),
  repo('PATCH /pulls/comments/:id', 'pull_requests=write', update),
  repo('DELETE /pulls/comments/:id', 'pull_requests=write', remove),
  repo('GET /pulls/:number/comments', 'pull_requests=read', (call) => {
    const issue = fromPath(call);
    const rows = call.hub.db.filter(
      'review_comments',
      (one) =>
        one.repository_id === call.repo.id && one.pull_number === issue.number && isSubmitted(call, one),
    );
    return list(call, rows, (one) => shape(call, one));
  }),
  repo('POST /pulls/:number/comments', 'pull_requests=write', create),
  repo('POST /pulls/:number/comments/:id/replies', 'pull_requests=write', reply),
];

/** Where a comment stands; with `line` a line of the diff, without it the whole file. */
export const PLACED = z.object({
  path: z.string().min(1),
  body: z.string().min(1),
  line: z.int().min(1).optional(),
  side: z.enum(['LEFT', 'RIGHT']).default('RIGHT'),
  start_line: z.int().min(1).optional(),
  start_side: z.enum(['LEFT', 'RIGHT']).optional(),
  subject_type: z.enum(['line', 'file']).optional(),
});
type Placed = z.infer<typeof PLACED>;

function isSubmitted(call: RepoCall, comment: ReviewComment): boolean {
  return call.hub.db.get('reviews', comment.review_id)?.submitted_at !== null;
}

function getComment(call: RepoCall): ReviewComment {
  const found = call.hub.db.get('review_comments', call.params.id ?? '');
  if (found?.repository_id !== call.repo.id || !isSubmitted(call, found)) throw notFound();
  return found;
}

function fault(field: string, code: string, message?: string): Refusal {
  return invalid({
    ...{ resource: 'PullRequestReviewComment', field: `pull_request_review_thread.${field}`, code },
    ...(message ? { message } : {}),
  });
}

/** The part of the diff that ends at the line; refused where the line is no part of it. */
async function hunkAt(call: RepoCall, { pull }: PullIssue, at: Placed): Promise<string> {
  const files = await pullFiles(call.hub.git(call.repo), `${pull.base_sha}...${pull.head_sha}`);
  const file = files.find(({ filename }) => filename === at.path);
  if (!file) throw fault('path', 'invalid');
  if (at.line === undefined) {
    if (at.subject_type === 'file') return '';
    throw fault('line', 'missing_field');
  }
  const hunk = hunkUpTo(file.patch ?? '', { line: at.line, side: at.side });
  if (hunk === undefined)
    throw fault('line', 'custom', 'pull_request_review_thread.line must be part of the diff');
  const first = at.start_line;
  if (
    first !== undefined &&
    hunkUpTo(file.patch ?? '', { line: first, side: at.start_side ?? at.side }) === undefined
  )
    throw fault('start_line', 'custom', 'pull_request_review_thread.start_line must be part of the diff');
  if (first !== undefined && first >= at.line)
    throw fault('start_line', 'custom', 'pull_request_review_thread.start_line must precede the end line.');
  return hunk;
}

function hunkUpTo(patch: string, wanted: { line: number; side: 'LEFT' | 'RIGHT' }): string | undefined {
  let hunk: string[] = [];
  let [left, right] = [0, 0];
  for (const text of patch.split('\n')) {
    const head = /^@@ -(\d+)(?:,\d+)? \+(\d+)/.exec(text);
    if (head) {
      hunk = [text];
      [left, right] = [Number(head[1]), Number(head[2])];
      continue;
    }
    hunk.push(text);
    const kind = text.charAt(0);
    if (kind === '\\') continue;
    const here =
      wanted.side === 'LEFT' ? kind !== '+' && left === wanted.line : kind !== '-' && right === wanted.line;
    if (here) return hunk.join('\n');
    if (kind !== '+') left += 1;
    if (kind !== '-') right += 1;
  }
  return undefined;
}

/** All of them or none: what does not fit the diff refuses the whole review. */
export async function placeComments(
  call: RepoCall,
  issue: PullIssue,
  inputs: Placed[],
): Promise<(review: Review) => ReviewComment[]> {
  for (const { body } of inputs) checkBody('PullRequestReviewComment', body);
  const hunks = await Promise.all(inputs.map((input) => hunkAt(call, issue, input)));
  return (review) =>
    inputs.map((input, at) => put(call, { review, input, hunk: hunks[at] ?? '', reply_to: null }));
}

function put(
  call: RepoCall,
  made: { review: Review; input: Placed; hunk: string; reply_to: number | null },
): ReviewComment {
  const { review, input, hunk, reply_to } = made;
  const { hub } = call;
  const now = timestamp();
  const id = hub.db.nextId();
  return hub.db.put('review_comments', id, {
    ...{ id, repository_id: call.repo.id, pull_number: review.pull_number, review_id: review.id },
    ...{ user: review.user, via_app: viaApp(call.actor), body: input.body, path: input.path },
    ...{ line: input.line ?? null, side: input.side, start_line: input.start_line ?? null },
    ...{
      commit_id: review.commit_id,
      diff_hunk: hunk,
      in_reply_to: reply_to,
      created_at: now,
      updated_at: now,
    },
  });
}

const CREATE = PLACED.extend({ commit_id: z.string().optional(), in_reply_to: z.int().optional() });

/** A comment by itself is a review of its own. */
async function create(call: RepoCall): Promise<Answer> {
  const issue = fromPath(call);
  const replyTo = z.object({ in_reply_to: z.int() }).safeParse(call.body);
  if (replyTo.success)
    return reply({ ...call, params: { ...call.params, id: String(replyTo.data.in_reply_to) } });
  const input = parseBody(call, CREATE);
  checkOpenToComments(call, issue);
  const place = await placeComments(call, issue, [input]);
  const [comment] = place(ownReview(call, issue, input.commit_id));
  if (!comment) throw new Error('A comment was placed and is not there');
  emitReviewComment(call, comment, 'created');
  return created(shape(call, comment));
}

function ownReview(call: RepoCall, issue: PullIssue, commit: string | undefined): Review {
  const { hub } = call;
  const id = hub.db.nextId();
  return hub.db.put('reviews', id, {
    ...{ id, repository_id: call.repo.id, pull_number: issue.number, user: actorLogin(call.actor), body: '' },
    ...{ state: 'COMMENTED', commit_id: commit ?? issue.pull.head_sha, submitted_at: timestamp() },
  });
}

function checkOpenToComments(call: RepoCall, issue: PullIssue): void {
  const { actor, hub } = call;
  const writer = actor.kind === 'user' && hasRole(hub, call.repo, actor.login, 'write');
  if (issue.locked && !writer) throw new Refusal(403, 'Unable to create comment because issue is locked.');
}

async function reply(call: RepoCall): Promise<Answer> {
  const issue = fromPath(call);
  const { body } = parseBody(call, z.object({ body: z.string().min(1) }));
  checkBody('PullRequestReviewComment', body);
  checkOpenToComments(call, issue);
  const parent = getComment(call);
  if (parent.pull_number !== issue.number) throw notFound();
  const { path, line, side } = parent;
  const comment = put(call, {
    review: ownReview(call, issue, parent.commit_id),
    input: { path, side, body, ...(line === null ? {} : { line }) },
    ...{ hunk: parent.diff_hunk, reply_to: parent.in_reply_to ?? parent.id },
  });
  emitReviewComment(call, comment, 'created');
  return created(shape(call, comment));
}

/** A person edits his own, a writer all of them. */
function checkMayEdit({ hub, actor, repo: row }: RepoCall, comment: ReviewComment): void {
  if (actor.kind !== 'user' || actor.login === comment.user || hasRole(hub, row, actor.login, 'write'))
    return;
  throw new Refusal(403, 'Must have admin rights to Repository.');
}

function update(call: RepoCall): Answer {
  const comment = getComment(call);
  checkMayEdit(call, comment);
  const { body } = parseBody(call, z.object({ body: z.string().min(1) }));
  checkBody('PullRequestReviewComment', body);
  const from = comment.body;
  Object.assign(comment, { body, updated_at: timestamp() });
  call.hub.db.put('review_comments', comment.id, comment);
  emitReviewComment(call, comment, 'edited', { changes: { body: { from } } });
  return ok(shape(call, comment));
}

function remove(call: RepoCall): Answer {
  const comment = getComment(call);
  checkMayEdit(call, comment);
  call.hub.db.remove('review_comments', comment.id);
  emitReviewComment(call, comment, 'deleted');
  return noContent();
}

export function emitReviewComment(
  call: RepoCall,
  comment: ReviewComment,
  action: 'created' | 'edited' | 'deleted',
  more: Record<string, unknown> = {},
): void {
  const { hub, repo: row } = call;
  const issue = getPull(hub, row, comment.pull_number);
  const payload = { comment: shape(call, comment), pull_request: pullShape(hub, row, issue), ...more };
  emit(hub, {
    repo: row,
    event: 'pull_request_review_comment',
    action,
    sender: actorLogin(call.actor),
    payload,
  });
}

export function commentsOfReview(call: RepoCall, review: Review): ReviewComment[] {
  return call.hub.db.filter('review_comments', (one) => one.review_id === review.id);
}

export function shape(call: RepoCall, comment: ReviewComment) {
  const { hub, repo: row } = call;
  const { id, line, side, start_line, commit_id } = comment;
  const url = repoUrl(hub, row, `/pulls/comments/${id}`);
  const pull = repoUrl(hub, row, `/pulls/${comment.pull_number}`);
  const html = htmlUrl(hub, row, `/pull/${comment.pull_number}#discussion_r${id}`);
  return {
    ...{ id, node_id: nodeId('PullRequestReviewComment', id), url, html_url: html, pull_request_url: pull },
    ...{ pull_request_review_id: comment.review_id, diff_hunk: comment.diff_hunk, path: comment.path },
    ...{ commit_id, original_commit_id: commit_id, line, original_line: line, side },
    ...{ start_line, original_start_line: start_line, start_side: start_line === null ? null : side },
    ...{ position: line, original_position: line, subject_type: line === null ? 'file' : 'line' },
    ...(comment.in_reply_to === null ? {} : { in_reply_to_id: comment.in_reply_to }),
    ...{ user: userShape(hub, comment.user), body: comment.body },
    ...{ created_at: comment.created_at, updated_at: comment.updated_at },
    author_association: association(row, comment.user),
    _links: { self: { href: url }, html: { href: html }, pull_request: { href: pull } },
    reactions: reactionsShape(url, []),
  };
}
