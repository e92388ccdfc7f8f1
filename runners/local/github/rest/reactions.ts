import { z } from 'zod';
import { actorLogin, hasRole } from '../auth.ts';
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
import { getIssue, issueKey, timestamp } from '../hub.ts';
import { notFound, Refusal } from '../refusal.ts';
import type { Issue, Reaction } from '../rows/issue.ts';
import { userShape } from '../shapes/account.ts';
import { getComment } from './comments.ts';

/** An issue may be a pull request: either permission will do. */
const WRITE = 'issues=write; pull_requests=write';
const READ = 'issues=read; pull_requests=read';

/** What can be reacted to, with its list of reactions and the way to save it. */
type Target = { issue: Issue; rows: Reaction[]; save(rows: Reaction[]): void };

/** GitHub docs, rest/reactions/reactions. */
export const reactions: Endpoint[] = [
  ...endpoints('/issues/comments/:id/reactions', ofComment),
  ...endpoints('/issues/:number/reactions', ofIssue),
];

function endpoints(path: string, target: (call: RepoCall) => Target): Endpoint[] {
  return [
    repo(`GET ${path}`, READ, (call) => {
      const wanted = call.query.content;
      const rows = target(call).rows.filter(({ content }) => !wanted || content === wanted);
      return list(call, rows, (one) => reactionShape(call, one));
    }),
    repo(`POST ${path}`, WRITE, (call) => react(call, target(call))),
    repo(`DELETE ${path}/:reaction`, WRITE, (call) => remove(call, target(call))),
  ];
}

function ofComment(call: RepoCall): Target {
  const comment = getComment(call);
  return {
    issue: getIssue(call.hub, call.repo, String(comment.issue_number)),
    rows: comment.reactions,
    save: (rows) => void call.hub.db.put('comments', comment.id, { ...comment, reactions: rows }),
  };
}

function ofIssue(call: RepoCall): Target {
  const issue = getIssue(call.hub, call.repo, call.params.number);
  return {
    issue,
    rows: issue.reactions ?? [],
    save: (rows) =>
      void call.hub.db.put('issues', issueKey(call.repo, issue.number), { ...issue, reactions: rows }),
  };
}

function reactionShape(call: RepoCall, reaction: Reaction) {
  const { user, ...own } = reaction;
  return { ...own, node_id: `REA_${reaction.id}`, user: userShape(call.hub, user) };
}

const CONTENT = z.enum(['+1', '-1', 'laugh', 'confused', 'heart', 'hooray', 'rocket', 'eyes']);

/**
 * The same reaction twice by one person is one reaction, answered with 200. Nobody reacts to what is locked
 * (github/docs#21343, GitHawkApp/GitHawk#2297); the wording is assumed (docs/real-github-check.md, A22).
 */
function react(call: RepoCall, { issue, rows, save }: Target): Answer {
  if (issue.locked) throw new Refusal(403, 'Unable to create reaction because issue is locked.');
  const { content } = parseBody(call, z.object({ content: CONTENT }));
  const user = actorLogin(call.actor);
  const known = rows.find((one) => one.user === user && one.content === content);
  if (known) return ok(reactionShape(call, known));
  const reaction = { id: call.hub.db.nextId(), user, content, created_at: timestamp() };
  save([...rows, reaction]);
  return created(reactionShape(call, reaction));
}

/** One's own; someone else's only by an administrator. */
function remove(call: RepoCall, { rows, save }: Target): Answer {
  const found = rows.find(({ id }) => String(id) === call.params.reaction);
  if (!found) throw notFound();
  const { actor, hub } = call;
  const admin = actor.kind === 'user' && hasRole(hub, call.repo, actor.login, 'admin');
  if (found.user !== actorLogin(actor) && !admin)
    throw new Refusal(403, 'Must have admin rights to Repository.');
  save(rows.filter((one) => one !== found));
  return noContent();
}
