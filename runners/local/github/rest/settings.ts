import { allows, hasRole } from '../auth.ts';
import { type Call, countedList, type Endpoint, ok, repo, site } from '../endpoint.ts';
import { findAccount, type Hub, type SeenRunner } from '../hub.ts';
import { notFound, Refusal } from '../refusal.ts';

/** GitHub docs, rest/actions/permissions, rest/actions/self-hosted-runners and rest/apps/webhooks: what is set, to look at. */
export const settings: Endpoint[] = [
  repo('GET /actions/permissions', 'administration=read | admin', () =>
    // All of this is so: the local GitHub runs every action that it can play.
    ok({ enabled: true, allowed_actions: 'all', sha_pinning_required: false }),
  ),
  repo('GET /actions/permissions/workflow', 'administration=read | admin', ({ repo: row }) =>
    ok({
      default_workflow_permissions: row.default_permissions,
      can_approve_pull_request_reviews: row.actions_may_open_pulls,
    }),
  ),
  repo('GET /actions/runners', 'administration=read | admin', (call) =>
    countedList(call, 'runners', [...call.hub.runners.values()], (one) => runnerShape(call.hub, one)),
  ),
  site('GET /orgs/:org/actions/runners', organizationRunners),
  site('GET /app/hook/config', ({ actor }) => {
    if (actor.kind !== 'app') throw new Refusal(401, 'A JSON web token could not be decoded');
    const { webhook_url: url } = actor.app;
    return ok({ url, content_type: 'json', insecure_ssl: '0', secret: '********' });
  }),
];

/** All runners here belong to the machine, and are listed with the repository. */
function organizationRunners(call: Call) {
  const { hub, actor } = call;
  const org = findAccount(hub, call.params.org ?? '');
  if (org?.type !== 'Organization') throw notFound();
  const needed = 'organization_self_hosted_runners=read';
  if (actor.kind === 'user') {
    const owns = hub.db.filter('repositories', ({ owner }) => owner === org.login);
    if (!owns.some((row) => hasRole(hub, row, actor.login, 'admin')))
      throw new Refusal(403, 'Must have admin rights to Organization.');
  } else if (actor.kind !== 'installation' || !allows(actor.permissions, needed)) {
    throw new Refusal(403, 'Resource not accessible by integration', {
      headers: { 'x-accepted-github-permissions': needed },
    });
  }
  return countedList(call, 'runners', [] as SeenRunner[], (one) => runnerShape(hub, one));
}

/** A runner that waits for jobs asks again within this time. */
const SILENT_MS = 60_000;

function runnerShape(hub: Hub, { id, name, labels, seen }: SeenRunner) {
  const run = hub.db.find('runs', (one) => one.claimed_by === name && one.status === 'in_progress');
  const spoke = Math.max(seen, hub.lastSeen.get(run?.id ?? 0) ?? 0);
  return {
    ...{ id, name, os: 'linux', busy: run !== undefined, ephemeral: false },
    status: Date.now() - spoke < SILENT_MS ? 'online' : 'offline',
    labels: labels.map((label, at) => ({ id: at + 1, name: label, type: 'custom' })),
  };
}
