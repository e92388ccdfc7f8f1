import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { recorded } from '../app/recorded.ts';

const CLI = fileURLToPath(new URL('../../actions/roundhouse.mjs', import.meta.url));
const world = recorded();
let folder = '';
const at = (name: string) => join(folder, name);
const git = (cwd: string, args: string[], input = '') =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
    cwd,
    input,
    encoding: 'utf8',
  });

function commit(ref: string, files: ReadonlyMap<string, string>): void {
  const changes = [...files].map(
    ([path, text]) => `M 644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`,
  );
  const head = `commit ${ref}\ncommitter a <a@b> 0 +0000\ndata 0\n`;
  git(at('origin'), ['fast-import', '--quiet'], `${head}${changes.join('')}\n`);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lineage-'));
  git(folder, ['init', '-q', '-b', 'main', 'origin']);
  git(folder, ['init', '-q', '-b', 'main', 'empty']);
  commit('refs/heads/main', world.texts);
  commit('refs/heads/roundhouse', world.files);
  for (const { name, message } of await world.tags.list('')) {
    git(at('origin'), ['tag', '-a', name, '-F', '-', '--cleanup=verbatim', 'main'], message ?? '');
  }
  git(folder, ['clone', '-q', 'origin', 'clone']);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(cwd: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], {
    cwd: at(cwd),
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

it('any clone tells why a version is what it is, and what served when', () => {
  const why = run('clone', 'why', 'bikes@v1.1.0', '--json');
  expect(why.stderr).toBe('');
  const { records, versions } = JSON.parse(why.stdout);
  expect(records.ref).toBe('refs/remotes/origin/roundhouse');
  // The commit that the tag names is none of this clone: the problem that stood there can't be read.
  expect(versions[0].missing).toEqual(['problem: problem.yml of the commit cannot be read']);
  expect(run('clone', 'why').stdout).toContain('├─ ● evaluation');
  expect(run('clone', 'history', 'production', '--at', '2026-02-28').stdout).toContain('bikes v1.1.0');
  expect(run('clone', 'history', '--at', '2026-02-26').stdout).toContain('nothing\n');
});

it.each([
  [['why', '1.2.0'], 'nearest: v1.1.0'],
  [['history', 'prod', '--model', 'bikes'], 'there is production'],
  [['compliance', '--output', 'pack.pdf'], '.md, .html or .json'],
])('%j is a mistake that can be mended', (args, fix) => {
  const { status, stderr } = run('clone', ...args);
  expect(status).toBe(2);
  expect(stderr).toContain(fix);
});

it('a pack is written whole, and one of an empty repository claims nothing', () => {
  expect(run('clone', 'compliance', '--output', 'pack.html').status).toBe(0);
  expect(readFileSync(join(at('clone'), 'pack.html'), 'utf8')).toContain('<h3>2(g)');
  expect(readdirSync(at('clone')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  const { status, stdout } = run('empty', 'compliance', '--json');
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    model: null,
    counts: { 'on record': 0, 'in part': 0, missing: 23 },
  });
});
