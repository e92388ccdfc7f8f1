import { z } from 'zod';
import { actorLogin } from '../auth.ts';
import {
  type Answer,
  created,
  type Endpoint,
  list,
  ok,
  parseBody,
  type RepoCall,
  repo,
} from '../endpoint.ts';
import { issueKey, type PullIssue, timestamp } from '../hub.ts';
import { emitPull } from '../pull-sync.ts';
import { notFound, Refusal, unprocessable } from '../refusal.ts';
import type { Review } from '../rows/issue.ts';
import { userShape } from '../shapes/account.ts';
import { pullShape, reviewShape } from '../shapes/issue.ts';
import { emit } from '../webhooks.ts';
import { checkBody } from './issue-state.ts';
import { fromPath } from './pulls.ts';
import { commentsOfReview, emitReviewComment, PLACED, placeComments, shape } from './review-comments.ts';

export const reviews: Endpoint[] = [
  repo('GET /pulls/:number/reviews', 'pull_requests=read', listReviews),
  repo('POST /pulls/:number/reviews', 'pull_requests=write', createReview),
  repo('GET /pulls/:number/reviews/:id', 'pull_requests=read', (call) => ok(shown(call, getReview(call)))),
  repo('PUT /pulls/:number/reviews/:id', 'pull_requests=write', updateReview),
  repo('DELETE /pulls/:number/reviews/:id', 'pull_requests=write', deletePending),
  repo('POST /pulls/:number/reviews/:id/events', 'pull_requests=write', submitPending),
  repo('GET /pulls/:number/reviews/:id/comments', 'pull_requests=read', listReviewComments),
  repo('PUT /pulls/:number/reviews/:id/dismissals', 'pull_requests=write | write', dismiss),
  repo('GET /pulls/:number/requested_reviewers', 'pull_requests=read', listRequested),
  repo('POST /pulls/:number/requested_reviewers', 'pull_requests=write | write', (call) =>
    request(call, true),
  ),
  repo('DELETE /pulls/:number/requested_reviewers', 'pull_requests=write | write', (call) =>
    request(call, false),
  ),
];

function shown(call: RepoCall, review: Review) {
  return reviewShape(call.hub, call.repo, review);
}

function listReviews(call: RepoCall): Answer {
  const issue = fromPath(call);
  const rows = call.hub.db.filter(
    'reviews',
    (one) => one.repository_id === call.repo.id && one.pull_number === issue.number && isVisible(call, one),
  );
  return list(call, rows, (one) => shown(call, one));
}

const REVIEW = z.object({
  body: z.string().default(''),
  event: z.enum(['APPROVE', 'REQUEST_CHANGES', 'COMMENT']).optional(),
  commit_id: z.string().optional(),
  comments: z.array(PLACED).default([]),
});
const STATES = { APPROVE: 'APPROVED', REQUEST_CHANGES: 'CHANGES_REQUESTED', COMMENT: 'COMMENTED' } as const;

async function createReview(call: RepoCall): Promise<Answer> {
  const { hub, actor } = call;
  const input = parseBody(call, REVIEW);
  checkBody('PullRequestReview', input.body);
  const issue = fromPath(call);
  const user = actorLogin(actor);
  checkVerdict(call, issue, input);
  const pending = hub.db.find(
    'reviews',
    (one) =>
      one.repository_id === call.repo.id &&
      one.pull_number === issue.number &&
      one.user === user &&
      one.state === 'PENDING',
  );
  if (pending) throw unprocessable('User can only have one pending review per pull request');
  const place = await placeComments(call, issue, input.comments);
  const review: Review = {
    id: hub.db.nextId(),
    repository_id: call.repo.id,
    pull_number: issue.number,
    user,
    body: input.body,
    state: 'PENDING',
    commit_id: input.commit_id ?? issue.pull.head_sha,
    submitted_at: null,
  };
  hub.db.put('reviews', review.id, review);
  place(review);
  if (input.event) submit(call, { issue, review, event: input.event });
  return ok(shown(call, review));
}

type Verdict = { event?: keyof typeof STATES | undefined; body: string; comments?: unknown[] };

function checkVerdict(call: RepoCall, issue: PullIssue, input: Verdict): void {
  const { actor } = call;
  if (input.event && input.event !== 'COMMENT' && actorLogin(actor) === issue.user) {
    const verb = input.event === 'APPROVE' ? 'approve' : 'request changes on';
    throw new Refusal(422, 'Unprocessable Entity', { errors: [`Can not ${verb} your own pull request`] });
  }
  if (actor.kind === 'job' && input.event === 'APPROVE' && !call.repo.actions_may_open_pulls) {
    throw new Refusal(422, 'Unprocessable Entity', {
      errors: ['GitHub Actions is not permitted to approve pull requests.'],
    });
  }
  const says = input.body !== '' || (input.comments ?? []).length > 0;
  if (input.event !== 'APPROVE' && input.event && !says) throw unprocessable('Body can not be blank');
}

