import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

/** Needs 22, 23: what stands in docs/platform-facts.md is held by tests that say its number. */
const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const ASSUMED = new Set(
  [...read('docs/real-github-check.md').matchAll(/^\| (A\d+) \|/gm)].map(([, id]) => id),
);

type Row = { number: string; behaviour: string; tests: string[]; source: string };

const rows: Row[] = read('docs/platform-facts.md')
  .split('\n')
  .filter((line) => /^\| (fact|need) \d+ \|/.test(line))
  .map((line) => {
    const [number = '', , behaviour = '', tests = '', source = ''] = line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim());
    return {
      number,
      behaviour,
      tests: [...tests.matchAll(/`([^`]+)`/g)].map(([, path]) => path ?? ''),
      source,
    };
  });

/** The numbers that a file's comments name, one or several after the word. */
function tagsOf(text: string): string[] {
  return [...text.matchAll(/\b(fact|need)s? (\d+(?:, \d+)*)/gi)].flatMap(([, kind = '', numbers = '']) =>
    numbers.split(', ').map((number) => `${kind.toLowerCase()} ${number}`),
  );
}

test('every fact and every need has its row', () => {
  const numbered = (kind: string, to: number) => Array.from({ length: to }, (_, at) => `${kind} ${at + 1}`);
  expect(rows.map(({ number }) => number)).toEqual([...numbered('fact', 34), ...numbered('need', 23)]);
});

describe.each(rows)('$number', ({ number, behaviour, tests, source }) => {
  test('has tests that name it, or is said not to be touched', () => {
    if (tests.length === 0) expect(behaviour).toMatch(/^not touched: ./);
    for (const path of tests) {
      expect(existsSync(join(ROOT, path)), path).toBe(true);
      expect(tagsOf(read(path)), path).toContain(number);
    }
  });

  test('refers to assumptions that are listed', () => {
    const unknown = [...source.matchAll(/\bA\d+\b/g)].filter(([id]) => !ASSUMED.has(id));
    expect(unknown).toEqual([]);
  });
});

test('no test names a number that its row does not know the test by', () => {
  const named = new Map(rows.map(({ number, tests }) => [number, tests]));
  const files = new Set(rows.flatMap(({ tests }) => tests));
  const stray = [...files].flatMap((path) =>
    tagsOf(read(path))
      .filter((tag) => !named.get(tag)?.includes(path))
      .map((tag) => `${path}: ${tag}`),
  );
  expect(stray).toEqual([]);
});
