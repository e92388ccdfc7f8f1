import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readMachine } from '../../actions/doctor/machine-facts.ts';
import { worstFirst } from '../../lib/lifecycle/doctor.ts';
import { checkMachine } from '../../lib/lifecycle/doctor-machine.ts';
import { packageRoot } from '../../templates/load.ts';
import { repositoryFiles } from '../../templates/repository.ts';

const POLICY = '.github/roundhouse.yml';
const WORKFLOW = '.github/workflows/roundhouse-deploy.yml';
const server = createServer((_request, response) => {
  response.setHeader('date', new Date(Date.now() - 300_000).toUTCString()).end('{}');
});
let slow = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  slow = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

function checkout(): {
  root: string;
  text: (path: string) => string;
  write: (path: string, text: string) => void;
} {
  const root = mkdtempSync(join(tmpdir(), 'doctor-'));
  const files = repositoryFiles({
    sha: 'c'.repeat(40),
    supervisor: 'http://127.0.0.1:1/',
    schedule: '5 4 * * *',
  });
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const { path, text } of files) write(path, text);
  return { root, text: (path) => files.find((one) => one.path === path)?.text ?? '', write };
}

// What depends on the machine that tests run on, its disk and its ports, has its table in test/lifecycle.
const MACHINE = /^(port|store|journal|clock)/;

test('a fresh repository is fine on this machine, and one broken thing at a time is told', async () => {
  const { root, text, write } = checkout();
  const told = async (env: Record<string, string> = {}) => {
    const facts = await readMachine({
      workspace: root,
      env: { GITHUB_API_URL: 'http://127.0.0.1:1', ...env },
    });
    return worstFirst(checkMachine(facts)).filter(({ status }) => status !== 'ok');
  };
  const quiet = async () => (await told()).filter(({ check }) => !MACHINE.test(check));
  expect(await quiet()).toEqual([]);

  write(POLICY, text(POLICY).replace('environments:', 'environmnets:'));
  expect(await quiet()).toMatchObject([
    {
      check: 'configuration',
      status: 'fail',
      found: expect.stringMatching(/^\.github\/roundhouse\.yml:\d+:\d+: /),
    },
  ]);
  write(POLICY, text(POLICY));

  write(WORKFLOW, text(WORKFLOW).replace('contents: read', 'contents: write'));
  expect(await quiet()).toMatchObject([
    { check: 'workflow templates', found: expect.stringContaining(WORKFLOW) },
  ]);
  write(WORKFLOW, text(WORKFLOW).replaceAll('c'.repeat(40), 'd'.repeat(40)));
  expect(await quiet()).toMatchObject([{ check: 'workflow pins', status: 'fail' }]);
  rmSync(join(root, WORKFLOW));
  expect(await quiet()).toMatchObject([{ check: 'workflow files', status: 'fail' }]);

  const broken = await told({
    GITHUB_API_URL: slow,
    ROUNDHOUSE_STORE_MAIN: 'relative/path',
    ROUNDHOUSE_LOGS_MAIN: 'file:///proc/nothing/here',
    ROUNDHOUSE_DIR: join(root, POLICY, 'below-a-file'),
  });
  expect(broken.filter(({ status }) => status === 'fail').map(({ check }) => check)).toEqual(
    expect.arrayContaining(['store', 'prediction log', 'journal of the app', 'clock']),
  );
  expect(readdirSync(root).filter((name) => name.includes('doctor'))).toEqual([]);
  rmSync(root, { recursive: true });
});

test('the command ends with 1 on a failed check and prints the fix, or JSON', () => {
  const { root, write } = checkout();
  write(POLICY, 'version: 2\n');
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [join(packageRoot(), 'actions/roundhouse.mjs'), 'doctor', ...args], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, GITHUB_API_URL: 'http://127.0.0.1:1' },
    });
  const table = run();
  expect(table.status).toBe(1);
  expect(table.stdout).toMatch(/^fail {2}\S[\s\S]*-> change these lines[\s\S]*\d fail, /);
  const { checks } = JSON.parse(run('--json').stdout) as { checks: { check: string; status: string }[] };
  expect(checks[0]?.status).toBe('fail');
  expect(checks.map(({ check }) => check)).toContain('configuration');
  rmSync(root, { recursive: true });
});
