import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';

/** Characters of one line of output that are kept. */
const longestLine = 1024 * 1024;

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
  const { command, args, cwd, env } = input;
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const pipes = [readLines(child.stdout, input.onLine), readLines(child.stderr, input.onLine)];
  if (child.pid !== undefined) input.onStart?.(child.pid);

  const timers: NodeJS.Timeout[] = [];
  const stop = () => {
    signalGroup(child, 'SIGINT');
    timers.push(setTimeout(() => signalGroup(child, 'SIGTERM'), input.graceMs * 0.75));
    timers.push(setTimeout(() => signalGroup(child, 'SIGKILL'), input.graceMs));
  };
  input.signal.addEventListener('abort', stop, { once: true });
  try {
    const code = await exitOf(child);
    await Promise.race([Promise.all(pipes), lastWords()]);
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

/** Lines longer than `longestLine` are cut: output is not trusted to have line ends at all. */
function readLines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  stream.setEncoding('utf8');
  let line = '';
  let cut = false;
  const end = () => {
    onLine(line.endsWith('\r') ? line.slice(0, -1) : line);
    line = '';
    cut = false;
  };
  stream.on('data', (text: string) => {
    for (const [index, part] of text.split('\n').entries()) {
      if (index > 0) end();
      if (cut) continue;
      line += part;
      if (line.length <= longestLine) continue;
      line = `${line.slice(0, longestLine)} (line cut)`;
      cut = true;
    }
  });
  return new Promise((resolve) => {
    stream.once('close', () => {
      if (line !== '') end();
      resolve();
    });
  });
}

/** How long output that is already in the pipe may take once the command has ended. */
function lastWords(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 250).unref());
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone.
  }
}
