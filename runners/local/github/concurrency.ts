import type { Hub } from './hub.ts';
import type { Group } from './rows/run.ts';

export type { Group };
export type Entry = { id: string; cancelInProgress: boolean; queue: 'single' | 'max' };

/** github.com keeps this many waiting with `queue: max`. */
const longestQueue = 100;

/** A member arrives. `cancel` names those that must make room: the displaced, or the newcomer when all is full. */
export function enter(group: Group, entry: Entry): { group: Group; cancel: string[] } {
  if (group.running === null) return { group: { ...group, running: entry.id }, cancel: [] };
  if (entry.queue === 'max' && !entry.cancelInProgress) {
    if (group.waiting.length >= longestQueue) return { group, cancel: [entry.id] };
    return { group: { ...group, waiting: [...group.waiting, entry.id] }, cancel: [] };
  }
  const displaced = [...group.waiting, ...(entry.cancelInProgress ? [group.running] : [])];
  return { group: { ...group, waiting: [entry.id] }, cancel: displaced };
}

/** A member has ended, or gave up waiting; the next in line runs. */
export function leave(group: Group, id: string): Group {
  if (group.running !== id) return { ...group, waiting: group.waiting.filter((other) => other !== id) };
  const [next = null, ...waiting] = group.waiting;
  return { running: next, waiting };
}

export type Place = 'running' | 'waiting' | 'full';

/** Takes a member into a group of its repository, once; names whom it displaces. */
export function enterGroup(
  hub: Hub,
  member: Entry & { repository_id: number; group: string },
): { place: Place; displaced: string[] } {
  const key = `${member.repository_id}:${member.group.toLowerCase()}`;
  const before: Group = hub.db.get('groups', key) ?? { running: null, waiting: [] };
  if (before.running === member.id) return { place: 'running', displaced: [] };
  if (before.waiting.includes(member.id)) return { place: 'waiting', displaced: [] };
  const { group, cancel } = enter({ running: before.running, waiting: before.waiting }, member);
  hub.db.put('groups', key, { ...group, key });
  if (cancel.includes(member.id)) return { place: 'full', displaced: [] };
  return { place: group.running === member.id ? 'running' : 'waiting', displaced: cancel };
}

/** Takes a member out of all its groups; answers those that may run now. */
export function leaveGroups(hub: Hub, id: string): string[] {
  const mine = hub.db.filter('groups', (one) => one.running === id || one.waiting.includes(id));
  return mine.flatMap((row) => {
    const group = leave(row, id);
    if (group.running === null) hub.db.remove('groups', row.key);
    else hub.db.put('groups', row.key, { ...group, key: row.key });
    return group.running !== null && group.running !== row.running ? [group.running] : [];
  });
}

/** The member that runs in a group, if any. */
export function runningIn(hub: Hub, repository_id: number, group: string): string | null {
  return hub.db.get('groups', `${repository_id}:${group.toLowerCase()}`)?.running ?? null;
}
