import { mkdir, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { actorLogin } from '../auth.ts';
import { type Answer, created, type Endpoint, ok, parseBody, type RepoCall, repo } from '../endpoint.ts';
import { refSha, swapRef, ZERO } from '../git-refs.ts';
import { findAccount, findRepository, issueKey, openPulls, repositoryPath } from '../hub.ts';
import { formerName } from '../moved.ts';
import { announce } from '../refs.ts';
import { invalid, Refusal, unprocessable } from '../refusal.ts';
import type { Repository } from '../rows/repository.ts';
import { repositoryShape, userShape } from '../shapes/account.ts';
import { emit } from '../webhooks.ts';
import { announceRepositories } from './installation-life.ts';

/** GitHub docs, rest/repos/repos and webhooks, `repository`: what becomes of a repository. */
export const repositoryLife: Endpoint[] = [
  repo('PATCH /', 'administration=write | admin', update),
  repo('POST /transfer', 'administration=write | admin', transfer),
  repo('POST /branches/:branch/rename', 'contents=write,administration=write | write', renameBranch),
];

/** The one write that an archived repository takes. */
export const UNARCHIVE = 'PATCH /repos/:owner/:repo';

const SETTINGS = z.object({
  name: z
    .string()
    .regex(/^[\w.-]+$/)
    .optional(),
  description: z.string().nullable().optional(),
  private: z.boolean().optional(),
  visibility: z.enum(['public', 'private']).optional(),
  archived: z.boolean().optional(),
  default_branch: z.string().optional(),
  delete_branch_on_merge: z.boolean().optional(),
  allow_forking: z.boolean().optional(),
});

function shown({ hub, repo: row }: RepoCall) {
  return { ...repositoryShape(hub, row), network_count: 0, subscribers_count: 0 };
}

async function update(call: RepoCall): Promise<Answer> {
  const { hub, repo: row } = call;
  const { name, archived, default_branch, visibility, ...input } = parseBody(call, SETTINGS);
  if (row.archived && archived !== false) throw new Refusal(403, 'Repository was archived so is read-only.');
  return hub.exclusive(`refs/${row.id}`, async () => {
    if (default_branch && default_branch !== row.default_branch) await setDefault(call, default_branch);
    if (name && name !== row.name) await rename_(call, name);
    const wanted = input.private ?? (visibility ? visibility === 'private' : row.private);
    const { private: before, archived: shut = false } = row;
    const given = Object.entries(input).filter(([key, value]) => key !== 'private' && value !== undefined);
    Object.assign(row, Object.fromEntries(given), { private: wanted, archived: archived ?? shut });
    hub.db.put('repositories', row.id, row);
    if (wanted !== before) tell(call, wanted ? 'privatized' : 'publicized');
    if (row.archived !== shut) tell(call, row.archived ? 'archived' : 'unarchived');
    return ok(shown(call));
  });
}

function tell(
  { hub, repo: row, actor }: RepoCall,
  action: string,
  payload: Record<string, unknown> = {},
): void {
  emit(hub, { repo: row, event: 'repository', action, sender: actorLogin(actor), payload });
}

async function setDefault(call: RepoCall, branch: string): Promise<void> {
  const { hub, repo: row } = call;
  const from = row.default_branch;
  if (!(await refSha(hub.git(row), `refs/heads/${branch}`)))
    throw invalid({ resource: 'Repository', field: 'default_branch', code: 'invalid' });
  await pointHead(call, branch);
  tell(call, 'edited', { changes: { default_branch: { from } } });
}

async function pointHead({ hub, repo: row }: RepoCall, branch: string): Promise<void> {
  await hub.git(row).text(['symbolic-ref', 'HEAD', `refs/heads/${branch}`]);
  row.default_branch = branch;
  hub.db.put('repositories', row.id, row);
}

/** The folder moves too: what is made under the old name must not find it. */
async function move(call: RepoCall, to: { owner: string; name: string }): Promise<void> {
  const { hub, repo: row } = call;
  if (findRepository(hub, to.owner, to.name)) {
    throw invalid({
      resource: 'Repository',
      field: 'name',
      code: 'custom',
      message: 'name already exists on this account',
    });
  }
  const before = repositoryPath(hub.dir, row);
  hub.closeGit(row);
  await mkdir(dirname(repositoryPath(hub.dir, to)), { recursive: true });
  await rename(before, repositoryPath(hub.dir, to));
  hub.db.put('former_names', formerName(row.owner, row.name), { repository_id: row.id });
  hub.db.remove('former_names', formerName(to.owner, to.name));
  hub.db.put('repositories', row.id, Object.assign(row, to));
}

async function rename_(call: RepoCall, name: string): Promise<void> {
  const from = call.repo.name;
  await move(call, { owner: call.repo.owner, name });
  tell(call, 'renamed', { changes: { repository: { name: { from } } } });
}

const TRANSFER = z.object({ new_owner: z.string(), new_name: z.string().optional() });

/** At once, where GitHub asks a person as new owner first. Installations of the former owner lose it. */
async function transfer(call: RepoCall): Promise<Answer> {
  const { hub, repo: row } = call;
  const input = parseBody(call, TRANSFER);
  const owner = findAccount(hub, input.new_owner);
  if (!owner) throw unprocessable(`New owner ${input.new_owner} could not be found`);
  const before = findAccount(hub, row.owner);
  return hub.exclusive(`refs/${row.id}`, async () => {
    const kind = before?.type === 'Organization' ? 'organization' : 'user';
    const from = { [kind]: userShape(hub, row.owner) };
    await move(call, { owner: owner.login, name: input.new_name ?? row.name });
    tell(call, 'transferred', { changes: { owner: { from } } });
    leaveInstallations(call, row);
    return { status: 202, body: repositoryShape(hub, row) };
  });
}

function leaveInstallations({ hub, actor }: RepoCall, row: Repository): void {
  for (const one of hub.db.filter('installations', ({ repository_ids }) => repository_ids.includes(row.id))) {
    const repository_ids = one.repository_ids.filter((id) => id !== row.id);
    const installation = hub.db.put('installations', one.id, { ...one, repository_ids });
    announceRepositories(hub, { installation, repo: row, action: 'removed', sender: actorLogin(actor) });
  }
}

/** GitHub docs, rest/branches/branches ("Rename a branch"): its pull requests follow. */
async function renameBranch(call: RepoCall): Promise<Answer> {
  const { hub, repo: row, actor } = call;
  const from = call.params.branch ?? '';
  const { new_name: to } = parseBody(call, z.object({ new_name: z.string().min(1) }));
  if (row.default_branch === from) mustBeAdmin(call);
  return hub.exclusive(`refs/${row.id}`, async () => {
    const sha = await refSha(hub.git(row), `refs/heads/${from}`);
    if (!sha) throw new Refusal(404, 'Branch not found');
    const made = { ref: `refs/heads/${to}`, before: ZERO, after: sha };
    if (!(await swapRef(hub.git(row), made))) throw unprocessable('Branch already exists');
    for (const issue of openPulls(hub, row)) {
      const { pull } = issue;
      if (pull.base_ref === from) pull.base_ref = to;
      if (pull.head_ref === from && !pull.fork) pull.head_ref = to;
      hub.db.put('issues', issueKey(row, issue.number), issue);
    }
    if (row.default_branch === from) await setDefault(call, to);
    const gone = { ref: `refs/heads/${from}`, before: sha, after: ZERO };
    await swapRef(hub.git(row), gone);
    await announce({ hub, repo: row, actor, updates: [made, gone] });
    return created({ name: to, commit: { sha, url: '' }, protected: false });
  });
}

function mustBeAdmin({ actor, repo: row }: RepoCall): void {
  if (actor.kind === 'user' && row.collaborators[actor.login] !== 'admin' && row.owner !== actor.login)
    throw new Refusal(403, 'Must have admin rights to Repository.');
}
