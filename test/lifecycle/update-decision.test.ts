import { describe, expect, test } from 'vitest';
import { decideBaseMerge, isGenerated, type Side } from '#lib/lifecycle/update-decision.ts';

const LOCK = 'models/bikes/model.lock';
const NOTE = 'models/bikes/changes/1.md';
const side = (files: Record<string, string>): Side =>
  new Map(
    Object.entries(files).map(([path, text]) => {
      const [sha = '', mode = '100644'] = text.split(' ');
      return [path, { sha, mode }];
    }),
  );
/** `path: what`, where what is the base's content, `gone`, `text` or `conflict`. */
function outcome(files: Record<'ancestor' | 'head' | 'base', Record<string, string>>): string[] {
  const { steps } = decideBaseMerge({
    ancestor: side(files.ancestor),
    head: side(files.head),
    base: side(files.base),
  });
  return steps.map((step) => {
    const what = step.kind === 'take' ? (step.entry?.sha ?? 'gone') : step.kind.replace('merge-', '');
    return `${step.path}: ${what}`;
  });
}

describe('the base is merged into a branch', () => {
  test.each<[string, Parameters<typeof outcome>[0], string[]]>([
    ['nothing changed', { ancestor: { a: '1' }, head: { a: '1' }, base: { a: '1' } }, []],
    ['only the branch changed', { ancestor: { a: '1' }, head: { a: '2', b: '1' }, base: { a: '1' } }, []],
    ['only the base changed', { ancestor: { a: '1' }, head: { a: '1' }, base: { a: '2' } }, ['a: 2']],
    ['the base added', { ancestor: {}, head: {}, base: { a: '1' } }, ['a: 1']],
    ['the base removed', { ancestor: { a: '1' }, head: { a: '1' }, base: {} }, ['a: gone']],
    ['both changed alike', { ancestor: { a: '1' }, head: { a: '2' }, base: { a: '2' } }, []],
    ['both changed', { ancestor: { a: '1' }, head: { a: '2' }, base: { a: '3' } }, ['a: text']],
    ['both added', { ancestor: {}, head: { a: '2' }, base: { a: '3' } }, ['a: conflict']],
    [
      'one changed what the other removed',
      { ancestor: { a: '1' }, head: { a: '2' }, base: {} },
      ['a: conflict'],
    ],
    [
      'a link is no text',
      { ancestor: { a: '1 120000' }, head: { a: '2 120000' }, base: { a: '3 120000' } },
      ['a: conflict'],
    ],
    [
      'both changed the locks: the base has them, and the notes of the branch go',
      { ancestor: { [LOCK]: '1' }, head: { [LOCK]: '2', [NOTE]: '1' }, base: { [LOCK]: '3' } },
      [`${NOTE}: gone`, `${LOCK}: 3`],
    ],
    [
      'both added first locks',
      { ancestor: {}, head: { [LOCK]: '2' }, base: { [LOCK]: '3' } },
      [`${LOCK}: 3`],
    ],
    [
      'only the branch has locks',
      { ancestor: {}, head: { [LOCK]: '2', [NOTE]: '1' }, base: { b: '1' } },
      ['b: 1'],
    ],
    [
      'the locks of another model stay',
      {
        ancestor: {},
        head: { [LOCK]: '2', 'models/cars/model.lock': '5' },
        base: { [LOCK]: '3' },
      },
      [`${LOCK}: 3`],
    ],
  ])('%s', (_, files, expected) => {
    expect(outcome(files)).toEqual(expected);
  });
});

test.each([
  ['models/bikes/data.lock', true],
  ['models/bikes/DATA_CARD.md', true],
  ['models/bikes/changes/2026.md', true],
  ['models/bikes/uv.lock', false],
  ['models/bikes/decisions/0001-x.md', false],
  ['models/bikes/src/model.lock', false],
  ['model.lock', false],
])('%s is generated: %s', (path, expected) => {
  expect(isGenerated(path)).toBe(expected);
});
