import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { startGroup } from '#lib/process/group.ts';

/** `code` is 128 + n after signal n, as shells say. */
export type ChildResult = { code: number; stopped: boolean };

/**
 * Runs a command in a process group of its own. When `signal` fires the group gets SIGINT, after three quarters
 * of `graceMs` SIGTERM, and at its end SIGKILL: GitHub's runner waits 7.5 and 2.5 s (GitHub docs,
 * actions/reference/workflows-and-actions/workflow-cancellation). Resolves when the command itself has ended: what it left in the background may keep the
 * pipes open, and its lines still reach `onLine`.
 */
export async function runChild(input: {
  command: string;
  args: string[];
  cwd: string;
  env: Record<string, string>;
  signal: AbortSignal;
  graceMs: number;
  onLine: (line: string) => void;
  onStart?: (pid: number) => void;
}): Promise<ChildResult> {
  if (input.signal.aborted) return { code: 128 + constants.signals.SIGTERM, stopped: true };
  const { child, pipesEnded, signal } = startGroup(input);
  if (child.pid !== undefined) input.onStart?.(child.pid);

  const timers: NodeJS.Timeout[] = [];
  const stop = () => {
    signal('SIGINT');
    timers.push(setTimeout(() => signal('SIGTERM'), input.graceMs * 0.75));
    timers.push(setTimeout(() => signal('SIGKILL'), input.graceMs));
  };
  input.signal.addEventListener('abort', stop, { once: true });
  try {
    const code = await exitOf(child);
    await Promise.race([pipesEnded, lastWords()]);
    return { code, stopped: input.signal.aborted };
  } finally {
    input.signal.removeEventListener('abort', stop);
    for (const timer of timers) clearTimeout(timer);
  }
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']));
  });
}

/** How long output that is already in the pipe may take once the command has ended. */
function lastWords(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 250).unref());
}
