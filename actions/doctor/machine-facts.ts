import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ConfigFact, FolderFact, MachineFacts, PackageFact } from '#lib/lifecycle/doctor-machine.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { logRoot } from '#lib/store/log-root.ts';
import { openStore } from '#lib/store/open.ts';
import { packageRoot } from '../../templates/load.ts';
import { workflowFacts } from '../../templates/workflow-drift.ts';
import type { Environment } from '../kit/deps.ts';
import { listModels, loadModelFiles, loadPolicy, POLICY_FILE } from '../kit/model-folder.ts';
import { clockAgainst } from './clock.ts';

type Surroundings = { workspace: string; env: Environment };

/** Reads this machine. Nothing that it writes stays. */
export async function readMachine({ workspace, env }: Surroundings): Promise<MachineFacts> {
  return {
    node: process.versions.node,
    git: gitVersion(),
    packages: await readPackages(),
    folders: readFolders({ workspace, env }),
    unreadVariables: Object.keys(env).filter(
      (name) => /^ROUNDHOUSE_(STORE|LOGS)_/.test(name) && !name.endsWith('_MAIN'),
    ),
    ports: await Promise.all(
      [
        { port: 4440, serves: 'the local GitHub' },
        { port: 4450, serves: 'the supervisor' },
      ].map(async (one) => ({ ...one, free: await isFree(one.port) })),
    ),
    clock: await clockAgainst(env.GITHUB_API_URL ?? 'https://api.github.com'),
    config: readConfigs(workspace),
    workflows: workflowFacts((path) => textOf(join(workspace, path))),
  };
}

function gitVersion(): string | null {
  try {
    return /\d+\.\d+[.\d]*/.exec(execFileSync('git', ['--version'], { encoding: 'utf8' }))?.[0] ?? null;
  } catch {
    return null;
  }
}

const PACKAGES: Omit<PackageFact, 'state'>[] = [
  { name: '@duckdb/node-api', serves: 'reads and transforms data', optional: false },
  { name: 'onnxruntime-node', serves: 'runs models', optional: false },
  { name: '@tensorflow/tfjs-backend-wasm', serves: 'trains networks on every machine', optional: false },
  { name: '@tensorflow/tfjs-node', serves: 'trains networks faster', optional: true },
  { name: '@tensorflow/tfjs-node-gpu', serves: 'trains networks on a GPU', optional: true },
];

async function readPackages(): Promise<PackageFact[]> {
  const found: PackageFact[] = [];
  for (const one of PACKAGES) found.push({ ...one, state: await packageState(one.name) });
  return found;
}

const LOAD_LIMIT_MS = 60_000;

/** Loaded in a child: a native library that does not fit the machine may end the process that loads it. */
async function packageState(name: string): Promise<PackageFact['state']> {
  const version = installedVersion(name);
  if (version === null) return { kind: 'absent' };
  // tfjs-node 4.22 calls a function that Node 23 removed.
  const script = `import util from 'node:util'; util.isNullOrUndefined ??= (value) => value == null; await import(${JSON.stringify(name)}); process.exit(0);`;
  try {
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      cwd: packageRoot(),
      timeout: LOAD_LIMIT_MS,
    });
    return { kind: 'loads', version };
  } catch (error) {
    return { kind: 'broken', why: whyOf(error) };
  }
}

function installedVersion(name: string): string | null {
  const require = createRequire(join(packageRoot(), 'package.json'));
  for (const folder of require.resolve.paths(name) ?? []) {
    const manifest = textOf(join(folder, name, 'package.json'));
    if (manifest !== null) return (JSON.parse(manifest) as { version: string }).version;
  }
  return null;
}

/** The line of what a failed child wrote that says what failed. */
function whyOf(error: unknown): string {
  const { stderr = '', signal, message } = error as { stderr?: string; signal?: string; message: string };
  const line = stderr.split('\n').find((one) => /^\w*Error\b.*:/.test(one));
  return line ?? (signal ? `it was ended by ${signal}` : message.split('\n')[0]) ?? 'no reason given';
}

function readFolders({ workspace, env }: Surroundings): FolderFact[] {
  const own = join(workspace, '.roundhouse');
  const logs = folder('prediction log', 'ROUNDHOUSE_LOGS_MAIN', () => logRoot(env) ?? '');
  return [
    env.ROUNDHOUSE_STORE_MAIN
      ? folder('store', 'ROUNDHOUSE_STORE_MAIN', () => storePath(env.ROUNDHOUSE_STORE_MAIN ?? ''))
      : folder('store', 'no ROUNDHOUSE_STORE_MAIN, so the default', () => join(own, 'store')),
    folder(
      'journal of the app',
      env.ROUNDHOUSE_DIR ? 'ROUNDHOUSE_DIR' : 'no ROUNDHOUSE_DIR, so the default',
      () => env.ROUNDHOUSE_DIR ?? join(own, 'app'),
    ),
    ...(env.ROUNDHOUSE_LOGS_MAIN ? [logs] : []),
  ];
}

function storePath(url: string): string {
  openStore(url);
  return fileURLToPath(url);
}

function folder(name: string, source: string, locate: () => string): FolderFact {
  try {
    const path = locate();
    const there = nearest(path);
    const draft = mkdtempSync(join(there, '.roundhouse-doctor-'));
    try {
      writeFileSync(join(draft, 'written'), 'read back');
      readFileSync(join(draft, 'written'));
    } finally {
      rmSync(draft, { recursive: true, force: true });
    }
    const { bavail, bsize } = statfsSync(there);
    return { name, source, state: { kind: 'writable', path, freeBytes: bavail * bsize } };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { name, source, state: { kind: 'refused', why } };
  }
}

/** The folder itself, or the one above it that it would be made in. */
function nearest(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearest(dirname(path));
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function readConfigs(workspace: string): ConfigFact | null {
  if (!existsSync(join(workspace, POLICY_FILE))) return null;
  const models = listModels(workspace);
  const read = [
    () => loadPolicy(workspace),
    ...models.map((model) => () => loadModelFiles(workspace, model)),
  ];
  // A fault of the policy is told by every model that is read with it: once is enough.
  return { models, faults: [...new Set(read.flatMap(faultsOf))] };
}

function faultsOf(read: () => unknown): string[] {
  try {
    read();
    return [];
  } catch (error) {
    if (error instanceof UserError) return error.message.split('\n');
    throw error;
  }
}

function textOf(path: string): string | null {
  return existsSync(path) ? readFileSync(path, 'utf8') : null;
}
