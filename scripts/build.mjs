// Bundles every entry point into the flat folder dist/: one process per entry, shared code in chunks. Native
// packages and those that find files beside themselves stay external and are resolved from node_modules.
import { readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { dist, root, stamp } from './fresh.mjs';

/** Entry points by the name of their file in dist/. */
function entryPoints() {
  const actions = readdirSync(join(root, 'actions'), { withFileTypes: true })
    .filter(
      (entry) =>
        entry.isDirectory() &&
        entry.name !== 'kit' &&
        readdirSync(join(root, 'actions', entry.name)).includes('index.ts'),
    )
    .map(({ name }) => [`action-${name}`, `actions/${name}/index.ts`]);
  return Object.fromEntries(
    [
      ...actions,
      ['action', 'actions/index.ts'],
      ['cli', 'actions/cli.ts'],
      ['inference-child', 'lib/ml/inference-child.ts'],
      ['app', 'app/process.ts'],
      ['github', 'runners/local/github/server.ts'],
      ['job-runner', 'runners/local/jobs/process.ts'],
      ['supervisor', 'runners/model-server/supervisor-process.ts'],
      ['server', 'runners/model-server/server-process.ts'],
      ['demo', 'runners/local/demo/process.ts'],
      ['local', 'runners/local/process.ts'],
    ].map(([name, file]) => [name, join(root, file)]),
  );
}

export async function buildAll() {
  const startedAt = new Date();
  rmSync(dist, { recursive: true, force: true });
  await build({
    entryPoints: entryPoints(),
    outdir: dist,
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    sourcemap: true,
    packages: 'external',
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  writeFileSync(stamp, '');
  utimesSync(stamp, startedAt, startedAt);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildAll();
