import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

/** Characters of one line of output that are kept. */
const LONGEST_LINE = 1024 * 1024;

export type ProcessGroup = {
  child: ChildProcess;
  /** Both streams are at their end. What the command left in the background may keep them open for ever. */
  pipesEnded: Promise<unknown>;
  signal(signal: NodeJS.Signals): void;
};

/** Starts a command as the leader of a process group, without input; no shell reads its arguments. */
export function startGroup({
  command,
  args,
  cwd,
  env,
  onLine,
}: {
  command: string;
  args: readonly string[];
  cwd: string;
  env: Record<string, string>;
  /** Of both streams, without its line end. */
  onLine: (line: string) => void;
}): ProcessGroup {
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const pipesEnded = Promise.all([readLines(child.stdout, onLine), readLines(child.stderr, onLine)]);
  return { child, pipesEnded, signal: (signal) => signalGroup(child, signal) };
}

/** Longer lines are cut: output is not trusted to have line ends at all. */
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
      if (line.length <= LONGEST_LINE) continue;
      line = `${line.slice(0, LONGEST_LINE)} (line cut)`;
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

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone.
  }
}
