import { expect, test } from 'vitest';
import { decideCodes, decideSentinel } from '#lib/lifecycle/missing-codes.ts';

test.each([
  ['numbers', { numbers: true }, ['?', 'unknown'], ['?', 'unknown'], []],
  ['texts', {}, ['?', 'n/a', ' ?'], ['?', 'n/a', ' ?'], []],
  ['an answer', {}, ['NULL', 'unknown', 'None'], ['NULL'], ['unknown', 'None']],
  ['North America', { abbreviations: true }, ['NA', '?'], ['?'], ['NA']],
])('codes among %s', (_, facts, codes, applied, kept) => {
  const column = { column: 'x', numbers: false, abbreviations: false, target: false };
  expect(decideCodes({ ...column, ...facts, codes: codes.map((code) => ({ code, rows: 3 })) })).toEqual({
    column: 'x',
    applied,
    kept,
  });
});

const usual = { column: 'x', target: false, rows: 10, others: 90, distinct: 61, minimum: 0, maximum: 60 };
test.each([
  ['far below', { value: -999 }, true],
  ['far above', { value: 99_999 }, true],
  ['not far enough', { value: 99 }, null],
  ['no nines', { value: -1000 }, null],
  ['four rows', { value: -999, rows: 4 }, false],
  ['most rows', { value: 999, rows: 96 }, false],
  ['of what is predicted', { value: -999, target: true }, true],
  ['that may be a class', { value: 999, target: true, distinct: 3 }, false],
])('a sentinel %s', (_, facts, applied) => {
  const found = decideSentinel({ ...usual, ...facts });
  expect(found?.applied ?? null).toBe(applied);
});
