import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { packageRoot } from '../../templates/load.ts';
import { followTrace, type Target, type Trace } from './points.ts';

const HOOK = fileURLToPath(new URL('hook.mjs', import.meta.url));

export type ProcessUnderTest = {
  /** What it did, and the targets that it was killed at. */
  trace(): Trace;
  /** How it ended by itself, which it never should. */
  fault(): string | null;
  start(): void;
  stop(): Promise<void>;
  pid(): number | undefined;
};

/**
 * A process of ours with the hook in it. It dies at each of the targets once, in the order in which it comes to
 * them, and is started again each time as `roundhouse local` would; everything it does is in the log.
 */
export function processUnderTest({
  name,
  dir,
  cwd,
  program,
  args,
  env,
  targets,
  output,
}: {
  /** Of its files in `dir`: what it did, and where it is to die. */
  name: string;
  dir: string;
  /** Where it works; where this process works when not given. */
  cwd?: string;
  program: () => string;
  args: readonly string[];
  env: Record<string, string>;
  targets: Target[];
  /** What it says on stderr. */
  output: string[];
}): ProcessUnderTest {
  const log = join(dir, `points-${name}.jsonl`);
  const orders = join(dir, `orders-${name}.json`);
  rmSync(log, { force: true });
  const trace = followTrace(log);
  let child: ChildProcess | null = null;
  let fault: string | null = null;

  function start(): void {
    const armed = leftOf(targets, trace().died);
    writeFileSync(orders, JSON.stringify({ targets: armed, made: trace().made }));
    const started = spawn(process.execPath, ['--import', HOOK, program(), ...args], {
      env: {
        PATH: process.env.PATH ?? '',
        ...env,
        CRASH_PARENT: String(process.pid),
        CRASH_LOG: log,
        CRASH_AT: orders,
      },
      ...(cwd !== undefined && { cwd }),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child = started;
    started.stderr.on('data', (text: Buffer) => output.push(text.toString()));
    started.once('exit', (code, signal) => {
      if (child !== started) return;
      child = null;
      if (signal === 'SIGKILL' && leftOf(targets, trace().died).length < armed.length) start();
      else fault = `the ${name} ended by itself: ${signal ?? code}\n${output.slice(-5).join('')}`;
    });
  }

  return {
    start,
    trace,
    fault: () => fault,
    pid: () => child?.pid,
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

/** Gives the file of one of our processes, built with its packages into one: it starts in a third of the time. */
export function wholeProgram(name: string, source: string): () => string {
  let built: string | null = null;
  return () => {
    if (built !== null) return built;
    const file = join(packageRoot(), 'dist', `crash-${name}-${process.pid}.js`);
    process.once('exit', () => rmSync(file, { force: true }));
    built = file;
    buildSync({
      entryPoints: [join(packageRoot(), source)],
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
    return file;
  };
}

export function leftOf(targets: Target[], died: Target[]): Target[] {
  const names = new Set(died.map((target) => JSON.stringify(target)));
  return targets.filter((target) => !names.has(JSON.stringify(target)));
}

/** Hundreds of starts on a machine that does other work too may need this long; nothing is judged by it. */
export const LIMIT_MS = 3_600_000;

export async function until(
  what: string,
  look: () => boolean | Promise<boolean>,
  {
    limitMs = LIMIT_MS,
    pauseMs = 200,
    app,
  }: { limitMs?: number; pauseMs?: number; app: Pick<ProcessUnderTest, 'fault'> },
): Promise<void> {
  for (const end = Date.now() + limitMs; Date.now() < end; ) {
    const fault = app.fault();
    if (fault !== null) throw new Error(fault);
    if (await look()) return;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  throw new Error(`waited ${limitMs / 1000} s in vain: ${what}`);
}
