import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Permissions } from '../protocol.ts';
import { grantedTo } from './auth.ts';
import type { Hub } from './hub.ts';
import { notFound } from './refusal.ts';
import { announceInstallation } from './rest/installation-life.ts';
import type { LocalRequest } from './runner-wire.ts';

const CHANGE = z.strictObject({
  permissions: z.record(z.string(), z.enum(['read', 'write'])).optional(),
  /** Events hold at once: nobody is asked. */
  events: z.array(z.string()).optional(),
});

/**
 * What the owner of an app and the owner of an installation do on their settings pages. More permissions reach an
 * installation when its owner accepts them, fewer at once (GitHub docs, apps/maintaining-github-apps/
 * modifying-a-github-app-registration, "Changing the permissions of a GitHub App").
 */
export function appRoutes(scope: FastifyInstance, hub: Hub): void {
  scope.patch('/apps/:slug', async (request: LocalRequest, reply) => {
    const app = hub.db.find('apps', ({ slug }) => slug === request.params.slug);
    if (!app) throw notFound();
    const { permissions = app.permissions, events = app.events } = CHANGE.parse(request.body);
    for (const installation of hub.db.filter('installations', ({ app_id }) => app_id === app.id)) {
      const granted = shared(grantedTo(app, installation), permissions);
      hub.db.put('installations', installation.id, { ...installation, permissions: granted });
    }
    hub.db.put('apps', app.id, { ...app, permissions, events });
    await hub.db.committed();
    return reply.code(204).send();
  });
  scope.post('/installations/:id/accept', async (request: LocalRequest, reply) => {
    const found = hub.db.get('installations', request.params.id ?? '');
    if (!found) throw notFound();
    const { permissions: _former, ...rest } = found;
    const installation = hub.db.put('installations', found.id, rest);
    announceInstallation(hub, { installation, action: 'new_permissions_accepted' });
    await hub.db.committed();
    return reply.code(204).send();
  });
}

/** The lower of both levels; what one of them lacks is not granted. */
function shared(granted: Permissions, asked: Permissions): Permissions {
  const both = Object.entries(asked).filter(([name]) => name in granted);
  return Object.fromEntries(
    both.map(([name, level]) => [name, granted[name] === 'read' ? ('read' as const) : level]),
  );
}
