import { expect, it } from 'vitest';
import { decideOverride, type OverrideFacts } from '../../app/override-decision.ts';

const facts: OverrideFacts = {
  gate: 'MAE at most 60',
  gates: [
    { name: 'mae at most 60', verdict: 'failed' },
    { name: 'better than trivial', verdict: 'inconclusive' },
    { name: 'not worse than champion', verdict: 'passed' },
  ],
  known: [],
};
const no = (reason: RegExp) => ({ kind: 'refuse', reason: expect.stringMatching(reason) });

it.each<[string, OverrideFacts, object]>([
  ['one that failed', facts, { kind: 'override', gate: 'mae at most 60', verdict: 'failed' }],
  [
    'one that cannot tell',
    { ...facts, gate: 'better than trivial' },
    { kind: 'override', gate: 'better than trivial', verdict: 'inconclusive' },
  ],
  ['one that passed', { ...facts, gate: 'not worse than champion' }, no(/passed: nothing to override/)],
  [
    'none of that name',
    { ...facts, gate: 'mae' },
    no(/no gate "mae": it can be one of "mae at most 60", "bett/),
  ],
  ['the contract of the data', { ...facts, gate: 'contract' }, no(/no gate "contract"/)],
  [
    'a second one of the same candidate',
    { ...facts, known: [{ gate: 'better than trivial', people: ['ann', 'bob'] }] },
    no(/one gate of a candidate can be overridden, and ann and bob did "better than trivial"/),
  ],
])('an override of %s', (_, given, plan) => {
  expect(decideOverride(given)).toEqual(plan);
});
