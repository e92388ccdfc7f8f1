import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** How many activities, deliverables and checklist items each stage has. */
const COUNTS = {
  P: { A: 5, D: 5, C: 4 },
  D: { A: 7, D: 7, C: 5 },
  M: { A: 7, D: 7, C: 5 },
  S: { A: 7, D: 7, C: 5 },
  F: { A: 7, D: 7, C: 5 },
  R: { A: 7, D: 7, C: 5 },
};
const numbered = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);
const IDS = [
  ...Object.entries(COUNTS).flatMap(([stage, kinds]) =>
    Object.entries(kinds).flatMap(([kind, count]) => numbered(`${stage}-${kind}`, count)),
  ),
  ...numbered('X-', 6),
];

const root = fileURLToPath(new URL('../../', import.meta.url));
const rows = readFileSync(join(root, 'docs/lifecycle.md'), 'utf8')
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter((cells) => /^[A-Z]-[A-Z]?\d+$/.test(cells[1] ?? ''))
  .map(([, id, asked, where, see]) => ({ id, asked, where: where ?? '', see }));

test('docs/lifecycle.md has one row for every item, in order', () => {
  expect(IDS).toHaveLength(115);
  expect(rows.map(({ id }) => id)).toEqual(IDS);
});

test('a row says planned, or names files that are there and how to see it', () => {
  const broken = rows.filter(({ where, see }) => {
    if (where === 'planned') return false;
    const paths = [...where.matchAll(/`([^`]+)`/g)].map(([, path]) => path ?? '');
    return paths.length === 0 || see === '' || !paths.every((path) => existsSync(join(root, path)));
  });
  expect(broken).toEqual([]);
});
