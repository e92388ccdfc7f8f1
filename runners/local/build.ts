import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../templates/load.ts';

/** Jobs run the actions' bundles: in a checkout they are built when they are older than the sources. */
export async function ensureBuilt(): Promise<void> {
  const scripts = join(packageRoot(), 'scripts');
  if (!existsSync(join(scripts, 'build.mjs'))) return;
  const { isFresh } = (await import(pathToFileURL(join(scripts, 'fresh.mjs')).href)) as {
    isFresh(): boolean;
  };
  if (isFresh()) return;
  const built = spawnSync(process.execPath, [join(scripts, 'build.mjs')], { encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`the actions could not be built:\n${built.stderr}`);
}
