export type Queue = ReturnType<typeof createQueue>;

/**
 * One task at a time: a repository's effects never overlap, so what a task read stays true while it acts.
 * A task that waits already under the same key stands for the newcomer too, since every task works on the
 * newest state.
 */
export function createQueue() {
  const waiting = new Map<string, Promise<void>>();
  let last: Promise<unknown> = Promise.resolve();
  let length = 0;

  return {
    length: () => length,
    /** Resolves or rejects with the task. */
    run(key: string, task: () => Promise<void>): Promise<void> {
      const queued = waiting.get(key);
      if (queued) return queued;
      length += 1;
      const done = last.then(async () => {
        waiting.delete(key);
        try {
          await task();
        } finally {
          length -= 1;
        }
      });
      waiting.set(key, done);
      last = done.catch(() => {});
      return done;
    },
    /** Resolves when everything that was queued so far has ended. */
    drained: (): Promise<unknown> => last,
  };
}
