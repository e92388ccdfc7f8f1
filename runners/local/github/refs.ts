import { ACTIONS_BOT, type Actor, actorLogin, allows } from './auth.ts';
import { changesWorkflows, listRefs, type RefUpdate, refSha, swapRef, ZERO } from './git-refs.ts';
import { type Hub, timestamp } from './hub.ts';
import { isAncestor } from './merge.ts';
import { syncPulls } from './pull-sync.ts';
import { Refusal, unprocessable } from './refusal.ts';
import type { Repository } from './rows/repository.ts';
import { FORCED, refRefusal, refusesForce } from './rulesets.ts';
import { htmlUrl, repositoryShape, userShape } from './shapes/account.ts';
import { emailOf, eventCommit, listCommits, readCommit } from './shapes/commit.ts';
import { emit } from './webhooks.ts';
import { onPush, registerWorkflows } from './workflow-events.ts';

export type RefChange = { hub: Hub; repo: Repository; actor: Actor };

/** The one way a ref changes through the API: permission, rules, compare-and-swap, then what follows from it. */
export async function changeRef(change: RefChange & { update: RefUpdate }): Promise<void> {
  const { hub, repo, update } = change;
  await hub.exclusive(`refs/${repo.id}`, async () => {
    await swapOrRefuse(change);
    await announce({ ...change, updates: [update] });
  });
}

/** To be called inside `exclusive('refs/<repository>')`. */
export async function swapOrRefuse(
  change: RefChange & { update: RefUpdate; merging?: boolean },
): Promise<void> {
  const { hub, repo, actor, update, merging = false } = change;
  const git = hub.git(repo);
  const refused = refRefusal({ hub, repo, update, actor, merging });
  if (refused) throw unprocessable(refused);
  const moves = update.before !== ZERO && update.after !== ZERO;
  if (moves && !merging && refusesForce({ hub, repo, actor, ref: update.ref })) {
    if (!(await isAncestor(git, update.before, update.after)))
      throw unprocessable(`Repository rule violations found\n\n${FORCED}\n`);
  }
  await checkWorkflowsPermission(change);
  if (await swapRef(git, update)) return;
  if (update.before === ZERO && (await refSha(git, update.ref)))
    throw unprocessable('Reference already exists');
  throw unprocessable(
    update.before === ZERO ? 'Reference could not be created' : 'Update is not a fast forward',
  );
}

async function checkWorkflowsPermission({ hub, repo, actor, update }: RefChange & { update: RefUpdate }) {
  if (!needsWorkflowsPermission(actor) || update.after === ZERO) return;
  if (!(await changesWorkflows(hub.git(repo), update.after))) return;
  throw new Refusal(403, 'Resource not accessible by integration', {
    headers: { 'x-accepted-github-permissions': 'contents=write; contents=write,workflows=write' },
  });
}

export function needsWorkflowsPermission(actor: Actor): boolean {
  if (actor.kind !== 'installation' && actor.kind !== 'job') return false;
  return !allows(actor.permissions, 'workflows=write');
}

const MAX_TAGS_WITH_EVENTS = 3;

/** Everything that follows from moved refs: events, pull requests, workflow runs. Inside the same lock. */
export async function announce(change: RefChange & { updates: RefUpdate[] }): Promise<void> {
  const { hub, repo, updates } = change;
  const visible = updates.filter(
    ({ ref, before, after }) => /^refs\/(heads|tags)\//.test(ref) && before !== after,
  );
  if (visible.length === 0) return;
  repo.pushed_at = timestamp();
  hub.db.put('repositories', repo.id, repo);
  for (const { ref, after } of visible) remember({ hub, repo, ref, sha: after, by: senderOf(change.actor) });
  if (visible.some(({ ref }) => ref === `refs/heads/${repo.default_branch}`))
    await registerWorkflows(hub, repo);
  const tags = visible.filter(({ ref }) => ref.startsWith('refs/tags/'));
  const silent = tags.length > MAX_TAGS_WITH_EVENTS ? tags : [];
  for (const update of visible) {
    if (silent.includes(update)) continue;
    emitCreateDelete({ ...change, update });
    const payload = await pushPayload({ ...change, update });
    const sender = senderOf(change.actor);
    emit(hub, { repo, event: 'push', sender, payload });
    await onPush({ ...change, sender, update, payload });
  }
  await syncPulls({ ...change, sender: senderOf(change.actor), updates: visible });
}

/** On a restart the actor of a ref found moved is no longer known. */
function senderOf(actor: Actor): string {
  return actor.kind === 'anonymous' ? ACTIONS_BOT : actorLogin(actor);
}

