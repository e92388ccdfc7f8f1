import { buildSchema, graphql as execute, GraphQLError } from 'graphql';
import { z } from 'zod';
import { actorLogin, allows, canRead, hasRole } from '../auth.ts';
import { type Answer, type Call, type Endpoint, ok, parseBody, site } from '../endpoint.ts';
import { isPull, issueKey, type PullIssue, timestamp } from '../hub.ts';
import { dequeue, enqueue, queueEntry, queueSettings } from '../merge-queue.ts';
import { queueRefusals } from '../merge-rules.ts';
import { emitPull } from '../pull-sync.ts';
import { Refusal } from '../refusal.ts';
import type { Comment } from '../rows/issue.ts';
import type { Repository } from '../rows/repository.ts';
import { htmlUrl, nodeId } from '../shapes/account.ts';

/** What GitHub offers by GraphQL alone (GitHub docs, graphql/reference/mutations): drafts and folded comments. */
const schema = buildSchema(`
  type Query { viewer: User! }
  type User { login: String! }
  type PullRequest { id: ID! number: Int! isDraft: Boolean! title: String! url: String! }
  interface Minimizable { isMinimized: Boolean! minimizedReason: String }
  type IssueComment implements Minimizable { id: ID! isMinimized: Boolean! minimizedReason: String }
  enum ReportedContentClassifiers { SPAM ABUSE OFF_TOPIC OUTDATED DUPLICATE RESOLVED }
  input ConvertPullRequestToDraftInput { pullRequestId: ID! clientMutationId: String }
  input MarkPullRequestReadyForReviewInput { pullRequestId: ID! clientMutationId: String }
  input MinimizeCommentInput { subjectId: ID! classifier: ReportedContentClassifiers! clientMutationId: String }
  input UnminimizeCommentInput { subjectId: ID! clientMutationId: String }
  type ConvertPullRequestToDraftPayload { clientMutationId: String pullRequest: PullRequest }
  type MarkPullRequestReadyForReviewPayload { clientMutationId: String pullRequest: PullRequest }
  type MinimizeCommentPayload { clientMutationId: String minimizedComment: Minimizable }
  type UnminimizeCommentPayload { clientMutationId: String unminimizedComment: Minimizable }
  type GitObject { oid: String! }
  type MergeQueueEntry { id: ID! position: Int! enqueuedAt: String! state: String! headCommit: GitObject pullRequest: PullRequest }
  input EnqueuePullRequestInput { pullRequestId: ID! jump: Boolean expectedHeadOid: String clientMutationId: String }
  input DequeuePullRequestInput { id: ID! clientMutationId: String }
  type EnqueuePullRequestPayload { clientMutationId: String mergeQueueEntry: MergeQueueEntry }
  type DequeuePullRequestPayload { clientMutationId: String mergeQueueEntry: MergeQueueEntry }
  type Mutation {
    enqueuePullRequest(input: EnqueuePullRequestInput!): EnqueuePullRequestPayload
    dequeuePullRequest(input: DequeuePullRequestInput!): DequeuePullRequestPayload
    convertPullRequestToDraft(input: ConvertPullRequestToDraftInput!): ConvertPullRequestToDraftPayload
    markPullRequestReadyForReview(input: MarkPullRequestReadyForReviewInput!): MarkPullRequestReadyForReviewPayload
    minimizeComment(input: MinimizeCommentInput!): MinimizeCommentPayload
    unminimizeComment(input: UnminimizeCommentInput!): UnminimizeCommentPayload
  }
`);

export const graphql: Endpoint[] = [site('POST /graphql', answer)];

const REQUEST = z.object({
  query: z.string(),
  variables: z.record(z.string(), z.unknown()).nullish(),
  operationName: z.string().nullish(),
});

/** Refusals are answered with 200 and `errors`, as GitHub does. */
async function answer(call: Call): Promise<Answer> {
  if (call.actor.kind === 'anonymous')
    throw new Refusal(401, 'This endpoint requires you to be authenticated.');
  const { query, variables, operationName } = parseBody(call, REQUEST);
  const result = await execute({
    ...{ schema, source: query, rootValue: ROOT, contextValue: call },
    ...{ variableValues: variables ?? {}, operationName: operationName ?? null },
  });
  const errors = result.errors?.map(({ message, path, locations, extensions }) => ({
    ...{ message, locations, ...(path ? { path } : {}) },
    ...(typeof extensions.type === 'string' ? { type: extensions.type } : {}),
  }));
  return ok({ ...(result.data === undefined ? {} : { data: result.data }), ...(errors ? { errors } : {}) });
}

