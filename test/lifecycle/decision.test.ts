import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decideWay,
  decisionFile,
  decisionNumber,
  decisionTitle,
  nextDecision,
  splitDecision,
} from '#lib/lifecycle/decision.ts';

describe('a decision', () => {
  it.each([
    ['keep the window. A shorter one forgot the winter', 'keep the window'],
    ['use v1.2.0 e.g. for winter', 'use v1.2.0 e.g. for winter'],
    ['no', 'no'],
    [`we ${'really '.repeat(20)}do`, `we ${'really '.repeat(9)}really…`.replace(' really…', '…')],
  ])('is headed by its first sentence: %s', (text, title) => {
    expect(decisionTitle(text)).toBe(title);
  });

  it('has a path of plain letters, whatever the text', () => {
    expect(decisionFile({ model: 'bikes', n: 3, title: 'Größe & "Ruhe"' })).toBe(
      'models/bikes/decisions/0003-gro-e-ruhe.md',
    );
    expect(decisionFile({ model: 'bikes', n: 12, title: '決定' })).toBe(
      'models/bikes/decisions/0012-decision.md',
    );
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1 }),
        fc.integer({ min: 1, max: 9999 }),
        (text, n) => {
          const path = decisionFile({ model: 'bikes', n, title: decisionTitle(text) });
          expect(path).toMatch(/^models\/bikes\/decisions\/\d{4}-[a-z0-9][a-z0-9-]*\.md$/);
          expect(decisionNumber(path, 'bikes')).toBe(n);
        },
      ),
    );
  });

  it('gets the next number, after those that people wrote by hand', () => {
    const paths = [
      'models/bikes/decisions/0007-x.md',
      'models/bikes/decisions/README.md',
      'models/taxis/decisions/0009-x.md',
    ];
    const taken = paths.flatMap((path) => decisionNumber(path, 'bikes') ?? []);
    expect(nextDecision(taken)).toBe(8);
    expect(nextDecision([])).toBe(1);
  });

  it('names a model only where there is one of that name', () => {
    expect(splitDecision('bikes: keep it', ['bikes'])).toEqual({ named: 'bikes', text: 'keep it' });
    expect(splitDecision('note: keep it', ['bikes'])).toEqual({ named: null, text: 'note: keep it' });
  });

  const pull = { isOpen: true, isOwnBranch: true, touchesModel: true };
  it.each([
    ['on the default branch already', { isThere: true, policy: 'commit', pull }, 'there'],
    ['on the branch where it was said', { isThere: false, policy: 'commit', pull }, 'commit'],
    ['the policy says otherwise', { isThere: false, policy: 'pr', pull }, 'pull request'],
    ['said on an issue', { isThere: false, policy: 'commit', pull: null }, 'pull request'],
    [
      'a branch of a fork',
      { isThere: false, policy: 'commit', pull: { ...pull, isOwnBranch: false } },
      'pull request',
    ],
    [
      'merged meanwhile',
      { isThere: false, policy: 'commit', pull: { ...pull, isOpen: false } },
      'pull request',
    ],
    [
      'about another model',
      { isThere: false, policy: 'commit', pull: { ...pull, touchesModel: false } },
      'pull request',
    ],
  ] as const)('is written where it belongs: %s', (_, facts, way) => {
    expect(decideWay(facts)).toBe(way);
  });
});
