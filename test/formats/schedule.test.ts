import { expect, it } from 'vitest';
import { longestPause } from '#lib/formats/schedule.ts';

const NOW = new Date('2026-03-01T10:00:00Z');
const HOUR = 3_600_000;
const file = (...lines: string[]) =>
  `on:\n  schedule:\n${lines.map((line) => `    - cron: ${line}\n`).join('')}  workflow_dispatch:\n`;

it.each([
  [file('"17 5 * * *"'), 24],
  [file("'0 */6 * * *'"), 6],
  [file('0 4 * * 1'), 7 * 24],
  [file('"0 9 * * 1-5"'), 3 * 24],
  [file('"0 4 * * 1"', '"17 5 * * *"'), 24],
])('%j pauses for %i hours at most', (text, hours) => {
  expect(longestPause(text, NOW)).toBe(hours * HOUR);
});

it('knows none where there is none', () => {
  expect(longestPause('on:\n  workflow_dispatch:\n', NOW)).toBeNull();
  expect(longestPause(file('"whenever"'), NOW)).toBeNull();
  expect(longestPause('', NOW)).toBeNull();
});
