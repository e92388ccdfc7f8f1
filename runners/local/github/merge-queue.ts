import type { Actor } from './auth.ts';
import { type RefUpdate, refSha, swapRef, ZERO } from './git-refs.ts';
import { getPull, type Hub, headOwner, issueKey, type PullIssue, timestamp } from './hub.ts';
import { mergeTree, webFlow, writeCommit } from './merge.ts';
import { closeMerged, emitPull } from './pull-sync.ts';
import { announce } from './refs.ts';
import type { QueueEntry } from './rows/issue.ts';
import type { QueueSettings, Repository } from './rows/repository.ts';
import { branchChecks, rulesFor } from './rulesets.ts';
import { eventCommit, readCommit } from './shapes/commit.ts';
import { emit } from './webhooks.ts';
import { onMergeGroup } from './workflow-events.ts';

/**
 * GitHub's merge queue (GitHub docs, managing-a-merge-queue): each entry is merged onto the one before it, as
 * branch `gh-readonly-queue/<base>/pr-<number>-<sha of that base>`; `merge_group.checks_requested` asks for the
 * required checks on it; the first one whose checks have passed becomes the base branch. The form of the
 * branch's name is assumed (docs/real-github-check.md, A11).
 */
const QUEUE = 'github-merge-queue[bot]';
const ACTOR: Actor = { kind: 'user', login: QUEUE };
const MINUTE_MS = 60_000;

type Place = { hub: Hub; repo: Repository };
type Queued = Place & { entry: QueueEntry; issue: PullIssue };
type Reason = 'MERGE' | 'MANUAL' | 'CI_FAILURE' | 'CI_TIMEOUT' | 'MERGE_CONFLICT' | 'BRANCH_PROTECTIONS';

export function queueSettings({ hub, repo }: Place, branch: string): QueueSettings | undefined {
  const rules = rulesFor({ hub, repo, ref: `refs/heads/${branch}`, actor: { kind: 'anonymous' } });
  return rules.find((rule) => rule.type === 'merge_queue')?.parameters;
}

export function queueEntry({ hub, repo }: Place, number: number): QueueEntry | undefined {
  return hub.db.find('queue', (one) => one.repository_id === repo.id && one.pull_number === number);
}

/** The caller has asked whether it may. Inside `exclusive('refs/<repository>')`. */
export async function enqueue({ hub, repo }: Place, issue: PullIssue, by: string): Promise<QueueEntry> {
  const id = hub.db.nextId();
  const entry = hub.db.put('queue', id, {
    ...{ id, repository_id: repo.id, pull_number: issue.number, head_sha: issue.pull.head_sha },
    ...{ by, created_at: timestamp(), group: null },
  });
  await emitPull({ hub, repo, actor: ACTOR, sender: by, issue, action: 'enqueued' });
  await advance({ hub, repo });
  return entry;
}

export async function dequeue(place: Place, issue: PullIssue, by: string): Promise<boolean> {
  const entry = queueEntry(place, issue.number);
  if (!entry) return false;
  await leave({ ...place, entry, issue }, 'MANUAL', by);
  await advance(place);
  return true;
}

/** Everything that can be done now. Inside `exclusive('refs/<repository>')`. */
export async function advance(place: Place): Promise<void> {
  const entries = () => place.hub.db.filter('queue', (one) => one.repository_id === place.repo.id);
  const bases = new Set(entries().map((entry) => pullOf(place, entry).pull.base_ref));
  for (const base of bases) {
    // Each step changes what the next one finds.
    while (
      await step(
        place,
        base,
        entries().filter((one) => pullOf(place, one).pull.base_ref === base),
      )
    );
  }
}

function pullOf({ hub, repo }: Place, entry: QueueEntry): PullIssue {
  return getPull(hub, repo, entry.pull_number);
}

/** One change to the queue of a branch, or false when it has to wait. */
async function step(place: Place, base: string, entries: QueueEntry[]): Promise<boolean> {
  const { hub, repo } = place;
  const settings = queueSettings(place, base);
  const tip = await refSha(hub.git(repo), `refs/heads/${base}`);
  let onto = tip;
  for (const [at, entry] of entries.entries()) {
    const queued = { ...place, entry, issue: pullOf(place, entry) };
    if (!settings || !onto || isGone(queued)) return leave(queued, 'BRANCH_PROTECTIONS');
    if (entry.group && entry.group.base_sha !== onto) return invalidate(queued);
    if (!entry.group) return at < settings.max_entries_to_build ? build(queued, onto, settings) : false;
    const verdict = verdictOf(queued, entry.group, settings);
    if (verdict === 'CI_FAILURE' || verdict === 'CI_TIMEOUT') return leave(queued, verdict);
    if (verdict === 'passed' && at === 0) return merge(queued, entry.group);
    onto = entry.group.head_sha;
  }
  return false;
}

/** A pull request that was closed, made a draft or pushed to leaves the queue. */
function isGone({ entry, issue }: Queued): boolean {
  return issue.state === 'closed' || issue.pull.draft || issue.pull.head_sha !== entry.head_sha;
}

type Group = NonNullable<QueueEntry['group']>;

function verdictOf({ hub, repo, issue }: Queued, group: Group, settings: QueueSettings) {
  const branch = issue.pull.base_ref;
  const checks = branchChecks({ hub, repo, branch, sha: group.head_sha, actor: { kind: 'anonymous' } });
  if (checks.some(({ state }) => state === 'failed')) return 'CI_FAILURE';
  if (checks.every(({ state }) => state === 'passed')) return 'passed';
  const until = Date.parse(group.since) + settings.check_response_timeout_minutes * MINUTE_MS;
  return Date.now() > until ? 'CI_TIMEOUT' : 'waiting';
}

