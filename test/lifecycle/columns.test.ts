import { describe, expect, test } from 'vitest';
import { type ColumnFacts, codesAreCategories, decideColumn } from '#lib/lifecycle/columns.ts';

const order = { rising: 0.5, falling: 0.5, changing: 1 };
const number: ColumnFacts = {
  ...{ name: 'x', type: 'DOUBLE', kind: 'number', integer: false, distinct: 900, missing: 0 },
  ...{ minimum: 0, maximum: 1, top: 5, common: 0, words: 0, inFile: order, inTime: null },
};
const whole: ColumnFacts = { ...number, type: 'BIGINT', integer: true, maximum: 90_000 };
const text: ColumnFacts = { ...number, type: 'VARCHAR', kind: 'text', words: 1, top: 100, common: 1000 };
const running = { rising: 1, falling: 0, changing: 1 };

describe('a column of a thousand rows', () => {
  test.each<[string, ColumnFacts, string]>([
    ['a measurement', number, 'number'],
    ['a measurement that never repeats', { ...number, distinct: 1000, top: 1 }, 'number'],
    ['whole amounts that never repeat', { ...whole, distinct: 1000, top: 1 }, 'number'],
    ['a counter in the order of the file', { ...whole, distinct: 1000, inFile: running }, 'identifier'],
    ['a shuffled counter', { ...whole, distinct: 1000, maximum: 1200 }, 'identifier'],
    ['account numbers', { ...whole, distinct: 1000, minimum: 1e9, maximum: 9e9 }, 'identifier'],
    ['a customer who comes again', { ...whole, name: 'customer_id', distinct: 200 }, 'entity'],
    ['the same under a name like any other', { ...whole, name: 'visits', distinct: 200 }, 'number'],
    ['hours', { ...whole, distinct: 24, maximum: 23, top: 50 }, 'category'],
    ['hours of snow, nearly always none', { ...whole, distinct: 24, top: 950 }, 'number'],
    ['a flag', { ...whole, distinct: 2, top: 600 }, 'number'],
    ['one value', { ...whole, distinct: 1, top: 1000 }, 'constant'],
    ['one value and gaps', { ...whole, distinct: 1, top: 500, missing: 500 }, 'constant'],
    ['a text or none', { ...text, distinct: 1, top: 500, missing: 500 }, 'category'],
    ['all but nine the same', { ...whole, distinct: 3, top: 991 }, 'constant'],
    ['all but ten the same', { ...whole, distinct: 3, top: 990 }, 'number'],
    ['nothing at all', { ...number, distinct: 0, missing: 1000, top: 0 }, 'empty'],
    ['a date', { ...number, kind: 'time', type: 'DATE' }, 'time'],
    ['64 texts', { ...text, distinct: 64, common: 0 }, 'category'],
    ['225 texts that rows share', { ...text, distinct: 225, common: 500 }, 'category'],
    ['225 texts that few rows share', { ...text, distinct: 225, common: 499 }, 'text'],
    ['names of rows', { ...text, distinct: 960, common: 0 }, 'identifier'],
    ['texts that mostly differ', { ...text, distinct: 600, common: 300 }, 'text'],
    ['sentences', { ...text, distinct: 400, words: 7 }, 'text'],
    [
      'a year in a file of time',
      { ...whole, distinct: 2, top: 500, inTime: { rising: 1, falling: 0.99, changing: 1 / 999 } },
      'grows',
    ],
    [
      'a release, one after the other',
      { ...text, distinct: 4, inTime: { rising: 0.9, falling: 0.9, changing: 3 / 999 } },
      'grows',
    ],
    [
      'a season that comes back',
      { ...text, distinct: 4, inTime: { rising: 0.9, falling: 0.9, changing: 7 / 999 } },
      'category',
    ],
  ])('%s', (_, facts, expected) => {
    const decision = decideColumn(facts, 1000);
    expect(decision.input ? decision.as : decision.why).toBe(expected);
  });
});

test('a few small codes are categories, the pixels of an image are not', () => {
  expect(codesAreCategories([24, 7, 4, 4, 12], 17_000)).toBe(true);
  expect(codesAreCategories(new Array(64).fill(17), 1797)).toBe(false);
  expect(codesAreCategories([31, 31, 31], 400)).toBe(false);
});
