/** At most `count` jobs at once; those that wait are served in order. */
export type Slots = { take(signal: AbortSignal): Promise<boolean>; give(): void };

export function createSlots(count: number): Slots {
  let free = count;
  const waiting: (() => void)[] = [];

  function take(signal: AbortSignal): Promise<boolean> {
    if (free > 0) {
      free -= 1;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const proceed = () => {
        signal.removeEventListener('abort', stop);
        resolve(true);
      };
      const stop = () => {
        waiting.splice(waiting.indexOf(proceed), 1);
        resolve(false);
      };
      waiting.push(proceed);
      signal.addEventListener('abort', stop, { once: true });
    });
  }

  return {
    take,
    give() {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    },
  };
}
