import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's root: found upwards, since the bundle and the sources lie at different depths. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'templates', 'starter'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('the folder templates/ is missing from this installation');
    folder = parent;
  }
  return folder;
}

/** Text of a template, by its path under `templates/`, for example `comments/plan.hbs`. */
export function loadTemplate(name: string): string {
  return readFileSync(join(packageRoot(), 'templates', name), 'utf8');
}
