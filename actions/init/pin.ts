import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { packageRoot } from '../../templates/load.ts';

const run = promisify(execFile);

/**
 * The commit of roundhouse/roundhouse that workflows pin: the one that this package was released from. A
 * checkout that was never released has a commit that github.com may not know, so it serves loopback only: the
 * local job runner runs the package itself, whatever the pin.
 */
export async function commitToPin(root: string): Promise<{ sha: string; note: string | null }> {
  const { gitHead } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as {
    gitHead?: string;
  };
  if (gitHead) return { sha: gitHead, note: null };
  const sha = await git(packageRoot(), 'rev-parse', 'HEAD');
  const origin = await git(root, 'remote', 'get-url', 'origin');
  if (sha === null || (origin !== null && !isLoopback(origin))) {
    throw new UserError(
      'this checkout of Roundhouse is not a release, so there is no commit to pin on GitHub',
      {
        fix: 'install a released version, or give --sha with a commit of roundhouse/roundhouse that is on GitHub',
      },
    );
  }
  return { sha, note: 'this checkout is not a release: the workflows run in the local GitHub only' };
}

function isLoopback(origin: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, hostname } = new URL(origin);
  return protocol === 'file:' || ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
}

async function git(folder: string, ...args: string[]): Promise<string | null> {
  try {
    return (await run('git', ['-C', folder, ...args])).stdout.trim();
  } catch {
    return null;
  }
}
