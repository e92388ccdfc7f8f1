import type { Masks } from './masks.ts';

/** The log of one job: stamped, masked, sent in order and in batches. */
export type JobLog = { line(text: string): void; flush(): Promise<void> };

const batchMs = 200;

export function createJobLog(input: {
  masks: Masks;
  send: (text: string) => Promise<void>;
  now: () => Date;
}): JobLog {
  let waiting = '';
  let timer: NodeJS.Timeout | null = null;
  let sending = Promise.resolve();

  function ship(): Promise<void> {
    if (timer) clearTimeout(timer);
    timer = null;
    const text = waiting;
    waiting = '';
    // A log that cannot be delivered must not fail the job that wrote it.
    if (text !== '') sending = sending.then(() => input.send(text)).catch(() => undefined);
    return sending;
  }

  return {
    line(text) {
      const stamp = input.now().toISOString();
      for (const line of text.split(/\r?\n/)) waiting += `${stamp} ${input.masks.apply(line)}\n`;
      timer ??= setTimeout(ship, batchMs);
    },
    flush: ship,
  };
}
