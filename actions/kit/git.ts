import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Output of one git command in a checkout; null where git says no (no repository, unknown ref or path). */
export async function git(workspace: string, ...args: string[]): Promise<string | null> {
  try {
    const { stdout } = await run('git', ['-C', workspace, ...args], { maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  } catch {
    return null;
  }
}

/** Paths and git blob ids of the working tree: tracked files and new ones that git does not ignore. */
export async function treeFiles(workspace: string): Promise<{ path: string; blob: string }[]> {
  const listed = await git(
    workspace,
    'ls-files',
    '-z',
    '--cached',
    '--others',
    '--exclude-standard',
    '--deduplicate',
  );
  if (listed === null) return [];
  const deleted = new Set(((await git(workspace, 'ls-files', '-z', '--deleted')) ?? '').split('\0'));
  const paths = listed.split('\0').filter((path) => path !== '' && !deleted.has(path));
  const blobs: { path: string; blob: string }[] = [];
  for (let at = 0; at < paths.length; at += 500) {
    const batch = paths.slice(at, at + 500);
    const { stdout } = await run('git', ['-C', workspace, 'hash-object', '--', ...batch], { cwd: workspace });
    const ids = stdout.trim().split('\n');
    blobs.push(...batch.map((path, index) => ({ path, blob: ids[index] ?? '' })));
  }
  return blobs;
}
