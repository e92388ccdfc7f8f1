import { rm } from 'node:fs/promises';
import { z } from 'zod';
import { type Actor, actorLogin } from '../auth.ts';
import { type Answer, type Endpoint, list, noContent, parseBody, type RepoCall, repo } from '../endpoint.ts';
import { initRepository } from '../git.ts';
import { listRefs } from '../git-refs.ts';
import { findAccount, findRepository, repositoryPath, timestamp } from '../hub.ts';
import { Refusal, unprocessable } from '../refusal.ts';
import type { Repository } from '../rows/repository.ts';
import { repositoryShape } from '../shapes/account.ts';
import { emit } from '../webhooks.ts';

/** GitHub docs, rest/repos/forks. */
export const forks: Endpoint[] = [
  repo('GET /forks', 'metadata=read', (call) =>
    list(call, forksOf(call), (one) => repositoryShape(call.hub, one)),
  ),
  repo('POST /forks', 'administration=write,contents=read', createFork),
  repo('DELETE /', 'administration=write | admin', deleteRepository),
];

function forksOf({ hub, repo: row }: RepoCall): Repository[] {
  return hub.db.filter('repositories', (one) => one.fork_of === row.id);
}

const FORK = z.object({
  organization: z.string().optional(),
  name: z.string().min(1).optional(),
  default_branch_only: z.boolean().default(false),
});

async function createFork(call: RepoCall): Promise<Answer> {
  const { hub, repo: parent, actor } = call;
  const input = parseBody(call, FORK);
  if (parent.private && !parent.allow_forking)
    throw new Refusal(403, 'The repository exists, but forking is disabled.');
  const owner = forkOwner(call, input.organization);
  const source = parent.fork_of ?? parent.id;
  return hub.exclusive(`forks/${owner}`, async () => {
    // A second fork by one owner is the first.
    const known = hub.db.find('repositories', (one) => one.owner === owner && one.fork_of === source);
    if (known || owner === parent.owner) return { status: 202, body: withParent(call, known ?? parent) };
    const name = freeName(call, owner, input.name ?? parent.name);
    const fork = await copyRepository(call, { owner, name, mainOnly: input.default_branch_only });
    const forkee = { ...repositoryShape(hub, fork), public: !fork.private };
    emit(hub, { repo: parent, event: 'fork', sender: actorLogin(actor), payload: { forkee } });
    return { status: 202, body: withParent(call, fork) };
  });
}

function forkOwner({ hub, actor }: RepoCall, organization: string | undefined): string {
  if (organization === undefined) return personOnly(actor);
  const found = findAccount(hub, organization);
  if (found?.type !== 'Organization')
    throw unprocessable(`Could not resolve to an Organization: ${organization}`);
  // Nobody here may create repositories in an organization.
  throw new Refusal(403, `You do not have permission to create repositories in ${found.login}.`);
}

function personOnly(actor: Actor): string {
  if (actor.kind === 'user') return actor.login;
  throw new Refusal(403, 'Resource not accessible by integration');
}

function freeName({ hub }: RepoCall, owner: string, wanted: string): string {
  for (let at = 0; ; at++) {
    const name = at === 0 ? wanted : `${wanted}-${at}`;
    if (!findRepository(hub, owner, name)) return name;
  }
}

async function copyRepository(
  { hub, repo: parent }: RepoCall,
  wanted: { owner: string; name: string; mainOnly: boolean },
): Promise<Repository> {
  const now = timestamp();
  const { owner, name, mainOnly } = wanted;
  const fork: Repository = {
    ...{ id: hub.db.nextId(), owner, name, private: parent.private, description: parent.description },
    ...{ default_branch: parent.default_branch, fork_of: parent.fork_of ?? parent.id },
    ...{ created_at: now, pushed_at: parent.pushed_at, last_number: 0, last_milestone: 0 },
    ...{ collaborators: {}, labels: [], milestones: [], rulesets: [], vars: {}, secrets: {} },
    ...{ default_permissions: 'read', actions_may_open_pulls: false },
  };
  const path = repositoryPath(hub.dir, fork);
  await rm(path, { recursive: true, force: true });
  await initRepository(path, fork.default_branch);
  const branches = mainOnly ? `refs/heads/${fork.default_branch}` : 'refs/heads/*';
  const git = hub.git(fork);
  const specs = [`+${branches}:${branches}`, ...(mainOnly ? [] : ['+refs/tags/*:refs/tags/*'])];
  await git.text(['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', hub.git(parent).path, ...specs]);
  for (const { ref, sha } of await listRefs(git, 'refs'))
    hub.db.put('refs', `${fork.id} ${ref}`, { repository_id: fork.id, ref, sha });
  return hub.db.put('repositories', fork.id, fork);
}

function withParent({ hub }: RepoCall, row: Repository) {
  const parent = row.fork_of === undefined ? undefined : hub.db.get('repositories', row.fork_of);
  const shape = parent && repositoryShape(hub, parent);
  return { ...repositoryShape(hub, row), ...(shape ? { parent: shape, source: shape } : {}) };
}

/** Forks alone: what the app is installed on stays. */
async function deleteRepository(call: RepoCall): Promise<Answer> {
  const { hub, repo: row } = call;
  if (row.fork_of === undefined)
    throw new Refusal(403, 'The local GitHub deletes forks only: delete its folder to start anew.');
  return hub.exclusive(`refs/${row.id}`, async () => {
    for (const { ref } of hub.db.filter('refs', (one) => one.repository_id === row.id))
      hub.db.remove('refs', `${row.id} ${ref}`);
    hub.db.remove('repositories', row.id);
    await hub.db.committed();
    await rm(repositoryPath(hub.dir, row), { recursive: true, force: true });
    return noContent();
  });
}
