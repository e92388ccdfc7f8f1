import { expect, it } from 'vitest';
import { decideStanding, type StandingFacts } from '#lib/lifecycle/standing-approval.ts';

const facts: StandingFacts = {
  isRetraining: true,
  people: { author: null, committers: [], causers: [] },
  otherPaths: [],
  contract: 'passed',
  gates: [
    { name: 'mae', verdict: 'passed' },
    { name: 'not worse than champion', verdict: 'passed' },
  ],
  approval: {
    people: ['ann', 'bob'],
    since: '2026-01-01T00:00:00.000Z',
    expires: '2026-07-01T00:00:00.000Z',
  },
  changed: [],
  used: 1,
  max_versions: 5,
  now: '2026-06-30T23:59:59.999Z',
};

it('everything as it was approved: the second of five', () => {
  expect(decideStanding(facts)).toEqual({ kind: 'approved', people: ['ann', 'bob'], version: 2, of: 5 });
});

it.each<[string, Partial<StandingFacts>, RegExp]>([
  ['a pull request of a person', { isRetraining: false }, /no retraining/],
  ['an author', { people: { ...facts.people, author: 'carl' } }, /^carl opened it$/],
  ['a commit by a person', { people: { ...facts.people, committers: ['carl'] } }, /carl committed/],
  ['a command by a person', { people: { ...facts.people, causers: ['carl'] } }, /carl asked for it/],
  ['another file', { otherPaths: ['models/bikes/model.yml'] }, /it changes models\/bikes\/model\.yml/],
  ['a gate that cannot tell', { gates: [{ name: 'mae', verdict: 'inconclusive' }] }, /"mae" is inconclusive/],
  ['a gate that failed', { gates: [{ name: 'mae', verdict: 'failed' }] }, /"mae" is failed/],
  ['no gate', { gates: [] }, /no gate was judged/],
  ['a contract that cannot tell', { contract: 'inconclusive' }, /contract is inconclusive/],
  ['a procedure that nobody approved', { approval: null }, /the procedure is not approved/],
  ['another procedure', { approval: null, changed: ['code', 'gates'] }, /approved: code, gates$/],
  ['the moment it ends', { now: '2026-07-01T00:00:00.000Z' }, /ended at 2026-07-01/],
  ['all versions used', { used: 5 }, /5 versions were made by it/],
])('%s goes to people, by name', (_, change, reason) => {
  expect(decideStanding({ ...facts, ...change })).toEqual({
    kind: 'deviates',
    reasons: [expect.stringMatching(reason)],
  });
});
