import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Release } from '#lib/lifecycle/rollout.ts';
import { type ServedVersion, type ServingState, servingStateSchema } from '#lib/lifecycle/serving.ts';
import { openStore } from '#lib/store/open.ts';
import { entryArguments } from '../../../runners/entry.ts';

export const token = 'a-token-for-tests';

export function makePlace() {
  const root = mkdtempSync(join(tmpdir(), 'roundhouse-serving-'));
  const storeUrl = pathToFileURL(join(root, 'store')).href;
  return {
    root,
    dir: join(root, 'supervisor'),
    logs: join(root, 'logs'),
    storeUrl,
    store: openStore(storeUrl),
    objectPath: (digest: string) => join(root, 'store', 'sha256', digest.slice(7, 9), digest.slice(7)),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
export type Place = ReturnType<typeof makePlace>;

export function served(release: Release, weight: number): ServedVersion {
  const { version, candidate, bundle, model } = release;
  return { version, candidate, bundle, model, weight };
}

/** The control interface as a client sees it. */
export function controlOf(url: string, { model = 'bikes', environment = 'production' } = {}) {
  const address = `${url}/v1/environments/${environment}/models/${model}`;
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return {
    async put(versions: ServedVersion[]) {
      const body = JSON.stringify({ model, environment, versions });
      const response = await fetch(address, { method: 'PUT', headers, body });
      return {
        status: response.status,
        body: (await response.json()) as ServingState & { message?: string },
      };
    },
    async state(): Promise<ServingState> {
      return servingStateSchema.parse(await (await fetch(address, { headers })).json());
    },
  };
}

export async function infer(url: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}/v2/models/bikes/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: JSON.parse(text) };
}

/** The supervisor as the process that operators run. */
export async function spawnSupervisor(
  place: Place,
): Promise<{ child: ChildProcess; url: string; output: () => string }> {
  const child = spawn(
    process.execPath,
    [...entryArguments('supervisor'), '--dir', place.dir, '--port', '0'],
    {
      env: {
        ...process.env,
        ROUNDHOUSE_SUPERVISOR_TOKEN: token,
        ROUNDHOUSE_STORE_MAIN: place.storeUrl,
        ROUNDHOUSE_LOGS_MAIN: place.logs,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.on('data', (bytes) => (output += bytes));
    child.stdout.on('data', (bytes) => {
      output += bytes;
      const found = /listens on (\S+)/.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`the supervisor ended with ${code}: ${output}`)));
  });
  return { child, url, output: () => output };
}

export function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode);
    else child.once('exit', resolve);
  });
}

/** Process ids of the model children of a process (Linux). */
export function modelChildrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((id) => {
      try {
        const parent = / PPid:\t?(\d+)|PPid:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8'));
        const isChild = Number(parent?.[1] ?? parent?.[2]) === pid;
        return isChild && readFileSync(`/proc/${id}/cmdline`, 'utf8').includes('inference-child');
      } catch {
        return false;
      }
    });
}

export function readLines(path: string): string[] {
  return readFileSync(path, 'utf8').split('\n').slice(0, -1);
}

export async function until(isTrue: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await isTrue())) {
    if (Date.now() > end) throw new Error(`not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
