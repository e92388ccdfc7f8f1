import { allows, hasRole } from '../auth.ts';
import { type Answer, type Call, type Endpoint, list, noContent, ok, site } from '../endpoint.ts';
import { findAccount, type Hub } from '../hub.ts';
import { notFound, Refusal } from '../refusal.ts';
import type { Account, Team } from '../rows/repository.ts';
import { apiUrl, nodeId, repositoryShape, rolePermissions, userShape } from '../shapes/account.ts';

/** GitHub docs, rest/teams and rest/orgs/members. Teams are made under `/_local/` (teams-control.ts). */
export const teams: Endpoint[] = [
  site('GET /orgs/:org/members', (call) =>
    list(call, membersOf(call.hub, organization(call)), (login) => userShape(call.hub, login)),
  ),
  site('GET /orgs/:org/members/:login', isMember),
  site('GET /orgs/:org/teams', (call) => {
    const org = organization(call);
    const rows = call.hub.db.filter('teams', (one) => one.org === org.login);
    return list(call, rows, (one) => teamShape(call.hub, one));
  }),
  site('GET /orgs/:org/teams/:slug', (call) => ok(teamShape(call.hub, getTeam(call)))),
  site('GET /orgs/:org/teams/:slug/members', (call) =>
    list(call, Object.keys(getTeam(call).members), (login) => userShape(call.hub, login)),
  ),
  site('GET /orgs/:org/teams/:slug/memberships/:login', membership),
  site('GET /orgs/:org/teams/:slug/repos', listTeamRepositories),
];

/** Apps need `members: read`; people see the organization's teams when they are its members. */
function organization(call: Call): Account {
  const { hub, actor } = call;
  if (actor.kind === 'anonymous') throw new Refusal(401, 'Requires authentication');
  const found = findAccount(hub, call.params.org ?? '');
  if (found?.type !== 'Organization') throw notFound();
  if (actor.kind === 'user') {
    if (membersOf(hub, found).includes(actor.login)) return found;
    throw notFound();
  }
  if (actor.kind === 'installation' && allows(actor.permissions, 'members=read')) return found;
  throw new Refusal(403, 'Resource not accessible by integration', {
    headers: { 'x-accepted-github-permissions': 'members=read' },
  });
}

/** Whoever has access to one of its repositories, or is in one of its teams. */
function membersOf(hub: Hub, org: Account): string[] {
  const inTeams = hub.db
    .filter('teams', (one) => one.org === org.login)
    .flatMap(({ members }) => Object.keys(members));
  const withAccess = hub.db
    .filter('repositories', ({ owner }) => owner === org.login)
    .flatMap(({ collaborators }) => Object.keys(collaborators));
  return [...new Set([...withAccess, ...inTeams])];
}

function isMember(call: Call): Answer {
  const org = organization(call);
  const account = findAccount(call.hub, call.params.login ?? '');
  if (!account || !membersOf(call.hub, org).includes(account.login)) throw notFound();
  return noContent();
}

function getTeam(call: Call): Team {
  const org = organization(call);
  const slug = (call.params.slug ?? '').toLowerCase();
  const found = call.hub.db.find('teams', (one) => one.org === org.login && one.slug === slug);
  if (!found) throw notFound();
  return found;
}

function membership(call: Call): Answer {
  const team = getTeam(call);
  const account = findAccount(call.hub, call.params.login ?? '');
  const role = account && team.members[account.login];
  if (!account || !role) throw notFound();
  return ok({ state: 'active', role, url: `${teamUrl(call.hub, team)}/memberships/${account.login}` });
}

function listTeamRepositories(call: Call): Answer {
  const { hub, actor } = call;
  const rows = Object.entries(getTeam(call).repositories).flatMap(([id, role]) => {
    const row = hub.db.get('repositories', id);
    const seen = row && (actor.kind !== 'user' || hasRole(hub, row, actor.login, 'read'));
    return seen ? [{ row, role }] : [];
  });
  return list(call, rows, ({ row, role }) => ({
    ...repositoryShape(hub, row),
    permissions: rolePermissions(role),
    role_name: role,
  }));
}

function teamUrl(hub: Hub, team: Team): string {
  return apiUrl(hub, `/orgs/${team.org}/teams/${team.slug}`);
}

export function teamShape(hub: Hub, team: Team) {
  const url = teamUrl(hub, team);
  return {
    id: team.id,
    node_id: nodeId('Team', team.id),
    name: team.name,
    slug: team.slug,
    description: null,
    privacy: 'closed' as const,
    notification_setting: 'notifications_enabled' as const,
    permission: 'pull',
    url,
    html_url: `${hub.origin}/orgs/${team.org}/teams/${team.slug}`,
    members_url: `${url}/members{/member}`,
    repositories_url: `${url}/repos`,
    parent: null,
  };
}
