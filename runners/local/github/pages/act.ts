import type { FastifyInstance } from 'fastify';
import { getIssue, getPull, type Hub, headRepository } from '../hub.ts';
import { notFound, Refusal } from '../refusal.ts';
import type { Repository } from '../rows/repository.ts';
import { nodeId } from '../shapes/account.ts';
import { toggleBox } from './boxes.ts';
import type { Session } from './session.ts';

/** One form that a person sent: `act` says which. */
export type Deed = {
  hub: Hub;
  repo: Repository;
  params: Record<string, string>;
  form: Record<string, string>;
};
type ApiRequest = { method: 'POST' | 'PUT' | 'PATCH' | 'DELETE'; path: string; body?: unknown };

/** What each form asks of the public API. The path begins after `/repos/{owner}/{repo}`. */
const ISSUE_ACTS: Record<string, (deed: Deed) => ApiRequest | ApiRequest[]> = {
  comment: ({ params, form }) => post(`/issues/${params.number}/comments`, { body: form.body }),
  close: ({ params, form }) =>
    patch(`/issues/${params.number}`, {
      state: 'closed',
      ...(form.reason ? { state_reason: form.reason } : {}),
    }),
  reopen: ({ params }) => patch(`/issues/${params.number}`, { state: 'open' }),
  edit: ({ params, form }) => patch(`/issues/${params.number}`, { title: form.title, body: form.body }),
  'edit-comment': ({ form }) => patch(`/issues/comments/${form.comment}`, { body: form.body }),
  'delete-comment': ({ form }) => ({ method: 'DELETE', path: `/issues/comments/${form.comment}` }),
  react: ({ form }) => post(`/issues/comments/${form.comment}/reactions`, { content: form.content }),
  tick: tickBox,
  labels: ({ params, form }) =>
    put(`/issues/${params.number}/labels`, {
      labels: (form.labels ?? '')
        .split(',')
        .map((one) => one.trim())
        .filter(Boolean),
    }),
  milestone: ({ params, form }) =>
    patch(`/issues/${params.number}`, { milestone: form.milestone ? Number(form.milestone) : null }),
  assign: ({ params, form }) =>
    patch(`/issues/${params.number}`, {
      assignees: (form.assignees ?? '')
        .split(',')
        .map((one) => one.trim())
        .filter(Boolean),
    }),
  lock: ({ params }) => put(`/issues/${params.number}/lock`, {}),
  unlock: ({ params }) => ({ method: 'DELETE', path: `/issues/${params.number}/lock` }),
};

const PULL_ACTS: typeof ISSUE_ACTS = {
  ...ISSUE_ACTS,
  close: ({ params }) => patch(`/pulls/${params.number}`, { state: 'closed' }),
  reopen: ({ params }) => patch(`/pulls/${params.number}`, { state: 'open' }),
  review: ({ params, form }) =>
    post(`/pulls/${params.number}/reviews`, {
      event: form.event,
      body: form.body ?? '',
      commit_id: form.sha,
    }),
  dismiss: ({ params, form }) =>
    put(`/pulls/${params.number}/reviews/${form.review}/dismissals`, { message: form.message }),
  merge: ({ params, form }) =>
    put(`/pulls/${params.number}/merge`, { merge_method: form.method, sha: form.sha }),
  update: ({ params, form }) => put(`/pulls/${params.number}/update-branch`, { expected_head_sha: form.sha }),
  base: ({ params, form }) => patch(`/pulls/${params.number}`, { base: form.base }),
  'delete-branch': (deed) => ({
    method: 'DELETE',
    path: `/git/refs/heads/${encodeURIComponent(ownBranch(deed))}`,
  }),
  'restore-branch': (deed) =>
    post('/git/refs', { ref: `refs/heads/${ownBranch(deed)}`, sha: pullOf(deed).pull.head_sha }),
};

/** `/labels`, `/milestones`, `/runs/<check>` and `/actions/runs/<run>`. */
const LIST_ACTS: Record<string, (deed: Deed) => ApiRequest> = {
  'labels create': ({ form: { name, color, description } }) =>
    post('/labels', { name, ...(color ? { color } : {}), ...(description ? { description } : {}) }),
  'labels delete': ({ form }) => ({
    method: 'DELETE',
    path: `/labels/${encodeURIComponent(form.name ?? '')}`,
  }),
  'milestones create': ({ form: { title, description } }) => post('/milestones', { title, description }),
  'milestones state': ({ form }) => patch(`/milestones/${form.number}`, { state: form.state }),
  'runs rerequest': ({ params }) => post(`/check-runs/${params.number}/rerequest`, {}),
  'actions/runs cancel': ({ params }) => post(`/actions/runs/${params.number}/cancel`, {}),
  'actions/runs force-cancel': ({ params }) => post(`/actions/runs/${params.number}/force-cancel`, {}),
  'actions/runs approve': ({ params }) => post(`/actions/runs/${params.number}/approve`, {}),
  'actions/runs review': ({ params, form }) =>
    post(`/actions/runs/${params.number}/pending_deployments`, {
      environment_ids: [Number(form.environment)],
      state: form.state,
      comment: form.comment ?? '',
    }),
  'actions/runs rerun': ({ params }) => post(`/actions/runs/${params.number}/rerun`, {}),
  'actions/runs rerun-failed': ({ params }) => post(`/actions/runs/${params.number}/rerun-failed-jobs`, {}),
};

