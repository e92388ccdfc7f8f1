import { join } from 'node:path';
import type { LocalSecrets } from '../protocol.ts';
import type { Blobs } from './blobs.ts';
import { type Git, openGit } from './git.ts';
import { notFound } from './refusal.ts';
import type { Issue } from './rows/issue.ts';
import type { Account, Repository } from './rows/repository.ts';
import type { State } from './state.ts';

/** What every part of the local GitHub works with. */
export type Hub = {
  dir: string;
  /** `http://127.0.0.1:4440`, known once the port is open. */
  origin: string;
  log(line: string): void;
  db: State;
  secrets: LocalSecrets;
  blobs: Blobs;
  git(repo: Repository): Git;
  /** Lets go of a repository's folder, which is about to move. */
  closeGit(repo: Repository): void;
  /** Runs one at a time per key, in the order of the calls. */
  exclusive<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** Send a delivery once it is on the disk; returns at once. */
  deliver(id: number): void;
  /** Deliveries not yet answered. */
  undelivered(): number;
  /** Something that a merge queue of the repository may wait for has changed. */
  wakeQueue(repo: Repository): void;
  /** Tell waiting runners that a run was queued. */
  wakeRunners(): void;
  /** Runners waiting in a claim. */
  sleepers: Set<() => void>;
  /** When a runner last spoke of a run, by run id: in memory only. */
  lastSeen: Map<number, number>;
  /** Runners that asked for a run since the start, by name: in memory only. */
  runners: Map<string, SeenRunner>;
  rateLimit: number;
};

export type SeenRunner = { id: number; name: string; labels: string[]; seen: number };

export function repositoryPath(dir: string, repo: { owner: string; name: string }): string {
  return join(dir, 'github', 'repos', repo.owner, `${repo.name}.git`);
}

export function gitPool(dir: string): {
  git(repo: Repository): Git;
  closeGit(repo: Repository): void;
  close(): void;
} {
  const open = new Map<number, Git>();
  return {
    git(repo) {
      const found = open.get(repo.id);
      if (found) return found;
      const made = openGit(repositoryPath(dir, repo));
      open.set(repo.id, made);
      return made;
    },
    closeGit({ id }) {
      open.get(id)?.close();
      open.delete(id);
    },
    close() {
      for (const git of open.values()) git.close();
    },
  };
}

export function queues(): Hub['exclusive'] {
  const tails = new Map<string, Promise<unknown>>();
  return (key, work) => {
    const turn = (tails.get(key) ?? Promise.resolve()).then(work, work);
    tails.set(
      key,
      turn.catch(() => undefined),
    );
    return turn;
  };
}

/** GitHub's clock is the wall clock; the local clock (control.ts) is only for schedules and jobs. */
export function timestamp(at: Date = new Date()): string {
  return at.toISOString().replace(/\.\d{3}Z$/, 'Z');
}

export function localNow(hub: Hub): string {
  const set = hub.db.get('counters', 'clock')?.value;
  return typeof set === 'string' ? set : timestamp();
}

export function findRepository(hub: Hub, owner: string, name: string): Repository | undefined {
  const [o, n] = [owner.toLowerCase(), name.toLowerCase()];
  return hub.db.find('repositories', (r) => r.owner.toLowerCase() === o && r.name.toLowerCase() === n);
}

export function findAccount(hub: Hub, login: string): Account | undefined {
  const wanted = login.toLowerCase();
  return hub.db.find('accounts', (account) => account.login.toLowerCase() === wanted);
}

export function issueKey(repo: Repository, number: number | string): string {
  return `${repo.id}/${number}`;
}

export function getIssue(hub: Hub, repo: Repository, number: string | number | undefined): Issue {
  const found = hub.db.get('issues', issueKey(repo, number ?? ''));
  if (!found) throw notFound();
  return found;
}

export type PullIssue = Issue & { pull: NonNullable<Issue['pull']> };

export function isPull(issue: Issue): issue is PullIssue {
  return issue.pull !== null;
}

export function getPull(hub: Hub, repo: Repository, number: string | number | undefined): PullIssue {
  const found = getIssue(hub, repo, number);
  if (!isPull(found)) throw notFound();
  return found;
}

/** Where the head of a pull request lies: this repository or a fork; undefined once the fork is gone. */
export function headRepository(hub: Hub, repo: Repository, { pull }: PullIssue): Repository | undefined {
  return pull.fork ? hub.db.get('repositories', pull.fork.repository_id) : repo;
}

export function headOwner(repo: Repository, { pull }: PullIssue): string {
  return pull.fork?.owner ?? repo.owner;
}

export function openPulls(hub: Hub, repo: Repository): PullIssue[] {
  return hub.db
    .filter('issues', (issue) => issue.repository_id === repo.id && issue.state === 'open')
    .filter(isPull);
}