type Input<More = unknown> = { input: { clientMutationId?: string } & More };

const ROOT = {
  viewer: (_: unknown, { actor }: Call) => ({ login: actorLogin(actor) }),
  convertPullRequestToDraft: ({ input }: Input<{ pullRequestId: string }>, call: Call) =>
    setDraft(call, input, true),
  markPullRequestReadyForReview: ({ input }: Input<{ pullRequestId: string }>, call: Call) =>
    setDraft(call, input, false),
  enqueuePullRequest: ({ input }: Input<Enqueuing>, call: Call) => enqueuePull(call, input),
  dequeuePullRequest: ({ input }: Input<{ id: string }>, call: Call) => dequeuePull(call, input),
  minimizeComment({ input }: Input<{ subjectId: string; classifier: string }>, call: Call) {
    const minimizedComment = minimize(
      call,
      input.subjectId,
      input.classifier.toLowerCase().replace('_', '-'),
    );
    return { clientMutationId: input.clientMutationId ?? null, minimizedComment };
  },
  unminimizeComment({ input }: Input<{ subjectId: string }>, call: Call) {
    const unminimizedComment = minimize(call, input.subjectId, null);
    return { clientMutationId: input.clientMutationId ?? null, unminimizedComment };
  },
};

async function setDraft(
  call: Call,
  input: { pullRequestId: string; clientMutationId?: string },
  draft: boolean,
) {
  const { hub, actor } = call;
  const { repo, issue } = pullOf(call, input.pullRequestId);
  const sender = actorLogin(actor);
  if (!mayWrite(call, repo, { author: issue.user, permission: 'pull_requests=write' }))
    throw forbidden(call, draft ? 'ConvertPullRequestToDraft' : 'MarkPullRequestReadyForReview');
  await hub.exclusive(`refs/${repo.id}`, async () => {
    if (issue.state === 'closed') throw new GraphQLError('Pull request is closed.', typed('UNPROCESSABLE'));
    if (issue.pull.draft === draft) return;
    issue.pull.draft = draft;
    issue.updated_at = timestamp();
    hub.db.put('issues', issueKey(repo, issue.number), issue);
    const action = draft ? 'converted_to_draft' : 'ready_for_review';
    await emitPull({ hub, repo, actor, sender, issue, action });
  });
  return {
    clientMutationId: input.clientMutationId ?? null,
    pullRequest: pullFields(call, repo, issue),
  };
}

function pullFields({ hub }: Call, repo: Repository, issue: PullIssue) {
  return {
    ...{ id: nodeId('PullRequest', issue.id), number: issue.number, isDraft: issue.pull.draft },
    ...{ title: issue.title, url: htmlUrl(hub, repo, `/pull/${issue.number}`) },
  };
}

type Enqueuing = { pullRequestId: string; expectedHeadOid?: string | null };

/** Assumed: who may write may queue; an app needs what a merge needs (docs/real-github-check.md, A10). */
async function enqueuePull(call: Call, input: Enqueuing & { clientMutationId?: string }) {
  const { hub, actor } = call;
  const { repo, issue } = pullOf(call, input.pullRequestId);
  if (!mayWrite(call, repo, { author: '', permission: 'contents=write,merge_queues=write' }))
    throw forbidden(call, 'EnqueuePullRequest');
  return hub.exclusive(`refs/${repo.id}`, async () => {
    const refused = await whyNotQueued({ hub, repo, issue, actor }, input.expectedHeadOid);
    if (refused) throw new GraphQLError(refused, typed('UNPROCESSABLE'));
    const entry = await enqueue({ hub, repo }, issue, actorLogin(actor));
    const position = hub.db.filter('queue', (one) => one.repository_id === repo.id).indexOf(entry) + 1;
    const headCommit = entry.group && { oid: entry.group.head_sha };
    const mergeQueueEntry = {
      ...{ id: nodeId('MergeQueueEntry', entry.id), position, enqueuedAt: entry.created_at, headCommit },
      ...{ state: 'AWAITING_CHECKS', pullRequest: pullFields(call, repo, issue) },
    };
    return { clientMutationId: input.clientMutationId ?? null, mergeQueueEntry };
  });
}