/** Drafts are GraphQL's alone. */
const MUTATIONS: Record<string, string> = {
  draft: 'convertPullRequestToDraft',
  ready: 'markPullRequestReadyForReview',
};

function post(path: string, body: unknown): ApiRequest {
  return { method: 'POST', path, body };
}
function put(path: string, body: unknown): ApiRequest {
  return { method: 'PUT', path, body };
}
function patch(path: string, body: unknown): ApiRequest {
  return { method: 'PATCH', path, body };
}

function pullOf({ hub, repo, params }: Deed) {
  return getPull(hub, repo, params.number);
}

/** The head branch, where it is this repository's. */
function ownBranch(deed: Deed): string {
  const issue = pullOf(deed);
  if (headRepository(deed.hub, deed.repo, issue)?.id !== deed.repo.id)
    throw new Refusal(422, 'The head branch is in another repository.');
  return issue.pull.head_ref;
}

function tickBox({ hub, repo, params, form }: Deed): ApiRequest {
  const issue = getIssue(hub, repo, params.number);
  const comment = form.comment ? hub.db.get('comments', form.comment) : undefined;
  if (form.comment && comment?.issue_number !== issue.number) throw notFound();
  const text = comment ? comment.body : (issue.body ?? '');
  const body = toggleBox(text, Number(form.box));
  // What was shown may have been rewritten since: then the box is another.
  if (body === undefined || form.seen !== seen(comment ?? issue))
    throw new Refusal(409, 'This text has changed: look again.');
  return patch(comment ? `/issues/comments/${comment.id}` : `/issues/${issue.number}`, { body });
}

/** Marks the text that a form was made from. */
export function seen({ updated_at, body }: { updated_at: string; body: string | null }): string {
  return `${updated_at} ${(body ?? '').length}`;
}

/** Does what the form says, as the person who is signed in, through the same API that everyone uses. */
export async function perform(server: FastifyInstance, session: Session, deed: Deed): Promise<void> {
  const { repo, form } = deed;
  const pull = deed.params.kind === 'pull';
  const mutation = pull ? MUTATIONS[form.act ?? ''] : undefined;
  if (mutation) return mutate(server, session, { mutation, id: nodeId('PullRequest', pullOf(deed).id) });
  const wanted = actOf(deed);
  for (const request of [wanted(deed)].flat()) await ask(server, session, { repo, request });
}

function actOf({ params, form }: Deed): (deed: Deed) => ApiRequest | ApiRequest[] {
  const act = form.act ?? '';
  const lists = { issues: ISSUE_ACTS, pull: PULL_ACTS } as const;
  const own = params.number !== undefined && Object.hasOwn(lists, params.kind ?? '');
  const acts = own ? lists[params.kind as keyof typeof lists] : LIST_ACTS;
  const name = own ? act : `${params.kind} ${act}`;
  const found = Object.hasOwn(acts, name) ? acts[name] : undefined;
  if (!found) throw notFound();
  return found;
}

/** One call of the API by a person; a refusal is thrown with GitHub's words. */
export async function ask(
  server: FastifyInstance,
  session: Session,
  { repo, request }: { repo: Repository; request: ApiRequest },
): Promise<unknown> {
  const { method, path, body } = request;
  const answer = await server.inject({
    ...{ method, url: `/api/v3/repos/${repo.owner}/${repo.name}${path}` },
    headers: {
      host: '127.0.0.1',
      authorization: `Bearer ${session.token}`,
      'content-type': 'application/json',
    },
    ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
  });
  if (answer.statusCode < 400) return answer.statusCode === 204 ? undefined : answer.json();
  const { message, errors = [] } = answer.json() as {
    message: string;
    errors?: ({ message?: string } | string)[];
  };
  const details = errors.map((one) => (typeof one === 'string' ? one : (one.message ?? ''))).filter(Boolean);
  throw new Refusal(answer.statusCode, [message, ...details].join(': '));
}

async function mutate(
  server: FastifyInstance,
  session: Session,
  { mutation, id }: { mutation: string; id: string },
): Promise<void> {
  const query = `mutation($id: ID!) { ${mutation}(input: {pullRequestId: $id}) { pullRequest { id } } }`;
  const answer = await server.inject({
    ...{ method: 'POST', url: '/api/graphql' },
    headers: {
      host: '127.0.0.1',
      authorization: `Bearer ${session.token}`,
      'content-type': 'application/json',
    },
    payload: JSON.stringify({ query, variables: { id } }),
  });
  const { errors } = answer.json() as { errors?: { message: string }[] };
  if (errors?.[0]) throw new Refusal(403, errors[0].message);
}