function remember(seen: { hub: Hub; repo: Repository; ref: string; sha: string; by: string }): void {
  const { hub, repo, ref, sha, by } = seen;
  const key = `${repo.id} ${ref}`;
  if (sha === ZERO) hub.db.remove('refs', key);
  else hub.db.put('refs', key, { repository_id: repo.id, ref, sha, by });
}

function emitCreateDelete(change: RefChange & { update: RefUpdate }): void {
  const { hub, repo, actor, update } = change;
  const created = update.before === ZERO;
  if (!created && update.after !== ZERO) return;
  const branch = update.ref.startsWith('refs/heads/');
  const name = update.ref.replace(/^refs\/(heads|tags)\//, '');
  emit(hub, {
    repo,
    event: created ? 'create' : 'delete',
    sender: senderOf(actor),
    payload: {
      ref: name,
      ref_type: branch ? 'branch' : 'tag',
      ...(created ? { master_branch: repo.default_branch, description: repo.description } : {}),
      pusher_type: 'user',
    },
  });
}

async function pushPayload(change: RefChange & { update: RefUpdate }): Promise<Record<string, unknown>> {
  const { hub, repo, actor, update } = change;
  const git = hub.git(repo);
  const { ref, before, after } = update;
  const [created, deleted] = [before === ZERO, after === ZERO];
  const target = deleted ? undefined : await readCommit(git, after);
  const forced = !created && !deleted && !(await isAncestor(git, before, after));
  const pushed = target && ref.startsWith('refs/heads/') ? await newCommits(change, forced) : [];
  const shape = repositoryShape(hub, repo);
  const seconds = (text: string) => Math.floor(Date.parse(text) / 1000);
  const sender = senderOf(actor);
  return {
    ref,
    before,
    after,
    created,
    deleted,
    forced,
    base_ref: null,
    compare: htmlUrl(hub, repo, `/compare/${before.slice(0, 12)}...${after.slice(0, 12)}`),
    commits: pushed,
    head_commit: target
      ? { ...eventCommit(hub, repo, target), ...(await touched(change, target.sha)) }
      : null,
    pusher: { name: sender, email: emailOf(hub, sender) },
    repository: {
      ...shape,
      created_at: seconds(repo.created_at),
      pushed_at: seconds(repo.pushed_at),
      stargazers: 0,
      master_branch: repo.default_branch,
      organization: repo.owner,
      owner: { ...userShape(hub, repo.owner), name: repo.owner, email: null },
    },
  };
}

const MAX_PUSH_COMMITS = 100;

async function newCommits({ hub, repo, update, actor }: RefChange & { update: RefUpdate }, forced: boolean) {
  const git = hub.git(repo);
  const others = (await listRefs(git, 'refs/heads'))
    .filter(({ ref }) => ref !== update.ref)
    .map(({ sha }) => sha);
  const known = update.before === ZERO || forced ? others : [update.before];
  const commits = await listCommits(git, [update.after, '--not', ...known], MAX_PUSH_COMMITS);
  return Promise.all(
    commits.map(async (commit) => ({
      ...eventCommit(hub, repo, commit),
      ...(await touched({ hub, repo, actor }, commit.sha)),
    })),
  );
}

/** Files that a commit added, removed and modified, against its first parent. */
async function touched({ hub, repo }: RefChange, sha: string) {
  const out = await hub
    .git(repo)
    .run([
      'diff-tree',
      '-r',
      '--root',
      '-m',
      '--first-parent',
      '--no-commit-id',
      '--no-renames',
      '--name-status',
      '-z',
      sha,
    ]);
  const fields = out.stdout.toString().split('\0');
  const files: Record<'added' | 'removed' | 'modified', string[]> = { added: [], removed: [], modified: [] };
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const kind = fields[at] === 'A' ? 'added' : fields[at] === 'D' ? 'removed' : 'modified';
    files[kind].push(fields[at + 1] ?? '');
  }
  return files;
}

/** After a crash between a ref's move and its events: what moved unseen is announced now. */
export async function announceUnseen(hub: Hub): Promise<void> {
  for (const repo of hub.db.all('repositories')) {
    await hub.exclusive(`refs/${repo.id}`, async () => {
      const now = new Map<string, string>();
      for (const prefix of ['refs/heads', 'refs/tags']) {
        for (const { ref, sha } of await listRefs(hub.git(repo), prefix)) now.set(ref, sha);
      }
      const seen = hub.db.filter('refs', (one) => one.repository_id === repo.id);
      const before = new Map(seen.map(({ ref, sha }) => [ref, sha]));
      const updates = [...new Set([...now.keys(), ...before.keys()])].map((ref) => ({
        ref,
        before: before.get(ref) ?? ZERO,
        after: now.get(ref) ?? ZERO,
      }));
      await announce({ hub, repo, actor: { kind: 'anonymous' }, updates });
    });
  }
}
