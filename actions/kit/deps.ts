import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { RunIdentity } from '#lib/lifecycle/evidence.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { logRoot } from '#lib/store/log-root.ts';
import { openStore } from '#lib/store/open.ts';
import type { ArtifactStore } from '#lib/store/store.ts';
import { quarantineExchange, storeExchange } from './exchange.ts';
import type { Progress, StageDeps } from './stage.ts';

export type Environment = Record<string, string | undefined>;

export type DepsOptions = {
  workspace: string;
  env: Environment;
  progress: Progress;
  /** Name of the store in the policy; its address is ROUNDHOUSE_STORE_<NAME>. */
  store?: string;
  logs?: string;
  /** The untrusted run whose quarantine is written to and read from: `<run>-<attempt>`. */
  quarantine?: string | null;
};

export type OpenDeps = StageDeps & { store: ArtifactStore; env: Environment; dispose(): void };

/** The one place where a stage's surroundings are read: variables, clock, temporary folder. */
export function openDeps({
  workspace,
  env,
  progress,
  store = 'main',
  logs = 'main',
  quarantine = null,
}: DepsOptions): OpenDeps {
  const opened = openStore(storeUrl({ workspace, env, name: store }));
  const scratch = mkdtempSync(join(env.RUNNER_TEMP ?? tmpdir(), 'roundhouse-'));
  return {
    workspace,
    env,
    store: opened,
    exchange: quarantine === null ? storeExchange(opened) : quarantineExchange(opened, quarantine),
    logs: logRoot(env, logs),
    now: clockOf(env),
    run: runIdentity(env),
    scratch,
    progress,
    dispose: () => rmSync(scratch, { recursive: true, force: true }),
  };
}

function storeUrl({ workspace, env, name }: { workspace: string; env: Environment; name: string }): string {
  const variable = `ROUNDHOUSE_STORE_${name.toUpperCase()}`;
  const url = env[variable];
  if (url) return url;
  if (env.GITHUB_ACTIONS === 'true') {
    throw new UserError(`the variable ${variable} is empty, so the store "${name}" has no address`, {
      fix: `set the repository variable ${variable}, for example file:///srv/roundhouse/store, and hand it to the job in env:`,
    });
  }
  return pathToFileURL(join(workspace, '.roundhouse', 'store')).href;
}

/** ROUNDHOUSE_NOW is data time: the local GitHub's clock, or what a person asked for. */
export function clockOf(env: Environment): () => Date {
  const fixed = env.ROUNDHOUSE_NOW;
  if (!fixed) return () => new Date();
  const at = new Date(fixed);
  if (Number.isNaN(at.getTime())) {
    throw new UserError(`ROUNDHOUSE_NOW is "${fixed}", which is no ISO 8601 instant`, {
      fix: 'set it to something like 2012-04-01T00:00:00Z, or unset it',
    });
  }
  return () => at;
}

export function runIdentity(env: Environment): RunIdentity {
  if (env.GITHUB_ACTIONS !== 'true') return { kind: 'local', id: randomUUID() };
  return {
    kind: 'actions',
    repository: env.GITHUB_REPOSITORY ?? '',
    id: Number(env.GITHUB_RUN_ID),
    attempt: Number(env.GITHUB_RUN_ATTEMPT ?? '1'),
  };
}
