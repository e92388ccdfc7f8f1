import { describe, expect, test } from 'vitest';
import { checkContract } from '#lib/data/contract.ts';
import { dataSchema } from '#lib/lifecycle/data.ts';
import type { ColumnRule } from '#lib/lifecycle/data-contract.ts';
import { tableOf } from './tables.ts';

const table = tableOf({
  id: [1, 2, 2],
  x: [0.5, null, 12],
  s: ['a', 'b', null],
  t: [new Date(0), new Date(1), null],
  b: ['true', 'false', 'true'],
});
const types = new Map([
  ['id', 'BIGINT'],
  ['x', 'DOUBLE'],
  ['s', 'VARCHAR'],
  ['t', 'TIMESTAMP'],
  ['b', 'BOOLEAN'],
]);

/** The contract with one rule, defaults filled as data.yml's schema does. */
function check(column: string, rule: Partial<ColumnRule> & Pick<ColumnRule, 'type'>, minimum = 0) {
  const { contract } = dataSchema.pick({ contract: true }).parse({
    contract: { columns: { [column]: rule }, rows: { minimum } },
  });
  return checkContract({ contract, needed: 0, table, types });
}

describe('one rule', () => {
  test.each<[string, Partial<ColumnRule> & Pick<ColumnRule, 'type'>, string, string]>([
    ['id', { type: 'integer' }, 'passed', ''],
    ['x', { type: 'integer' }, 'failed', 'DOUBLE'],
    ['x', { type: 'number' }, 'passed', ''],
    ['s', { type: 'number', minimum: 0 }, 'failed', 'VARCHAR'],
    ['s', { type: 'string' }, 'passed', ''],
    ['b', { type: 'string' }, 'failed', 'BOOLEAN'],
    ['b', { type: 'boolean' }, 'passed', ''],
    ['t', { type: 'timestamp' }, 'passed', ''],
    ['x', { type: 'number', required: true }, 'failed', '1 of 3 rows break it'],
    ['id', { type: 'integer', required: true }, 'passed', ''],
    ['id', { type: 'integer', unique: true }, 'failed', '1 of 3 rows break it'],
    ['s', { type: 'string', unique: true }, 'passed', ''],
    ['x', { type: 'number', minimum: 1 }, 'failed', '1 of 3 rows break it'],
    ['x', { type: 'number', maximum: 10 }, 'failed', '1 of 3 rows break it'],
    ['x', { type: 'number', minimum: 0.5, maximum: 12 }, 'passed', ''],
    ['s', { type: 'string', values: ['a'] }, 'failed', '1 of 3 rows break it'],
    ['id', { type: 'integer', values: [1, 2] }, 'passed', ''],
    ['gone', { type: 'number' }, 'inconclusive', 'no such column'],
    ['gone', { type: 'number', required: true }, 'failed', 'no such column'],
  ])('%s %j: %s', (column, rule, verdict, actual) => {
    const result = check(column, rule);
    expect(result.verdict).toBe(verdict);
    if (actual !== '')
      expect(result.reasons.find((reason) => reason.verdict === verdict)).toMatchObject({
        actual,
        where: `column ${column}`,
      });
  });
});

test('a warning is told and does not worsen the verdict', () => {
  const result = check('x', { type: 'number', maximum: 10, severity: 'warning' });
  expect(result.verdict).toBe('passed');
  expect(result.reasons[0]).toMatchObject({ rule: 'maximum (warning)', actual: '1 of 3 rows break it' });
});

test('too few rows', () => {
  expect(check('id', { type: 'integer' }, 4)).toMatchObject({
    verdict: 'failed',
    reasons: [
      { rule: 'rows.minimum', expected: 'at least 4 rows', actual: '3 rows' },
      { actual: 'rules that hold: 1' },
    ],
  });
});

test('reasons hold counts and never a value of a row', () => {
  const secret = tableOf({ s: ['secret-1', 'secret-2', 'secret-2'] });
  const { contract } = dataSchema.pick({ contract: true }).parse({
    contract: { columns: { s: { type: 'string', unique: true, values: ['a'] } } },
  });
  expect(
    JSON.stringify(checkContract({ contract, needed: 0, table: secret, types: new Map([['s', 'VARCHAR']]) })),
  ).not.toContain('secret');
});

test.each([
  [3, 'passed'],
  [4, 'failed'],
])('a problem that needs %i rows of these three: %s', (needed, verdict) => {
  const { contract } = dataSchema.pick({ contract: true }).parse({});
  const found = checkContract({ contract, needed, table, types });
  expect(found.verdict).toBe(verdict);
  const told = found.reasons.filter(({ rule }) => rule === 'data.min_rows of problem.yml');
  expect(told).toEqual(
    needed > 3
      ? [
          {
            rule: 'data.min_rows of problem.yml',
            verdict: 'failed',
            expected: 'at least 4 rows',
            actual: '3 rows',
            where: 'output',
          },
        ]
      : [],
  );
});
