import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { packageRoot } from '../../templates/load.ts';
import { R, startWorld } from '../runners/github/harness.ts';
import { adminOf } from '../runners/github/platform/admin.ts';

/** Need 23: the page can't rot. */
const page = readFileSync(join(packageRoot(), 'docs/real-github-check.md'), 'utf8');
const setup = /```sh setup\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
const steps = page
  .split(/^### /m)
  .slice(1)
  .map((text) => {
    const [, local, status, fragment] =
      /Local: (yes|no)\. Expect `(\d+)`(?: \(exit code\))? and `([^`]+)`/.exec(text) ?? [];
    return {
      title: text.split('\n')[0] ?? '',
      local,
      status,
      fragment: fragment ?? '',
      proves: /Proves ([A\d, ]+)\./.exec(text)?.[1]?.split(', ') ?? [],
      commands: /```sh\n([\s\S]*?)```/.exec(text)?.[1] ?? '',
    };
  });

const squeezed = (text: string) => text.replace(/\s+/g, '');

test('every step says what it expects, in order, and every assumption is proved by one', () => {
  expect(steps.map(({ title }) => Number.parseInt(title, 10))).toEqual(steps.map((_, at) => at + 1));
  expect(steps.filter(({ local, status, commands }) => !local || !status || commands === '')).toEqual([]);
  const assumed = [...page.matchAll(/^\| (A\d+) \|/gm)].map(([, id = '']) => id);
  expect(assumed.length).toBeGreaterThan(20);
  expect(assumed.filter((id) => !steps.some(({ proves }) => proves.includes(id)))).toEqual([]);
  expect(steps.flatMap(({ proves }) => proves).filter((id) => !assumed.includes(id))).toEqual([]);
});

test('the local GitHub answers every step that it can, as the page says', async () => {
  const world = await startWorld();
  const folder = mkdtempSync(join(tmpdir(), 'steps-'));
  try {
    const key = join(folder, 'key.pem');
    writeFileSync(key, world.secrets.app.private_key, { mode: 0o600 });
    const work = await world.repository('ml-lead');
    await work.commit('first', { 'README.md': '# Check\n' });
    await work.push('main');
    const auth = (await (await adminOf(world)).auth()) as { token: string };
    const env = {
      ...{ PATH: process.env.PATH, TMPDIR: folder, OWNER: R.owner, REPO: R.repo, ADMIN_TOKEN: auth.token },
      ...{ APP_ID: String(world.secrets.app.id), PRIVATE_KEY_FILE: key },
      GITHUB_API_URL: `${world.github.url}/api/v3`,
    };
    const local = steps.filter((one) => one.local === 'yes');
    const script = [setup, ...local.map(({ commands }) => `${commands}\necho '@@step'`)].join('\n');
    const { stdout } = await promisify(execFile)('bash', ['-c', script], { env, cwd: folder });
    const outputs = stdout.split('@@step\n');
    for (const [at, { title, status, fragment }] of local.entries()) {
      const output = outputs[at] ?? '';
      expect([...output.matchAll(/^(\d{3})$/gm)].at(-1)?.[1], `${title}\n${output}`).toBe(status);
      expect(squeezed(output), title).toContain(squeezed(fragment));
    }
  } finally {
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