async function whyNotQueued(
  queued: { hub: Call['hub']; repo: Repository; issue: PullIssue; actor: Call['actor'] },
  expected: string | null | undefined,
): Promise<string | undefined> {
  const { hub, repo, issue } = queued;
  if (!queueSettings({ hub, repo }, issue.pull.base_ref))
    return `Merge queue is not enabled for ${issue.pull.base_ref}`;
  if (issue.state === 'closed') return 'Pull request is closed';
  if (issue.pull.draft) return 'Pull request is a draft';
  if (expected && expected !== issue.pull.head_sha) return 'Head branch was modified';
  if (queueEntry({ hub, repo }, issue.number)) return 'Pull request is already in the queue';
  if (!issue.pull.mergeable) return 'Pull request has a merge conflict';
  const [first] = await queueRefusals(queued);
  return first;
}

async function dequeuePull(call: Call, input: { id: string; clientMutationId?: string }) {
  const { hub, actor } = call;
  const { repo, issue } = pullOf(call, input.id);
  if (!mayWrite(call, repo, { author: issue.user, permission: 'contents=write,merge_queues=write' }))
    throw forbidden(call, 'DequeuePullRequest');
  const left = await hub.exclusive(`refs/${repo.id}`, () => dequeue({ hub, repo }, issue, actorLogin(actor)));
  if (!left) throw new GraphQLError('Pull request is not in the queue', typed('UNPROCESSABLE'));
  return { clientMutationId: input.clientMutationId ?? null, mergeQueueEntry: null };
}

function minimize(call: Call, id: string, reason: string | null) {
  const { repo, comment } = commentOf(call, id);
  if (!mayWrite(call, repo, { author: comment.user, permission: 'issues=write; pull_requests=write' }))
    throw forbidden(call, reason === null ? 'UnminimizeComment' : 'MinimizeComment');
  comment.minimized = reason;
  call.hub.db.put('comments', comment.id, comment);
  return {
    ...{ __typename: 'IssueComment', id, isMinimized: reason !== null },
    minimizedReason: reason,
  };
}

/** An author or a writer; an app with the permission, on its repositories. */
function mayWrite(call: Call, repo: Repository, on: { author: string; permission: string }): boolean {
  const { hub, actor } = call;
  if (actor.kind === 'user') return actor.login === on.author || hasRole(hub, repo, actor.login, 'write');
  if (actor.kind === 'app' || actor.kind === 'anonymous') return false;
  return actor.repository_ids.includes(repo.id) && allows(actor.permissions, on.permission);
}

function pullOf(call: Call, id: string): { repo: Repository; issue: PullIssue } {
  const number = numberIn(id, 'PullRequest');
  const issue = call.hub.db.find('issues', (one) => one.id === number);
  const repo = readable(call, issue?.repository_id);
  if (!repo || !issue || !isPull(issue)) throw unresolved(id);
  return { repo, issue };
}

function commentOf(call: Call, id: string): { repo: Repository; comment: Comment } {
  const comment = call.hub.db.get('comments', numberIn(id, 'IssueComment'));
  const repo = readable(call, comment?.repository_id);
  if (!repo || !comment) throw unresolved(id);
  return { repo, comment };
}

function readable({ hub, actor }: Call, id: number | undefined): Repository | undefined {
  const repo = id === undefined ? undefined : hub.db.get('repositories', id);
  return repo && canRead(hub, repo, actor) ? repo : undefined;
}

/** The number in a node id (shapes/account.ts, nodeId); 0, which nothing has, for an id of another kind. */
function numberIn(id: string, kind: string): number {
  const [name, number] = Buffer.from(id, 'base64').toString().split(':');
  return name === kind ? Number(number) || 0 : 0;
}

function typed(type: string) {
  return { extensions: { type } };
}

function unresolved(id: string): GraphQLError {
  return new GraphQLError(`Could not resolve to a node with the global id of '${id}'`, typed('NOT_FOUND'));
}

function forbidden({ actor }: Call, mutation: string): GraphQLError {
  const person = `${actorLogin(actor)} does not have the correct permissions to execute \`${mutation}\``;
  const message = actor.kind === 'user' ? person : 'Resource not accessible by integration';
  return new GraphQLError(message, typed('FORBIDDEN'));
}
