import type { Masks } from './masks.ts';

/** The log of one job: stamped, masked, sent in order and in batches. */
export type JobLog = { line(text: string): void; flush(): Promise<void> };

const batchMs = 200;
/** What a job may print, characters; the rest is dropped and said so. */
const maxLog = 64 * 1024 * 1024;

export function createJobLog(input: {
  masks: Masks;
  send: (text: string) => Promise<void>;
  now: () => Date;
}): JobLog {
  let waiting = '';
  let room = maxLog;
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
      if (room <= 0) return;
      const stamp = input.now().toISOString();
      const lines = text
        .split(/\r?\n/)
        .map((line) => `${stamp} ${input.masks.apply(line)}\n`)
        .join('');
      room -= lines.length;
      waiting +=
        room > 0
          ? lines
          : `${stamp} ##[warning]The log is longer than ${maxLog} characters; the rest is dropped.\n`;
      timer ??= setTimeout(ship, batchMs);
    },
    flush: ship,
  };
}
