import { type Actor, actorLogin, hasRole, roleOf } from '../auth.ts';
import { type Endpoint, list, noContent, ok, type RepoCall, repo } from '../endpoint.ts';
import { listRefs, refSha } from '../git-refs.ts';
import { findAccount, type Hub } from '../hub.ts';
import { notFound } from '../refusal.ts';
import type { Repository, Role } from '../rows/repository.ts';
import { rulesFor } from '../rulesets.ts';
import { repositoryShape, repoUrl, rolePermissions, userShape } from '../shapes/account.ts';
import { commitShape, readCommit } from '../shapes/commit.ts';

export const repositories: Endpoint[] = [
  repo('GET /', 'metadata=read', (call) => ok(shownTo(call.hub, call.repo, call.actor))),
  repo('GET /branches', 'contents=read', listBranches),
  repo('GET /branches/*', 'contents=read', getBranch),
  repo('GET /tags', 'contents=read', listTags),
  repo('GET /collaborators', 'metadata=read | write', listCollaborators),
  repo('GET /collaborators/:login', 'metadata=read | write', isCollaborator),
  repo('GET /collaborators/:login/permission', 'metadata=read', permission),
  repo('GET /assignees', 'metadata=read', (call) =>
    list(call, Object.keys(call.repo.collaborators), (login) => userShape(call.hub, login)),
  ),
];

function shownTo(hub: Hub, row: Repository, actor: Actor) {
  const role = actor.kind === 'user' ? roleOf(hub, row, actor.login) : undefined;
  return {
    ...repositoryShape(hub, row),
    network_count: 0,
    subscribers_count: 0,
    ...(role ? { permissions: rolePermissions(role) } : {}),
  };
}

function isProtected(hub: Hub, row: Repository, branch: string): boolean {
  return rulesFor({ hub, repo: row, ref: `refs/heads/${branch}`, actor: { kind: 'anonymous' } }).length > 0;
}

async function listBranches(call: RepoCall) {
  const refs = await listRefs(call.hub.git(call.repo), 'refs/heads');
  return list(call, refs, ({ ref, sha }) => ({
    name: ref.slice(11),
    commit: { sha, url: repoUrl(call.hub, call.repo, `/commits/${sha}`) },
    protected: isProtected(call.hub, call.repo, ref.slice(11)),
  }));
}

async function getBranch(call: RepoCall) {
  const { hub } = call;
  const name = call.params['*'] ?? '';
  const sha = await refSha(hub.git(call.repo), `refs/heads/${name}`);
  const commit = sha && (await readCommit(hub.git(call.repo), sha));
  if (!commit) throw notFound();
  const url = repoUrl(hub, call.repo, `/branches/${name}`);
  return ok({
    name,
    commit: commitShape(hub, call.repo, commit),
    _links: { self: url, html: `${hub.origin}/${call.repo.owner}/${call.repo.name}/tree/${name}` },
    protected: isProtected(call.hub, call.repo, name),
    protection: {
      enabled: false,
      required_status_checks: { enforcement_level: 'off', contexts: [], checks: [] },
    },
    protection_url: `${url}/protection`,
  });
}

async function listTags(call: RepoCall) {
  const git = call.hub.git(call.repo);
  const refs = await listRefs(git, 'refs/tags');
  const rows = await Promise.all(
    refs
      .reverse()
      .map(async ({ ref }) => ({ name: ref.slice(10), sha: (await git.info(`${ref}^{}`))?.oid ?? '' })),
  );
  return list(call, rows, ({ name, sha }) => ({
    name,
    commit: { sha, url: repoUrl(call.hub, call.repo, `/commits/${sha}`) },
    zipball_url: repoUrl(call.hub, call.repo, `/zipball/refs/tags/${name}`),
    tarball_url: repoUrl(call.hub, call.repo, `/tarball/refs/tags/${name}`),
    node_id: `REF_${name}`,
  }));
}

function collaboratorShape(hub: Hub, login: string, role: Role) {
  return { ...userShape(hub, login), permissions: rolePermissions(role), role_name: role };
}

function listCollaborators(call: RepoCall) {
  return list(call, Object.entries(call.repo.collaborators), ([login, role]) =>
    collaboratorShape(call.hub, login, role),
  );
}

function isCollaborator(call: RepoCall) {
  const account = findAccount(call.hub, call.params.login ?? '');
  if (!account || !call.repo.collaborators[account.login]) throw notFound();
  return noContent();
}

/** The old four levels in `permission`, the real role in `role_name`. */
function permission(call: RepoCall) {
  const { hub, actor } = call;
  const account = findAccount(hub, call.params.login ?? '');
  if (!account) throw notFound();
  const self = actor.kind !== 'anonymous' && actorLogin(actor) === account.login;
  if (actor.kind === 'user' && !self && !hasRole(hub, call.repo, actor.login, 'write')) throw notFound();
  const role = roleOf(hub, call.repo, account.login);
  const level = { admin: 'admin', maintain: 'write', write: 'write', triage: 'read', read: 'read' } as const;
  return ok({
    permission: role ? level[role] : 'none',
    role_name: role ?? 'none',
    user: role ? collaboratorShape(hub, account.login, role) : userShape(hub, account.login),
  });
}
