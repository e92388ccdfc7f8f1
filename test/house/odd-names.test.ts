import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { marked } from 'marked';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomOf } from '#lib/ml/stats/random.ts';
import { type InstalledPackage, installedPackage } from './installed-package.ts';

let installed: InstalledPackage;
let folder: string;
beforeAll(() => {
  installed = installedPackage();
  folder = mkdtempSync(join(tmpdir(), 'roundhouse-odd-names-'));
  execFileSync('git', ['init', '-q', folder]);
});
afterAll(() => {
  installed.remove();
  rmSync(folder, { recursive: true, force: true });
});

const TARGET = 'sold "today" ($)';
const NAMES = ['select', '2nd place', '100%|x', '@acme/ml <b>', 'naïve €', 'a.b', 'constructor', TARGET];

function csv(): string {
  const random = randomOf(3);
  const rows = Array.from({ length: 400 }, () => {
    const cells = NAMES.slice(0, 6).map(() => random.uniform() * 10);
    const shop = random.uniform() < 0.5 ? "o'hare; x" : '`y` | z';
    const sold = 3 * (cells[0] ?? 0) - 2 * (cells[3] ?? 0) + (shop === '`y` | z' ? 20 : 0) + random.uniform();
    return [...cells, `"${shop}"`, sold].join(',');
  });
  const header = NAMES.map((name) => `"${name.replaceAll('"', '""')}"`).join(',');
  return `${header}\n${rows.join('\n')}\n`;
}

function run(...args: string[]) {
  const env = { ROUNDHOUSE_STORE_MAIN: pathToFileURL(join(folder, 'store')).href };
  const { code, stderr, stdout } = installed.cli(args, { cwd: folder, env });
  expect(code, `${args.join(' ')}: ${stderr}`).toBeLessThanOrEqual(1);
  return stdout;
}

test('columns of any name go from a file to a card', () => {
  writeFileSync(join(folder, 'shop.csv'), csv());
  run('init', '--data', 'shop.csv', '--target', TARGET, '--name', 'shop', '--sha', 'a'.repeat(40));
  const model = join(folder, 'models/shop/model.yml');
  writeFileSync(model, readFileSync(model, 'utf8').replaceAll(/epochs: \d+/g, 'epochs: 8'));
  for (const stage of ['data', 'train', 'evaluate', 'card']) run(stage);

  const card = readFileSync(join(folder, 'models/shop/MODEL_CARD.md'), 'utf8');
  const data = readFileSync(join(folder, 'models/shop/DATA_CARD.md'), 'utf8');
  const text = `${card}\n${data}`.replace(/^---\n[\s\S]*?\n---\n/, '');
  for (const name of ['select', '2nd place', 'naïve €', 'a.b', 'constructor']) expect(text).toContain(name);
  // What is code in Markdown is inert; outside of it no name may make a mention or an element.
  const kinds: string[] = [];
  marked.walkTokens(marked.lexer(text), (token) => {
    if (token.type === 'html' && /<b>/.test(token.raw)) kinds.push(token.raw);
    if (token.type === 'text' && /@acme/.test(token.raw)) kinds.push(token.raw);
  });
  expect(kinds).toEqual([]);
}, 300_000);