function submit(
  call: RepoCall,
  { issue, review, event }: { issue: PullIssue; review: Review; event: keyof typeof STATES },
): void {
  const { hub } = call;
  Object.assign(review, { state: STATES[event], submitted_at: timestamp() });
  hub.db.put('reviews', review.id, review);
  if (issue.pull.requested_reviewers.includes(review.user)) {
    issue.pull.requested_reviewers = issue.pull.requested_reviewers.filter((login) => login !== review.user);
    hub.db.put('issues', issueKey(call.repo, issue.number), issue);
  }
  emitReview(call, issue, review, 'submitted');
  for (const comment of commentsOfReview(call, review)) emitReviewComment(call, comment, 'created');
}

/** A review that is not submitted is its author's alone. */
function isVisible({ actor }: RepoCall, review: Review): boolean {
  return review.state !== 'PENDING' || (actor.kind !== 'anonymous' && actorLogin(actor) === review.user);
}

function ownReview(call: RepoCall): Review {
  const review = getReview(call);
  if (actorLogin(call.actor) !== review.user) throw new Refusal(403, 'Must have admin rights to Repository.');
  return review;
}

function updateReview(call: RepoCall): Answer {
  const { body } = parseBody(call, z.object({ body: z.string().min(1) }));
  checkBody('PullRequestReview', body);
  const review = ownReview(call);
  const from = review.body;
  review.body = body;
  call.hub.db.put('reviews', review.id, review);
  if (review.state !== 'PENDING' && from !== body)
    emitReview(call, fromPath(call), review, 'edited', { changes: { body: { from } } });
  return ok(shown(call, review));
}

function deletePending(call: RepoCall): Answer {
  const review = ownReview(call);
  if (review.state !== 'PENDING') throw unprocessable('Can not delete a non-pending pull request review');
  for (const { id } of commentsOfReview(call, review)) call.hub.db.remove('review_comments', id);
  call.hub.db.remove('reviews', review.id);
  return ok(shown(call, review));
}

const SUBMIT = z.object({
  body: z.string().optional(),
  event: z.enum(['APPROVE', 'REQUEST_CHANGES', 'COMMENT']),
});

function submitPending(call: RepoCall): Answer {
  const { body, event } = parseBody(call, SUBMIT);
  const review = ownReview(call);
  const issue = fromPath(call);
  if (review.state !== 'PENDING') throw unprocessable('Can not submit a non-pending pull request review');
  checkVerdict(call, issue, { event, body: body ?? review.body, comments: commentsOfReview(call, review) });
  review.body = body ?? review.body;
  submit(call, { issue, review, event });
  return ok(shown(call, review));
}

function listReviewComments(call: RepoCall): Answer {
  return list(call, commentsOfReview(call, getReview(call)), (one) => shape(call, one));
}

/** Events carry the state in small letters, the API in capitals. */
function emitReview(
  call: RepoCall,
  issue: PullIssue,
  review: Review,
  action: string,
  more: Record<string, unknown> = {},
): void {
  const { hub } = call;
  const payload = {
    review: { ...shown(call, review), state: review.state.toLowerCase() },
    pull_request: pullShape(hub, call.repo, issue),
    ...more,
  };
  emit(hub, {
    repo: call.repo,
    event: 'pull_request_review',
    action,
    sender: actorLogin(call.actor),
    payload,
  });
}

function getReview(call: RepoCall): Review {
  const found = call.hub.db.get('reviews', call.params.id ?? '');
  if (found?.repository_id !== call.repo.id || String(found.pull_number) !== call.params.number)
    throw notFound();
  if (!isVisible(call, found)) throw notFound();
  return found;
}

function dismiss(call: RepoCall): Answer {
  parseBody(call, z.object({ message: z.string().min(1) }));
  const review = getReview(call);
  if (review.state !== 'APPROVED' && review.state !== 'CHANGES_REQUESTED') {
    throw unprocessable('Can not dismiss a commented pull request review');
  }
  review.state = 'DISMISSED';
  call.hub.db.put('reviews', review.id, review);
  emitReview(call, fromPath(call), review, 'dismissed');
  return ok(shown(call, review));
}

function listRequested(call: RepoCall): Answer {
  const { pull } = fromPath(call);
  return ok({ users: pull.requested_reviewers.map((login) => userShape(call.hub, login)), teams: [] });
}

async function request(call: RepoCall, add: boolean): Promise<Answer> {
  const { hub, actor } = call;
  const { reviewers } = parseBody(call, z.object({ reviewers: z.array(z.string()).default([]) }));
  const issue = fromPath(call);
  const unknown = reviewers.filter((login) => !call.repo.collaborators[login]);
  if (unknown.length > 0) {
    throw unprocessable(
      'Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator.',
    );
  }
  if (reviewers.includes(issue.user))
    throw unprocessable('Review cannot be requested from pull request author.');
  const before = issue.pull.requested_reviewers;
  issue.pull.requested_reviewers = add
    ? [...new Set([...before, ...reviewers])]
    : before.filter((login) => !reviewers.includes(login));
  hub.db.put('issues', issueKey(call.repo, issue.number), issue);
  const changed = reviewers.filter((login) => before.includes(login) !== add);
  for (const login of changed) {
    await emitPull({
      ...{ hub, repo: call.repo, actor, sender: actorLogin(actor), issue },
      action: add ? 'review_requested' : 'review_request_removed',
      more: { requested_reviewer: userShape(hub, login) },
    });
  }
  const body = pullShape(hub, call.repo, issue);
  return add ? created(body) : ok(body);
}
