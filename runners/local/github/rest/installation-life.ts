import { hasRole } from '../auth.ts';
import { type Answer, type Call, type Endpoint, noContent, site } from '../endpoint.ts';
import type { Hub } from '../hub.ts';
import { notFound, Refusal } from '../refusal.ts';
import type { Installation } from '../rows/app.ts';
import type { Repository } from '../rows/repository.ts';
import { installationShape, repositoryShape, userShape } from '../shapes/account.ts';
import { enqueue } from '../webhooks.ts';

/** GitHub docs, rest/apps/apps, rest/apps/installations and webhooks, `installation` and `installation_repositories`. */
export const installationLife: Endpoint[] = [
  site('PUT /app/installations/:id/suspended', (call) => suspend(call, true)),
  site('DELETE /app/installations/:id/suspended', (call) => suspend(call, false)),
  site('DELETE /app/installations/:id', uninstall),
  site('PUT /user/installations/:id/repositories/:repository_id', (call) => select(call, true)),
  site('DELETE /user/installations/:id/repositories/:repository_id', (call) => select(call, false)),
];

function ownInstallation({ hub, actor, params }: Call): Installation {
  if (actor.kind !== 'app') throw new Refusal(401, 'A JSON web token could not be decoded');
  const found = hub.db.get('installations', params.id ?? '');
  if (found?.app_id !== actor.app.id) throw notFound();
  return found;
}

function suspend(call: Call, suspended: boolean): Answer {
  const found = ownInstallation(call);
  const suspended_at = suspended ? new Date().toISOString() : null;
  const installation = call.hub.db.put('installations', found.id, { ...found, suspended_at });
  announceInstallation(call.hub, { installation, action: suspended ? 'suspend' : 'unsuspend' });
  return noContent();
}

/** 204 until version 2026-03-10, which answers 202 (breaking changes of that version). */
function uninstall(call: Call): Answer {
  const { hub, version } = call;
  const installation = ownInstallation(call);
  announceInstallation(hub, { installation, action: 'deleted' });
  hub.db.remove('installations', installation.id);
  return version === '2022-11-28' ? noContent() : { status: 202, body: {} };
}

/** Sent to the app whether it subscribes or not. */
export function announceInstallation(
  hub: Hub,
  told: { installation: Installation; action: string; sender?: string },
): void {
  const { installation, action, sender = installation.account } = told;
  const app = hub.db.get('apps', installation.app_id);
  if (!app) return;
  const repositories = installation.repository_ids.flatMap((id) => hub.db.get('repositories', id) ?? []);
  enqueue(hub, {
    ...{ app, event: 'installation', action, installation_id: installation.id, repository_id: null },
    payload: {
      action,
      installation: installationShape(hub, installation),
      repositories: repositories.map((one) => shortRepository(hub, one)),
      requester: null,
      sender: userShape(hub, sender),
    },
  });
}

function shortRepository(hub: Hub, row: Repository) {
  const { id, node_id, name, full_name, private: isPrivate } = repositoryShape(hub, row);
  return { id, node_id, name, full_name, private: isPrivate };
}

export function announceRepositories(
  hub: Hub,
  told: { installation: Installation; repo: Repository; action: 'added' | 'removed'; sender: string },
): void {
  const { installation, repo, action, sender } = told;
  const app = hub.db.get('apps', installation.app_id);
  if (!app) return;
  const short = [shortRepository(hub, repo)];
  enqueue(hub, {
    ...{ app, event: 'installation_repositories', action, installation_id: installation.id },
    repository_id: null,
    payload: {
      action,
      installation: installationShape(hub, installation),
      repository_selection: 'selected',
      repositories_added: action === 'added' ? short : [],
      repositories_removed: action === 'removed' ? short : [],
      requester: null,
      sender: userShape(hub, sender),
    },
  });
}

/** By a person who administers the repository. */
function select(call: Call, add: boolean): Answer {
  const { hub, actor, params } = call;
  if (actor.kind !== 'user') throw new Refusal(403, 'Resource not accessible by integration');
  const found = hub.db.get('installations', params.id ?? '');
  const row = hub.db.get('repositories', params.repository_id ?? '');
  if (!found || row?.owner !== found.account || !hasRole(hub, row, actor.login, 'admin')) throw notFound();
  const others = found.repository_ids.filter((id) => id !== row.id);
  if (add === found.repository_ids.includes(row.id)) return noContent();
  const repository_ids = add ? [...others, row.id] : others;
  const installation = hub.db.put('installations', found.id, { ...found, repository_ids });
  const action = add ? 'added' : 'removed';
  announceRepositories(hub, { installation, repo: row, action, sender: actor.login });
  return noContent();
}
