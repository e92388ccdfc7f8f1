// Whether dist/ is at least as new as the sources: what the bin asks at every start, so it loads nothing else.
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const dist = join(root, 'dist');
export const stamp = join(dist, '.stamp');

/** Newest change of any source, or 0. */
function newest(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs|json)$/.test(entry.name))
    .reduce(
      (latest, entry) => Math.max(latest, statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs),
      0,
    );
}

/** True where dist/ was built after the last change of a source. */
export function isFresh() {
  try {
    const built = statSync(stamp).mtimeMs;
    const sources = ['app', 'actions', 'lib', 'runners', 'templates'].map((folder) =>
      newest(join(root, folder)),
    );
    return Math.max(...sources, statSync(join(root, 'package.json')).mtimeMs) <= built;
  } catch {
    return false;
  }
}
