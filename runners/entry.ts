import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../templates/load.ts';

/** Our processes: the source of each, and the name of its bundle in dist/. */
const SOURCES = {
  app: 'app/process.ts',
  github: 'runners/local/github/server.ts',
  'job-runner': 'runners/local/jobs/process.ts',
  supervisor: 'runners/model-server/supervisor-process.ts',
  server: 'runners/model-server/server-process.ts',
  local: 'runners/local/process.ts',
  demo: 'runners/local/demo/process.ts',
  cli: 'actions/cli.ts',
} as const;
export type Entry = keyof typeof SOURCES;

/** Arguments for this node that start one of our processes: its bundle where there is one, else its source. */
export function entryArguments(entry: Entry): string[] {
  const root = packageRoot();
  const bundle = join(root, 'dist', `${entry}.js`);
  const fromSource = import.meta.url.endsWith('.ts');
  if (!fromSource && existsSync(bundle)) return [bundle];
  return ['--import', import.meta.resolve('tsx'), join(root, SOURCES[entry])];
}
