import { describe, expect, it } from 'vitest';
import { decideGroup, type GroupFacts } from '../../app/group-decision.ts';

const green: GroupFacts['gate'] = { conclusion: 'success', title: 'may be merged' };
const bikes = { model: 'bikes', isAhead: false, differs: [] };

// Need 5.
describe('decideGroup', () => {
  it.each<[string, GroupFacts, boolean, RegExp]>([
    ['no model', { gate: green, models: [] }, false, /no model touched/],
    ['as approved', { gate: green, models: [bikes] }, false, /as it was approved/],
    ['a gate that was never posted', { gate: null, models: [] }, true, /nothing is judged yet/],
    [
      'a gate that still works',
      { gate: { conclusion: null, title: 'training' }, models: [bikes] },
      true,
      /not ready: training/,
    ],
    ['a hold', { gate: { conclusion: 'failure', title: 'held by x' }, models: [bikes] }, true, /held by x/],
    [
      'the same model ahead in the queue, approved as both are',
      { gate: green, models: [{ ...bikes, isAhead: true }] },
      true,
      /bikes: another pull request ahead/,
    ],
    [
      'package locks ahead in the queue',
      {
        gate: green,
        models: [
          { ...bikes, differs: ['code'] },
          { ...bikes, model: 'cars' },
        ],
      },
      true,
      /not what was approved.*code of bikes/,
    ],
  ])('%s', (_what, facts, isWrong, reason) => {
    const decided = decideGroup(facts);
    expect(decided.isWrong).toBe(isWrong);
    expect(decided.reason).toMatch(reason);
  });
});
