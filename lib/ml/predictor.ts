import { type ChildProcess, type ForkOptions, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { UserError } from '../lifecycle/user-error.ts';
import type { Predictor, PredictorOptions } from './predictor-types.ts';
import type { Reply, Request } from './predictor-wire.ts';

const DEADLINE_MS = 30_000;
/** Loading may take longer than a call: a process starts and a graph is optimised. */
const LOAD_DEADLINE_MS = 60_000;
const MEMORY_MIB = 4096;
const STDERR_KEPT = 2000;
const PRLIMIT = '/usr/bin/prlimit';

type Call = { resolve: (reply: Reply) => void; reject: (error: Error) => void; timer: NodeJS.Timeout };
/** A request without the id that it gets on its way. */
type Question =
  | Omit<Extract<Request, { kind: 'load' }>, 'id'>
  | Omit<Extract<Request, { kind: 'predict' }>, 'id'>;

/**
 * Loads the model in a child process and resolves when it can answer. Rejects with a UserError where the
 * model itself is at fault. A call past its deadline, a crash or a call of `close` ends the child for good:
 * every call in flight and every later one rejects with the reason.
 */
export async function startPredictor(options: PredictorOptions): Promise<Predictor> {
  const { model, signature, deadlineMs = DEADLINE_MS, memoryMiB = MEMORY_MIB, threads = 1 } = options;
  const { ask, close } = converse(forkChild(memoryMiB));
  try {
    await ask({ kind: 'load', model, signature, threads }, Math.max(deadlineMs, LOAD_DEADLINE_MS));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    async predict(feed, rows) {
      const reply = await ask({ kind: 'predict', feed, rows }, deadlineMs);
      if (reply.kind !== 'predicted') throw new Error(`the process of the model answered "${reply.kind}"`);
      return reply.prediction;
    },
    close,
  };
}

type Conversation = {
  ask(question: Question, deadlineMs: number): Promise<Reply>;
  close(): Promise<void>;
};

function converse(child: ChildProcess): Conversation {
  const calls = new Map<number, Call>();
  let lastId = 0;
  let ended: Error | null = null;
  let stderr = '';

  function end(reason: Error): void {
    ended ??= reason;
    for (const { reject, timer } of calls.values()) {
      clearTimeout(timer);
      reject(ended);
    }
    calls.clear();
    child.kill('SIGKILL');
  }

  const exited = new Promise<void>((resolve) => {
    child.once('close', (code, signal) => {
      const last = stderr.trim() === '' ? '' : `: ${stderr.trim()}`;
      end(new Error(`the process of the model ended by itself (${signal ?? `exit code ${code}`})${last}`));
      resolve();
    });
    child.once('error', (cause) => {
      end(new Error(`the process of the model failed: ${cause.message}`, { cause }));
      if (child.pid === undefined) resolve();
    });
  });
  child.stderr?.on('data', (text) => {
    stderr = (stderr + text).slice(-STDERR_KEPT);
  });
  child.on('message', (reply: Reply) => {
    const call = calls.get(reply.id);
    if (call === undefined) return;
    clearTimeout(call.timer);
    calls.delete(reply.id);
    if (reply.kind === 'failed') call.reject(errorOf(reply));
    else call.resolve(reply);
  });

  return {
    ask(question, deadlineMs) {
      if (ended !== null) return Promise.reject(ended);
      const id = lastId++;
      return new Promise((resolve, reject) => {
        const late = new Error(`the model did not ${question.kind} within ${deadlineMs} ms and was stopped`);
        const timer = setTimeout(() => end(late), deadlineMs);
        calls.set(id, { resolve, reject, timer });
        // A failed send is followed by the exit, which names the reason.
        child.send({ ...question, id }, () => {});
      });
    },
    close() {
      end(new Error('the predictor was closed'));
      return exited;
    },
  };
}

function errorOf({ message, fix }: Extract<Reply, { kind: 'failed' }>): Error {
  return fix === null ? new Error(message) : new UserError(message, { fix });
}

/**
 * The child has no environment: a hostile model finds no secret there. Its memory is bounded by its data
 * segment, because a bound on address space breaks WebAssembly and V8's own reservations.
 */
function forkChild(memoryMiB: number): ChildProcess {
  const source = import.meta.url.endsWith('.ts');
  const file = fileURLToPath(new URL(`./inference-child.${source ? 'ts' : 'js'}`, import.meta.url));
  const nodeArguments = source ? ['--import', tsxLoader()] : [];
  const options: ForkOptions = {
    serialization: 'advanced',
    env: {},
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: nodeArguments,
  };
  if (!existsSync(PRLIMIT)) return fork(file, options);
  const limits = [`--data=${memoryMiB * 2 ** 20}`, '--core=0', '--', process.execPath];
  return fork(file, { ...options, execPath: PRLIMIT, execArgv: [...limits, ...nodeArguments] });
}

/** By its address, so that it is found from any working directory. */
function tsxLoader(): string {
  return pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
}
