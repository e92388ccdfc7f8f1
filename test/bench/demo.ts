import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { entryArguments } from '../../runners/entry.ts';
import type { Bench } from './row.ts';

/** The whole demo as a user runs it, in a folder of its own: wall-clock seconds until its summary. */
export const bench: Bench = async (note) => {
  const dir = mkdtempSync(join(tmpdir(), 'roundhouse-bench-demo-'));
  note('the whole loop, some minutes');
  try {
    const seconds = await runDemo(dir);
    return [{ name: 'demo', row: 'whole loop', ours: seconds, peer: null, ratio: null, unit: 's', runs: 1 }];
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
};

async function runDemo(dir: string): Promise<number> {
  const args = [...entryArguments('demo'), '--ci', '--json', '--dir', dir];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const code = await new Promise<number | null>((ended) => child.on('exit', ended));
  if (code !== 0) throw new Error(`the demo ended with ${code}`);
  return (JSON.parse(text) as { seconds: number }).seconds;
}
