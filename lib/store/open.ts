import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../lifecycle/user-error.ts';
import { openFileStore } from './file.ts';
import type { ArtifactStore } from './store.ts';

const FIX = 'set it to file:///absolute/path of a folder that all jobs see';

/** Opens the store that a variable such as ROUNDHOUSE_STORE_MAIN names. */
export function openStore(url: string): ArtifactStore {
  if (url.startsWith('s3:')) throw new UserError(`the store ${url}: "s3" is not built yet`, { fix: FIX });
  if (!url.startsWith('file:///'))
    throw new UserError(`${JSON.stringify(url)} is not the URL of a store`, { fix: FIX });
  const root = parsePath(url);
  if (root === '/' || !isAbsolute(root))
    throw new UserError(`the store ${url} is not a folder of its own`, { fix: FIX });
  return openFileStore(root.replace(/\/+$/, ''));
}

function parsePath(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw new UserError(`${JSON.stringify(url)} is not the URL of a store`, { fix: FIX, cause });
  }
}