async function build(queued: Queued, onto: string, settings: QueueSettings): Promise<boolean> {
  const { hub, repo, entry, issue } = queued;
  const git = hub.git(repo);
  const tree = await mergeTree(git, onto, entry.head_sha);
  if (!tree) return leave(queued, 'MERGE_CONFLICT');
  const { number, title } = issue;
  const squash = settings.merge_method === 'SQUASH';
  const from = `${headOwner(repo, issue)}/${issue.pull.head_ref}`;
  const head_sha = await writeCommit(git, {
    ...{ tree, parents: squash ? [onto] : [onto, entry.head_sha] },
    message: squash ? `${title} (#${number})` : `Merge pull request #${number} from ${from}\n\n${title}`,
    ...{ author: webFlow(), committer: webFlow() },
  });
  hub.db.put('verified', head_sha, { sha: head_sha });
  const ref = `refs/heads/gh-readonly-queue/${issue.pull.base_ref}/pr-${number}-${onto}`;
  const group = { base_sha: onto, head_sha, ref, since: timestamp() };
  hub.db.put('queue', entry.id, Object.assign(entry, { group }));
  await move(queued, { ref, before: (await refSha(git, ref)) ?? ZERO, after: head_sha });
  const payload = { merge_group: await groupShape(queued, group) };
  emit(hub, { repo, event: 'merge_group', action: 'checks_requested', sender: entry.by, payload });
  await onMergeGroup({
    hub,
    repo,
    actor: ACTOR,
    sender: entry.by,
    group,
    base: issue.pull.base_ref,
    payload,
  });
  return true;
}

async function groupShape({ hub, repo, issue }: Queued, group: Group) {
  const commit = await readCommit(hub.git(repo), group.head_sha);
  return {
    head_sha: group.head_sha,
    head_ref: group.ref,
    base_sha: group.base_sha,
    base_ref: `refs/heads/${issue.pull.base_ref}`,
    head_commit: commit ? eventCommit(hub, repo, commit) : null,
  };
}

/** What stood before it has changed: its group counts no more, and a new one is built. */
async function invalidate(queued: Queued): Promise<boolean> {
  await destroy(queued, 'invalidated');
  return true;
}

async function destroy(queued: Queued, reason: 'merged' | 'invalidated' | 'dequeued'): Promise<void> {
  const { hub, repo, entry } = queued;
  const { group } = entry;
  if (!group) return;
  hub.db.put('queue', entry.id, Object.assign(entry, { group: null }));
  const payload = { reason, merge_group: await groupShape(queued, group) };
  emit(hub, { repo, event: 'merge_group', action: 'destroyed', sender: QUEUE, payload });
  await move(queued, { ref: group.ref, before: group.head_sha, after: ZERO });
}

async function leave(queued: Queued, reason: Reason, sender = QUEUE): Promise<boolean> {
  const { hub, repo, entry, issue } = queued;
  await destroy(queued, 'dequeued');
  hub.db.remove('queue', entry.id);
  await emitPull({ hub, repo, actor: ACTOR, sender, issue, action: 'dequeued', more: { reason } });
  return true;
}

async function merge(queued: Queued, group: Group): Promise<boolean> {
  const { hub, repo, entry, issue } = queued;
  const update = { ref: `refs/heads/${issue.pull.base_ref}`, before: group.base_sha, after: group.head_sha };
  // As for a merge by hand: a crash after the swap still closes the pull request as merged.
  issue.pull.merging = { sha: group.head_sha, by: QUEUE };
  hub.db.put('issues', issueKey(repo, issue.number), issue);
  await hub.db.committed();
  if (!(await swapRef(hub.git(repo), update))) return true;
  const merged = { hub, repo, actor: ACTOR, sender: QUEUE };
  hub.db.remove('queue', entry.id);
  await emitPull({ ...merged, issue, action: 'dequeued', more: { reason: 'MERGE' satisfies Reason } });
  await closeMerged({ ...merged, issue, sha: group.head_sha, by: QUEUE });
  await announce({ ...merged, updates: [update] });
  await destroy(queued, 'merged');
  hub.db.remove('queue', entry.id);
  return true;
}

async function move({ hub, repo }: Place, update: RefUpdate): Promise<void> {
  if (update.before === update.after || !(await swapRef(hub.git(repo), update))) return;
  await announce({ hub, repo, actor: ACTOR, updates: [update] });
}

const TICK_MS = 15_000;

/** Queues move on when a check, a status or a branch does, and when time runs out. */
export function startMergeQueues(hub: Hub): { wake(repo: Repository): void; stop(): Promise<void> } {
  const woken = new Set<number>();
  let turn: Promise<void> = Promise.resolve();
  const wake = (repo: Repository) => {
    const waits = hub.db.find('queue', (one) => one.repository_id === repo.id);
    if (!waits || woken.has(repo.id)) return;
    woken.add(repo.id);
    turn = turn
      .then(() =>
        hub.exclusive(`refs/${repo.id}`, async () => {
          woken.delete(repo.id);
          await advance({ hub, repo });
        }),
      )
      .catch((error) => hub.log(`merge queue: ${String(error)}`));
  };
  const all = () => hub.db.all('repositories').forEach(wake);
  const timer = setInterval(all, TICK_MS);
  timer.unref();
  all();
  return {
    wake,
    async stop() {
      clearInterval(timer);
      await turn;
    },
  };
}
