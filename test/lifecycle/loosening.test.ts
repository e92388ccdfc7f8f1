import { describe, expect, test } from 'vitest';
import { type JudgingFiles, looseningsOf } from '#lib/lifecycle/loosening.ts';
import { bikes } from '../formats/bikes.ts';

const before = bikes();
const bound = before.problem.success[0]?.threshold ?? 0;

/** The demo's files with the value at one path replaced; undefined takes it away. */
function withChange(path: string, value: unknown): JudgingFiles {
  const files = structuredClone(before);
  const steps = path.split('.');
  const last = steps.pop() ?? '';
  const holder = steps.reduce<Record<string, unknown>>(
    (inner, step) => inner[step] as Record<string, unknown>,
    files as unknown as Record<string, unknown>,
  );
  if (Array.isArray(holder) && value === undefined) holder.splice(Number(last), 1);
  else holder[last] = value;
  return files;
}

const places = (path: string, value: unknown) =>
  looseningsOf(before, withChange(path, value)).map(({ file, where }) => `${file} ${where}`);

test('the same files loosen nothing', () => {
  expect(looseningsOf(before, bikes())).toEqual([]);
});

describe('loosens', () => {
  const success = 'problem.yml success: mae';
  const trivial = 'problem.yml gates: better than the trivial answer';
  const champion = 'problem.yml gates: not worse than the champion';
  const canary = 'operate.yml deployment.strategy';
  const split = { by: 'time', recent: 'P28D', embargo: 'P1D', validation: 'P28D' };
  const [step] = before.operate.deployment.strategy.steps;
  test.each([
    ['a higher error', 'problem.success.0.threshold', bound + 1, success],
    ['the other direction', 'problem.success.0.direction', 'maximize', success],
    ['another metric', 'problem.success.0.metric', 'rmse', success],
    ['some rows only', 'problem.success.0.slice', { column: 'hr', value: '1' }, success],
    ['a larger model', 'problem.constraints.size_mb', 6, 'problem.yml constraints.size_mb'],
    ['a model of any size', 'problem.constraints.size_mb', null, 'problem.yml constraints.size_mb'],
    ['a gate removed', 'problem.gates.1', undefined, champion],
    ['a wider margin', 'problem.gates.1.by', '3%', champion],
    ['a margin in other words', 'problem.gates.1.by', 1, champion],
    ['inconclusive passes', 'problem.gates.0.on_inconclusive', 'pass', trivial],
    ['judged on the old rows', 'problem.gates.0.on', 'anchor', trivial],
    ['compared with less', 'problem.gates.1.than', 'trivial', champion],
    ['fewer rows', 'problem.data.min_rows', before.problem.data.min_rows - 1, 'problem.yml data.min_rows'],
    ['a shorter holdout', 'data.split', { ...split, recent: 'P27D' }, 'data.yml split'],
    ['no embargo', 'data.split', { ...split, embargo: 'PT0S' }, 'data.yml split'],
    ['rows at random', 'data.split', { by: 'key', recent: 0.2, validation: 0.1 }, 'data.yml split'],
    ['rows as units', 'data.unit', 'row', 'data.yml unit'],
    ['shorter blocks', 'data.unit', { block: 'PT6H' }, 'data.yml unit'],
    ['more looks', 'data.holdout.max_looks', 51, 'data.yml holdout.max_looks'],
    [
      'more errors',
      'operate.deployment.strategy.checks.max_error_rate',
      0.02,
      `${canary}.checks.max_error_rate`,
    ],
    [
      'fewer requests',
      'operate.deployment.strategy.steps',
      [{ ...step, min_requests: 1 }],
      `${canary}.steps`,
    ],
    ['more at once', 'operate.deployment.strategy.steps', [{ ...step, weight: 90 }], `${canary}.steps`],
  ])('%s', (_, path, value, place) => {
    expect(places(path, value)).toEqual([place]);
  });

  test('serving other bytes than those that were judged', () => {
    expect(looseningsOf(withChange('model.refit', 'none'), before)).toEqual([
      { file: 'model.yml', where: 'refit', before: 'none', after: 'full' },
    ]);
  });
});

describe('does not loosen', () => {
  test.each([
    ['a lower error', 'problem.success.0.threshold', bound - 1],
    ['a narrower margin', 'problem.gates.1.by', '1%'],
    ['inconclusive blocks', 'problem.gates.0.on_inconclusive', 'block'],
    ['a longer holdout', 'data.split', { by: 'time', recent: 'P35D', embargo: 'P1D', validation: 'P7D' }],
    ['longer blocks', 'data.unit', { block: 'P7D' }],
    ['another window', 'data.window', { last: 'P90D', until: '2012-04-01T00:00:00Z' }],
    ['another title', 'problem.title', 'Rentals'],
    ['a candidate less', 'model.candidates.1', undefined],
    ['fewer errors', 'operate.deployment.strategy.checks.max_error_rate', 0.005],
  ])('%s', (_, path, value) => {
    expect(places(path, value)).toEqual([]);
  });
});

test('a threshold gate loosens upwards for at_most and downwards for at_least', () => {
  const files = (bound: object) =>
    withChange('problem.gates', [
      {
        ...{ kind: 'threshold', name: 'x', metric: 'r2', on: 'recent', on_inconclusive: 'ask', slice: null },
        ...bound,
      },
    ]);
  const count = (old: object, now: object) => looseningsOf(files(old), files(now)).length;
  expect(count({ at_least: 0.5 }, { at_least: 0.4 })).toBe(1);
  expect(count({ at_least: 0.5 }, { at_least: 0.6 })).toBe(0);
  expect(count({ at_most: 5 }, { at_most: 6 })).toBe(1);
  expect(count({ at_most: 5 }, { at_most: 4 })).toBe(0);
  expect(count({ at_most: 5 }, { at_least: 5 })).toBe(1);
  const slice = { column: 'hr', value: 1 };
  expect(count({ at_most: 5 }, { at_most: 4, slice })).toBe(1);
  expect(count({ at_most: 5, slice }, { at_most: 4, slice: { ...slice, value: '1' } })).toBe(0);
});
