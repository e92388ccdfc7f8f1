import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageRoot } from '../../templates/load.ts';
import { type InstalledPackage, installedPackage } from './installed-package.ts';

let installed: InstalledPackage;
beforeAll(() => {
  installed = installedPackage();
});
afterAll(() => installed.remove());

function fromSource(...args: string[]) {
  const cli = join(packageRoot(), 'actions', 'cli.ts');
  return spawnSync(process.execPath, ['--import', 'tsx', cli, ...args], {
    cwd: packageRoot(),
    encoding: 'utf8',
  });
}

test.each(['--help', 'evaluate --help', 'demo --help'])(
  'the installed package says what the sources say: roundhouse %s',
  (words) => {
    const args = words.split(' ');
    const { code, stdout } = installed.cli(args, { cwd: installed.root });
    const source = fromSource(...args);
    expect(code).toBe(0);
    expect(stdout).toContain('Usage: roundhouse');
    expect(stdout).toBe(source.stdout);
  },
);

test.each([
  ['an unknown command', ['evaluat'], /unknown command 'evaluat'[\s\S]*evaluate/],
  ['an unknown option', ['plan', '--modle', 'bikes'], /unknown option '--modle'[\s\S]*--model/],
  ['a target without data', ['demo', '--target', 'y'], /--target needs --data/],
  ['a folder without a model', ['plan'], /no folder models\/<name>\//],
] as const)('%s is the user’s to mend: exit code 2 and the next move', (_, args, message) => {
  const { code, stdout, stderr } = installed.cli([...args], { cwd: installed.root });
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toMatch(message);
});
