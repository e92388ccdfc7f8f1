import { UserError } from '../lifecycle/user-error.ts';
import { type ProcessGroup, startGroup } from '../process/group.ts';

const GRACE_MS = 10_000;
const LAST_LINES = 15;
const LINE_LENGTH = 500;

export type CommandRun = {
  /** Program and arguments; no shell reads them. */
  command: readonly string[];
  cwd: string;
  env: Record<string, string>;
  timeoutMs: number;
  /** Of both streams, cut at 500 characters and without control characters. */
  onLine(line: string): void;
  signal?: AbortSignal;
};

/**
 * Runs a program to its end. At the deadline, or when the signal fires, its whole process group gets SIGTERM
 * and ten seconds later SIGKILL; what it left in the background is killed at its end too. Rejects with a
 * UserError that holds its last lines where it can't be started, fails or is stopped.
 */
export async function runCommand(run: CommandRun): Promise<void> {
  const [program = '', ...args] = run.command;
  const last: string[] = [];
  const group = startGroup({
    command: program,
    args,
    cwd: run.cwd,
    env: run.env,
    onLine(text) {
      const line = shown(text);
      last.push(line);
      if (last.length > LAST_LINES) last.shift();
      run.onLine(line);
    },
  });
  const stop = stopper(group);
  const timer = setTimeout(() => stop('deadline'), run.timeoutMs);
  const abort = () => stop('signal');
  run.signal?.addEventListener('abort', abort, { once: true });
  if (run.signal?.aborted) abort();
  try {
    const how = await endOf(group);
    if (how === 0) return;
    throw commandFault(run, { how, stopped: stop.reason(), last });
  } finally {
    clearTimeout(timer);
    run.signal?.removeEventListener('abort', abort);
    stop.dispose();
    group.signal('SIGKILL');
  }
}

type Stop = ((why: 'deadline' | 'signal') => void) & {
  reason(): 'deadline' | 'signal' | null;
  dispose(): void;
};

function stopper(group: ProcessGroup): Stop {
  let reason: 'deadline' | 'signal' | null = null;
  let kill: NodeJS.Timeout | undefined;
  const stop = (why: 'deadline' | 'signal') => {
    reason ??= why;
    group.signal('SIGTERM');
    kill ??= setTimeout(() => group.signal('SIGKILL'), GRACE_MS);
  };
  return Object.assign(stop, { reason: () => reason, dispose: () => clearTimeout(kill) });
}

/** 0, another exit code, the name of a signal, or why it never started. */
function endOf({ child, signal: kill }: ProcessGroup): Promise<number | string> {
  return new Promise((resolve) => {
    child.once('error', ({ message }) => resolve(message));
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'it ended without a code'));
    // A grandchild may keep the pipes open for ever: the group ends with its leader.
    child.once('exit', () => kill('SIGKILL'));
  });
}

type Ending = { how: number | string; stopped: 'deadline' | 'signal' | null; last: string[] };

function commandFault({ command, timeoutMs }: CommandRun, { how, stopped, last }: Ending): UserError {
  const said = last.length > 0 ? `; its last lines:\n${last.map((line) => `  | ${line}`).join('\n')}` : '';
  const name = `\`${command.join(' ').slice(0, 200)}\``;
  if (stopped === 'deadline') {
    return new UserError(`${name} ran longer than ${timeoutMs / 1000} s and was stopped${said}`, {
      fix: 'raise `timeout` of the candidate in model.yml, or train less',
    });
  }
  if (stopped === 'signal') return new UserError(`${name} was cancelled${said}`, { fix: 'run it again' });
  if (typeof how === 'string' && /ENOENT|EACCES/.test(how)) {
    return new UserError(`${name} can't be started: ${how}`, {
      fix: 'install the program on the runner, or correct `command` of the candidate in model.yml',
    });
  }
  const ended = typeof how === 'number' ? `with exit code ${how}` : `by ${how}`;
  return new UserError(`${name} ended ${ended}${said}`, {
    fix: 'run it by hand at the root of the checkout: docs/command-trainer.md says what it is given',
  });
}

function shown(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return line.replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '').slice(0, LINE_LENGTH);
}
