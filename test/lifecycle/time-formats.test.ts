import { expect, test } from 'vitest';
import { decideFormat, formatWords } from '#lib/lifecycle/time-formats.ts';

const day = (reads: number, rising: number) => ({ format: '%d/%m/%Y', reads, rising });
const month = (reads: number, rising: number) => ({ format: '%m/%d/%Y', reads, rising });

test.each([
  ['only one reads all', [day(1, 0.5), month(0.4, 0.5)], { kind: 'read', format: '%d/%m/%Y', note: null }],
  ['both do, and one runs forward', [day(1, 0.6), month(1, 1)], { kind: 'read', format: '%m/%d/%Y' }],
  ['both do, and both jump', [day(1, 0.5), month(1, 0.5)], { kind: 'ambiguous' }],
  ['both do, and both run forward', [day(1, 1), month(1, 1)], { kind: 'ambiguous' }],
  ['a few are mistakes', [day(0.97, 0.9), month(0.4, 0.5)], { kind: 'broken', format: '%d/%m/%Y' }],
  ['most are something else', [day(0.5, 0.9)], { kind: 'unknown' }],
  ['none reads any', [], { kind: 'unknown' }],
])('%s', (_, facts, expected) => {
  expect(decideFormat(facts)).toMatchObject(expected);
});

test('formats in words', () => {
  expect(formatWords('%d/%m/%Y %H:%M')).toBe('dd/mm/yyyy hh:mm');
});
