// Bundles every entry point into the flat folder dist/: one process per entry, shared code in chunks. Native
// packages and those that find files beside themselves stay external and are resolved from node_modules.
import { readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
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

/** Chunks of earlier builds go after an hour: a process that runs from them may still load one. */
function removeStale(written) {
  const kept = new Set([...written, basename(stamp)]);
  const old = Date.now() - 3_600_000;
  for (const name of readdirSync(dist)) {
    const path = join(dist, name);
    if (!kept.has(name) && statSync(path).mtimeMs < old) rmSync(path);
  }
}

export async function buildAll() {
  const startedAt = new Date();
  const { metafile } = await build({
    entryPoints: entryPoints(),
    outdir: dist,
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    sourcemap: true,
    metafile: true,
    packages: 'external',
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  removeStale(Object.keys(metafile.outputs).map((path) => basename(path)));
  writeFileSync(stamp, '');
  utimesSync(stamp, startedAt, startedAt);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildAll();
