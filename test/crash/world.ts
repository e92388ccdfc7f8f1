import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { packageRoot } from '../../templates/load.ts';
import { startWorld, type World } from '../loop/app-world.ts';
import { followTrace, type Target, type Trace } from './points.ts';

const HOOK = fileURLToPath(new URL('hook.mjs', import.meta.url));
/** Rounds of reconciling without an effect that make a world settled. */
const QUIET_ROUNDS = 3;
/** Reconciling every quarter of a second instead of every two. */
const HURRY = 8;
/** Hundreds of starts on a machine that does other work too may need this long; nothing is judged by it. */
const LIMIT_MS = 3_600_000;

export type AppUnderTest = {
  /** What it did, and the targets that it was killed at. */
  trace(): Trace;
  /** How it ended by itself, which it never should. */
  fault(): string | null;
  start(): void;
  stop(): Promise<void>;
};

/**
 * The app as a process with the hook in it. It dies at each of the targets once, in the order in which it comes
 * to them, and is started again each time as `roundhouse local` would; everything it does is in the log.
 */
export function appUnderTest(
  world: World,
  targets: Target[],
  { env = world.env as Record<string, string>, port = world.port, name = 'app' } = {},
): AppUnderTest {
  const log = join(world.dir, `points-${name}.jsonl`);
  const orders = join(world.dir, `orders-${name}.json`);
  rmSync(log, { force: true });
  const trace = followTrace(log);
  let child: ChildProcess | null = null;
  let fault: string | null = null;

  function start(): void {
    const armed = leftOf(targets, trace().died);
    writeFileSync(orders, JSON.stringify({ targets: armed, made: trace().made }));
    const started = spawn(process.execPath, ['--import', HOOK, wholeApp(), '--port', String(port)], {
      env: {
        PATH: process.env.PATH ?? '',
        CRASH_HURRY: String(HURRY),
        ...env,
        CRASH_PARENT: String(process.pid),
        CRASH_LOG: log,
        CRASH_AT: orders,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child = started;
    started.stderr.on('data', (text: Buffer) => world.log.push(text.toString()));
    started.once('exit', (code, signal) => {
      if (child !== started) return;
      child = null;
      if (signal === 'SIGKILL' && leftOf(targets, trace().died).length < armed.length) start();
      else fault = `the app ended by itself: ${signal ?? code}\n${world.log.slice(-5).join('')}`;
    });
  }

  return {
    start,
    trace,
    fault: () => fault,
    async stop() {
      const running = child;
      child = null;
      if (running === null || running.exitCode !== null || running.signalCode !== null) return;
      const ended = new Promise((resolve) => running.once('exit', resolve));
      running.kill('SIGKILL');
      await ended;
    },
  };
}

let built: string | null = null;
/** The app in one file with its packages: it starts in a third of the time, and is started hundreds of times. */
function wholeApp(): string {
  if (built !== null) return built;
  const file = join(packageRoot(), 'dist', `crash-app-${process.pid}.js`);
  process.once('exit', () => rmSync(file, { force: true }));
  built = file;
  buildSync({
    entryPoints: [join(packageRoot(), 'app', 'process.ts')],
    outfile: file,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    logLevel: 'error',
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  });
  return built;
}

export function leftOf(targets: Target[], died: Target[]): Target[] {
  const names = new Set(died.map((target) => JSON.stringify(target)));
  return targets.filter((target) => !names.has(JSON.stringify(target)));
}

/** A copy of the world that a story left in `from`; null = a repository with its first commit. */
export async function openCopy(from: string | null): Promise<World> {
  return Object.assign(await startWorld({ from }), { limitMs: LIMIT_MS });
}

/**
 * Nothing is under way: no run, no delivery, nothing in the journal, and rounds in which the app did nothing,
 * all of them after that many rounds had passed.
 */
export async function isSettled(
  world: World,
  app: Pick<AppUnderTest, 'trace'>,
  { port = world.port, after = 0 } = {},
): Promise<boolean> {
  const isQuiet = () => Math.min(app.trace().quiet, app.trace().rounds - after) > QUIET_ROUNDS;
  return isQuiet() && (await isIdle(world, port)) && isQuiet();
}

export async function isUp({ port }: Pick<World, 'port'>): Promise<boolean> {
  const health = await fetch(`http://127.0.0.1:${port}/health`).catch(() => null);
  return health !== null;
}

async function isIdle(world: World, port: number): Promise<boolean> {
  const answer = await fetch(`${world.github.url}/_local/idle`, {
    headers: { 'x-roundhouse-local': world.secrets.control },
  });
  const idle = (await answer.json()) as { runs_open: number; deliveries_pending: number };
  if (idle.runs_open > 0 || idle.deliveries_pending > 0) return false;
  const health = await fetch(`http://127.0.0.1:${port}/health`).catch(() => null);
  const told = (await health?.json().catch(() => null)) as { waiting?: number } | null;
  return told?.waiting === 0;
}

export async function until(
  what: string,
  look: () => boolean | Promise<boolean>,
  { limitMs = LIMIT_MS, app }: { limitMs?: number; app: AppUnderTest },
): Promise<void> {
  for (const end = Date.now() + limitMs; Date.now() < end; ) {
    const fault = app.fault();
    if (fault !== null) throw new Error(fault);
    if (await look()) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`waited ${limitMs / 1000} s in vain: ${what}`);
}
