import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest';
import { type HonestCheckout, honestCheckout } from '../loop/honest-checkout.ts';
import { type InstalledPackage, installedPackage } from './installed-package.ts';

/** The registry serves node itself, a package for each platform. */
const PACKAGE = `node-${process.platform}-${process.arch}`;

let folder: string;
let node: string | null = null;
let reason = '';
let installed: InstalledPackage;
let checkout: HonestCheckout;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'roundhouse-node-24-'));
  node = installNode();
  installed = installedPackage();
  checkout = await honestCheckout({ supervisor: 'http://127.0.0.1:9', token: 'none' });
  const model = 'models/bikes/model.yml';
  checkout.write(model, checkout.read(model).replace('epochs: 25', 'epochs: 1'));
}, 180_000);
afterAll(() => {
  installed?.remove();
  checkout?.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** Null where the registry can't be reached: a machine of CI must reach it. */
function installNode(): string | null {
  try {
    const args = ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', folder, `${PACKAGE}@24`];
    execFileSync('npm', args, { cwd: folder, stdio: 'pipe', timeout: 150_000 });
    return join(folder, 'node_modules', PACKAGE, 'bin', 'node');
  } catch (error) {
    if (process.env.CI) throw error;
    reason = `${PACKAGE}@24 can't be installed here: ${error instanceof Error ? error.message : error}`;
    return null;
  }
}

function roundhouse(context: TestContext, ...args: string[]) {
  if (node === null) return context.skip(reason);
  return installed.cli(args, { cwd: checkout.workspace, env: checkout.env, node });
}

// Fact 21. Changelog of 19 September 2025, deprecation of Node 20 on runners.
test('node 24 is what runs', (context) => {
  if (node === null) return context.skip(reason);
  expect(execFileSync(node, ['--version'], { encoding: 'utf8' })).toMatch(/^v24\./);
});

test('roundhouse --help, and of a stage', (context) => {
  expect(roundhouse(context, '--help')).toMatchObject({ code: 0, stderr: '' });
  expect(roundhouse(context, 'evaluate', '--help').stdout).toContain('--base');
});

test('plan', (context) => {
  const { code, stdout } = roundhouse(context, 'plan');
  expect(code).toBe(0);
  expect(stdout).toContain('run   data');
});

test('data: the same rows have the same digest as on this node', async (context) => {
  const { code, stdout, stderr } = roundhouse(context, 'data', '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { machine, result } = JSON.parse(stdout).predicate;
  expect(machine.node).toMatch(/^v24\./);
  const here = await checkout.stage('data');
  expect(result).toEqual(here);
});

test('train and evaluate: TensorFlow.js and onnxruntime', (context) => {
  const trained = roundhouse(context, 'train', '--json');
  expect(trained).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(trained.stdout)[0].predicate.result.backend).toBe('wasm');
  const judged = roundhouse(context, 'evaluate', '--json');
  expect([0, 1]).toContain(judged.code);
  expect(JSON.parse(judged.stdout).predicate.result.recent.rows).toBeGreaterThan(600);
});
