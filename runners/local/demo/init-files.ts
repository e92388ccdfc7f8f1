import { spawn } from 'node:child_process';
import process from 'node:process';
import { entryArguments } from '../../entry.ts';

/** What a user gives `init`, and the demo hands on. */
export type InitRequest = {
  /** Absolute. */
  data: string;
  target: string;
  time?: string | undefined;
  task?: string | undefined;
  positive?: string | undefined;
  delimiter?: string | undefined;
  name?: string | undefined;
};

/** What `roundhouse init --json` says, as far as the demo reads it. */
export type InitReport = {
  task: 'regression' | 'binary' | 'multiclass';
  target: string;
  positive: string | number | boolean | null;
  rows: number;
  columns: { name: string; role: string }[];
  leaks: { columns: string[]; reason: string; score: number }[];
  left_out: { column: string; reason: string }[];
  problem: { metric: string; direction: string; trivial: number; threshold: number };
  write: { path: string; text: string }[];
  notes: string[];
};

/** `init` refused the file: its message is the demo's. */
export class InitRefused extends Error {
  readonly code: number;
  constructor(message: string, code: number) {
    super(message);
    this.code = code;
  }
}

/** Runs the command as a user would, in a folder. */
export async function runInit(
  request: InitRequest,
  { folder, dryRun, env = {} }: { folder: string; dryRun: boolean; env?: NodeJS.ProcessEnv },
): Promise<InitReport> {
  const options = Object.entries(request).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}=${value}`],
  );
  const args = [...entryArguments('cli'), 'init', ...options, '--json', ...(dryRun ? ['--dry-run'] : [])];
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { out: '', error: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.error += text;
  });
  const code = await new Promise<number>((ended, failed) => {
    child.on('error', failed);
    child.on('close', (status) => ended(status ?? 3));
  });
  if (code !== 0) throw new InitRefused(said.error.trim() || `init ended with ${code}`, code);
  return JSON.parse(said.out) as InitReport;
}
