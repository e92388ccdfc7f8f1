import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../templates/load.ts';

export type InstalledPackage = {
  root: string;
  /** Output of `roundhouse …` in a folder, by the node that is asked for. */
  cli(
    args: string[],
    at: { cwd: string; env?: Record<string, string>; node?: string },
  ): { code: number | null; stdout: string; stderr: string };
  remove(): void;
};

/**
 * The package as users install it: bundles and templates without sources, and node_modules without the
 * packages that `isMissing` names (`onnxruntime-node`, `@duckdb/node-api`).
 */
export function installedPackage(isMissing: (name: string) => boolean = () => false): InstalledPackage {
  const from = packageRoot();
  const root = mkdtempSync(join(tmpdir(), 'roundhouse-installed-'));
  for (const path of ['package.json', 'dist', 'templates', 'actions/roundhouse.mjs'])
    cpSync(join(from, path), join(root, path), {
      recursive: true,
      filter: (each) => !/\.(map|ts)$/.test(each),
    });
  for (const name of packagesOf(join(from, 'node_modules')).filter((each) => !isMissing(each))) {
    mkdirSync(dirname(join(root, 'node_modules', name)), { recursive: true });
    symlinkSync(join(from, 'node_modules', name), join(root, 'node_modules', name));
  }
  return {
    root,
    cli(args, { cwd, env = {}, node = process.execPath }) {
      const { status, stdout, stderr } = spawnSync(node, [join(root, 'actions', 'roundhouse.mjs'), ...args], {
        cwd,
        encoding: 'utf8',
        timeout: 300_000,
        env: { PATH: process.env.PATH, HOME: root, ...env },
      });
      return { code: status, stdout, stderr };
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

function packagesOf(nodeModules: string): string[] {
  return readdirSync(nodeModules)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) =>
      name.startsWith('@') ? readdirSync(join(nodeModules, name)).map((inner) => `${name}/${inner}`) : name,
    );
}

/** What learns, reads tables or runs in jobs: the control plane must not need any of it. */
export function isMachineLearning(name: string): boolean {
  return /^(onnxruntime-|onnx-proto$|@tensorflow\/|@duckdb\/|@actions\/)/.test(name);
}
