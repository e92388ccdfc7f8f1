import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Entry, entryArguments } from '../entry.ts';

/** One child of `roundhouse local`: its own folder, its own log, restartable alone. */
export type Member = {
  name: string;
  /** Starts the child and resolves when it answers. */
  start(): Promise<void>;
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** True between a start that succeeded and the end of the process. */
  running(): boolean;
  pid(): number | undefined;
};

export type MemberOptions = {
  name: string;
  entry: Entry;
  args: string[];
  env: NodeJS.ProcessEnv;
  dir: string;
  /** Resolves true when the process is ready to work. */
  ready(): Promise<boolean>;
  /** Told when the process ends without having been asked to. */
  onExit?(name: string, how: string): void;
};

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;

export function member({ name, entry, args, env, dir, ready, onExit }: MemberOptions): Member {
  let child: ChildProcess | null = null;
  let stopping = false;

  async function start(): Promise<void> {
    if (child !== null) return;
    mkdirSync(join(dir, 'logs'), { recursive: true });
    stopping = false;
    const log = createWriteStream(join(dir, 'logs', `${name}.log`), { flags: 'a' });
    const started = spawn(process.execPath, [...entryArguments(entry), ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    started.stdout.pipe(log, { end: false });
    started.stderr.pipe(log, { end: false });
    started.on('exit', (code, signal) => {
      log.end();
      if (child === started) child = null;
      if (!stopping) onExit?.(name, signal ?? `exit ${code}`);
    });
    child = started;
    await waitUntilReady(started);
  }

  async function waitUntilReady(started: ChildProcess): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (Date.now() < deadline) {
      if (started.exitCode !== null || started.signalCode !== null) {
        throw new Error(
          `${name} ended while it started (exit ${started.exitCode ?? started.signalCode}): see ${join(dir, 'logs', `${name}.log`)}`,
        );
      }
      if (await ready().catch(() => false)) return;
      await pause(50);
    }
    started.kill('SIGKILL');
    throw new Error(
      `${name} was not ready after ${START_TIMEOUT_MS / 1000} s: see ${join(dir, 'logs', `${name}.log`)}`,
    );
  }

  async function stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const running = child;
    if (running === null) return;
    stopping = true;
    const ended = new Promise<void>((resolve) => running.once('exit', () => resolve()));
    running.kill(signal);
    const timer = setTimeout(() => running.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
  }

  return { name, start, stop, running: () => child !== null, pid: () => child?.pid };
}

/** True when a GET of the address is answered at all. */
export async function answers(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  await response.arrayBuffer();
  return response.status < 500;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
