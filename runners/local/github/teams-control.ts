import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { findAccount, type Hub } from './hub.ts';
import { notFound } from './refusal.ts';
import { teamShape } from './rest/teams.ts';
import type { Team } from './rows/repository.ts';
import type { LocalRequest } from './runner-wire.ts';
import { userShape } from './shapes/account.ts';
import { enqueue } from './webhooks.ts';

const ROLE = z.enum(['read', 'triage', 'write', 'maintain', 'admin']);
const TEAM = z.strictObject({
  name: z.string().optional(),
  members: z.record(z.string(), z.enum(['member', 'maintainer'])).default({}),
  /** By the repository's name. */
  repositories: z.record(z.string(), ROLE).default({}),
});

/** `PUT /_local/teams/:org/:slug`: what an owner of the organization does on its settings pages. */
export function teamRoutes(scope: FastifyInstance, hub: Hub): void {
  scope.put('/teams/:org/:slug', async (request: LocalRequest, reply) => {
    const { org = '', slug = '' } = request.params;
    if (findAccount(hub, org)?.type !== 'Organization') throw notFound();
    const { name, members, repositories } = TEAM.parse(request.body);
    const before = hub.db.find('teams', (one) => one.org === org && one.slug === slug);
    const owned = Object.entries(repositories).map(([repo, role]) => {
      const found = hub.db.find('repositories', (one) => one.owner === org && one.name === repo);
      if (!found) throw notFound();
      return [found.id, role] as const;
    });
    const id = before?.id ?? hub.db.nextId();
    const team = hub.db.put('teams', id, {
      ...{ id, org, slug, name: name ?? before?.name ?? slug, members },
      repositories: Object.fromEntries(owned),
    });
    tellMembers(hub, team, before?.members ?? {});
    await hub.db.committed();
    return reply.code(204).send();
  });
}

/** `membership` goes to every app of the organization that asked for it. */
function tellMembers(hub: Hub, team: Team, before: Team['members']): void {
  const changes = [
    ...Object.keys(team.members)
      .filter((login) => !(login in before))
      .map((login) => ['added', login] as const),
    ...Object.keys(before)
      .filter((login) => !(login in team.members))
      .map((login) => ['removed', login] as const),
  ];
  for (const installation of hub.db.filter('installations', ({ account }) => account === team.org)) {
    const app = hub.db.get('apps', installation.app_id);
    if (!app?.events.includes('membership')) continue;
    for (const [action, login] of changes) {
      enqueue(hub, {
        ...{ app, event: 'membership', action, installation_id: installation.id, repository_id: null },
        payload: {
          ...{ action, scope: 'team', member: userShape(hub, login), team: teamShape(hub, team) },
          organization: userShape(hub, team.org),
          sender: userShape(hub, team.org),
          installation: { id: installation.id },
        },
      });
    }
  }
}
