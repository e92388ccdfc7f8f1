import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The variable that GitHub's runner marks its children with, too. */
export const trackingVariable = 'RUNNER_TRACKING_ID';

/**
 * A process belongs to a job by its mark, by the session of one of the job's steps, or as a
 * daemon by working in its folder (a person's shell there has a terminal and is left alone).
 */
export type Belongings = { tracking: string; sessions: ReadonlySet<number>; folder: string };
export type Orphan = { pid: number; name: string };

/**
 * Kills every process of a job that still lives, until none is found; each is named once. Where there is no
 * /proc only the process groups of the steps are killed.
 */
export async function killOrphans(belongings: Belongings): Promise<Orphan[]> {
  const killed = new Map<number, Orphan>();
  for (let round = 0; round < 50; round++) {
    const found = findProcesses(belongings);
    if (found.length === 0) break;
    for (const orphan of found) {
      killed.set(orphan.pid, orphan);
      kill(orphan.pid);
    }
    await sleep(10);
  }
  for (const session of belongings.sessions) kill(-session);
  return [...killed.values()];
}

/** Whether a step's session still has a process; once it has none, its number may become a stranger's. */
export function sessionLives(session: number): boolean {
  const pids = listPids();
  if (pids.length === 0) return attempt(() => process.kill(-session, 0)) === true;
  return pids.some((pid) => statOf(pid)?.session === session);
}

function findProcesses(belongings: Belongings): Orphan[] {
  return listPids().flatMap((pid) => {
    const stat = statOf(pid);
    if (!stat || stat.state === 'Z' || pid === process.pid) return [];
    const belongs =
      belongings.sessions.has(stat.session) ||
      isMarked(pid, belongings.tracking) ||
      (!stat.terminal && worksIn(pid, belongings.folder));
    return belongs ? [{ pid, name: stat.name }] : [];
  });
}

function listPids(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

function statOf(pid: number): { name: string; state: string; session: number; terminal: boolean } | null {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const match = stat === null ? null : /^\d+ \((.*)\) (\S) \d+ \d+ (\d+) (-?\d+)/s.exec(stat);
  return match
    ? { name: match[1] ?? '', state: match[2] ?? '', session: Number(match[3]), terminal: match[4] !== '0' }
    : null;
}

function isMarked(pid: number, tracking: string): boolean {
  const environment = attempt(() => readFileSync(`/proc/${pid}/environ`, 'latin1')) ?? '';
  return environment.split('\0').some((entry) => entry.startsWith(`${trackingVariable}=${tracking}`));
}

function worksIn(pid: number, folder: string): boolean {
  const cwd = attempt(() => readlinkSync(`/proc/${pid}/cwd`));
  return cwd !== null && (cwd === folder || cwd.startsWith(folder + sep));
}

function kill(pid: number): void {
  attempt(() => process.kill(pid, 'SIGKILL'));
}

/** A process may end, or be another user's, between any two looks at it. */
function attempt<T>(look: () => T): T | null {
  try {
    return look();
  } catch {
    return null;
  }
}
