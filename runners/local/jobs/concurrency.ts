/** One concurrency group: at most one member runs, the others wait in order. */
export type Group = { running: string | null; waiting: string[] };
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

/** An id is the run's, for a job `<run>/<job>`. Waits for a turn; resolves true when the member may run, false when it was cancelled meanwhile. */
export type Concurrency = {
  join(name: string, entry: Entry, cancel: AbortController): Promise<boolean>;
  leave(name: string, id: string): void;
};

export function createConcurrency(): Concurrency {
  const groups = new Map<string, Group>();
  const members = new Map<string, { cancel: AbortController; proceed: () => void }>();

  function settle(name: string, group: Group): void {
    if (group.running === null && group.waiting.length === 0) groups.delete(name);
    else groups.set(name, group);
    if (group.running !== null) members.get(group.running)?.proceed();
  }

  return {
    async join(name, entry, cancel) {
      const group = groups.get(name) ?? { running: null, waiting: [] };
      if (group.running !== null && entry.id.startsWith(`${group.running}/`)) {
        throw new Error(`The job waits for its own workflow: both are in the concurrency group '${name}'.`);
      }
      const entered = enter(group, entry);
      const turn = new Promise<boolean>((resolve) => {
        members.set(entry.id, { cancel, proceed: () => resolve(true) });
        cancel.signal.addEventListener('abort', () => resolve(false), { once: true });
      });
      for (const id of entered.cancel) {
        members.get(id)?.cancel.abort(`Canceling since a higher priority waiting request for ${name} exists`);
      }
      settle(name, entered.group);
      return turn;
    },
    leave(name, id) {
      members.delete(id);
      const group = groups.get(name);
      if (group) settle(name, leave(group, id));
    },
  };
}
