import { expect, test } from 'vitest';
import { mergeText } from '#lib/formats/merge-text.ts';

const ancestor = 'a: 1\nb: 2\nc: 3\nd: 4\n';

test.each([
  ['each its own line', 'a: 9\nb: 2\nc: 3\nd: 4\n', 'a: 1\nb: 2\nc: 3\nd: 9\n', 'a: 9\nb: 2\nc: 3\nd: 9\n'],
  ['the same line alike', 'a: 9\nb: 2\nc: 3\nd: 4\n', 'a: 9\nb: 2\nc: 3\nd: 4\n', 'a: 9\nb: 2\nc: 3\nd: 4\n'],
  ['the same line otherwise', 'a: 8\nb: 2\nc: 3\nd: 4\n', 'a: 9\nb: 2\nc: 3\nd: 4\n', null],
  ['one removes what the other changes', 'b: 2\nc: 3\nd: 4\n', 'a: 9\nb: 2\nc: 3\nd: 4\n', null],
  [
    'no newline at the end',
    'a: 1\nb: 2\nc: 3\nd: 4',
    'z\na: 1\nb: 2\nc: 3\nd: 4\n',
    'z\na: 1\nb: 2\nc: 3\nd: 4',
  ],
  ['bytes', 'a\0', 'b', null],
])('%s', (_, head, base, merged) => {
  expect(mergeText({ ancestor, head, base })).toBe(merged);
});
