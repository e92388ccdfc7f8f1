import { createPublicKey } from 'node:crypto';
import { APP_EVENTS, APP_PERMISSIONS } from '#lib/lifecycle/app-needs.ts';
import type { Permissions } from '../protocol.ts';
import { tokenKey } from './auth.ts';
import { initRepository } from './git.ts';
import { findAccount, findRepository, type Hub, repositoryPath, timestamp } from './hub.ts';
import { announceInstallation } from './rest/installation-life.ts';
import type { Account, Label, Repository, Role } from './rows/repository.ts';
import { ensureSecrets } from './secrets.ts';

export type SeedSpec = {
  owner: string;
  repository: string;
  /** Default true. */
  private?: boolean;
  /** `none`: an account without any access. */
  people: { login: string; role: Role | 'none' }[];
  /** Left out: a repository without the app. */
  app?: { slug: string; webhookUrl: string };
};

/** The least that the app works with; `workflows` is not asked for. */
const PERMISSIONS: Permissions = Object.fromEntries(
  Object.entries(APP_PERMISSIONS).map(([name, { level }]) => [name, level]),
);

const LABELS: [string, string, string][] = [
  ['bug', 'd73a4a', "Something isn't working"],
  ['documentation', '0075ca', 'Improvements or additions to documentation'],
  ['enhancement', 'a2eeef', 'New feature or request'],
  ['question', 'd876e3', 'Further information is requested'],
];

/** Owner, people, repository, app and installation. Safe to run again: what is there stays, the webhook URL moves. */
export async function seed(hub: Hub, spec: SeedSpec): Promise<void> {
  const logins = spec.people.map(({ login }) => login);
  const slug = spec.app?.slug;
  hub.secrets = await ensureSecrets(hub.dir, { logins, ...(slug ? { slug } : {}) });
  account(hub, spec.owner, 'Organization');
  for (const bot of ['github-actions[bot]', 'github-merge-queue[bot]', 'web-flow']) account(hub, bot, 'Bot');
  for (const login of logins) {
    account(hub, login, 'User');
    const token = hub.secrets.tokens[login];
    if (token) hub.db.put('tokens', tokenKey(token), { kind: 'user', login });
  }
  const repo = await repository(hub, spec);
  for (const { login, role } of spec.people) {
    if (role === 'none') delete repo.collaborators[login];
    else repo.collaborators[login] = role;
  }
  hub.db.put('repositories', repo.id, repo);
  if (spec.app) install(hub, repo, spec.app);
  await hub.db.committed();
}

export function account(hub: Hub, login: string, type: Account['type']): Account {
  const found = findAccount(hub, login);
  if (found) return found;
  const id = hub.db.nextId();
  return hub.db.put('accounts', id, { id, login, type, created_at: timestamp() });
}

async function repository(hub: Hub, spec: SeedSpec): Promise<Repository> {
  const found = findRepository(hub, spec.owner, spec.repository);
  if (found) return found;
  const now = timestamp();
  const made: Repository = {
    id: hub.db.nextId(),
    owner: spec.owner,
    name: spec.repository,
    private: spec.private ?? true,
    description: null,
    default_branch: 'main',
    created_at: now,
    pushed_at: now,
    last_number: 0,
    last_milestone: 0,
    collaborators: {},
    labels: LABELS.map(
      ([name, color, description]): Label => ({ id: hub.db.nextId(), name, color, description }),
    ),
    milestones: [],
    rulesets: [],
    vars: {},
    secrets: {},
    default_permissions: 'read',
    actions_may_open_pulls: false,
  };
  await initRepository(repositoryPath(hub.dir, made), made.default_branch);
  return hub.db.put('repositories', made.id, made);
}

function install(hub: Hub, repo: Repository, wanted: { slug: string; webhookUrl: string }): void {
  const { id, private_key, webhook_secret } = hub.secrets.app;
  account(hub, `${wanted.slug}[bot]`, 'Bot');
  const before = hub.db.get('apps', id);
  hub.db.put('apps', id, {
    id,
    slug: wanted.slug,
    name: before?.name ?? wanted.slug,
    owner: repo.owner,
    client_id: before?.client_id ?? `Iv23li${String(id).padStart(14, '0')}`,
    public_key: createPublicKey(private_key).export({ type: 'spki', format: 'pem' }).toString(),
    webhook_url: wanted.webhookUrl,
    webhook_secret,
    permissions: before?.permissions ?? PERMISSIONS,
    events: before?.events ?? [...APP_EVENTS],
    created_at: before?.created_at ?? timestamp(),
  });
  const known = hub.db.find('installations', (one) => one.app_id === id && one.account === repo.owner);
  if (known?.repository_ids.includes(repo.id)) return;
  const installation = known ?? {
    ...{ id: hub.db.nextId(), app_id: id, account: repo.owner, repository_ids: [], created_at: timestamp() },
  };
  const repository_ids = [...installation.repository_ids, repo.id];
  const installed = hub.db.put('installations', installation.id, { ...installation, repository_ids });
  if (!known) announceInstallation(hub, { installation: installed, action: 'created' });
}
