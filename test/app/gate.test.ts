import { describe, expect, it } from 'vitest';
import { decideChecks, type GateFacts, openGates, unplannedChecks } from '../../app/features/gate.ts';
import { refusalOfPull } from '../../app/pull-facts.ts';
import type { Standing } from '../../app/standing.ts';
import { ask, gate, judged } from './facts.ts';

const facts = (over: Partial<GateFacts>): GateFacts => ({
  conflict: null,
  faults: [],
  hold: null,
  models: [],
  asks: [],
  elsewhere: null,
  ...over,
});
const one = (standing: Standing, asks: Parameters<typeof ask>[0][] = []): Partial<GateFacts> => ({
  models: [{ model: 'bikes', standing, asks: asks.map(ask), frozen: null }],
});
const missing = { missing: [{ rule: 'model' as const, count: 1, roles: ['ml-lead'] }] };
const alsoAsked = {
  missing: [...missing.missing, { rule: 'inconclusive' as const, count: 1, roles: ['product-owner'] }],
};
const given = {
  state: 'approved' as const,
  counted: [{ id: 1, login: 'ml-lead', rule: 'model' as const, roles: ['ml-lead'] }],
};
const training: Standing = { state: 'working', stage: 'train', run: 1, request_id: 'abcdef01', reasons: [] };
const hold: GateFacts['hold'] = {
  kind: 'roundhouse-hold',
  issue: 1,
  held: true,
  login: 'ml-lead',
  reason: '',
  comment: 1,
  earlier: [],
  at: '2026-01-01T00:00:00Z',
};

const conflict = { state: 'conflict' as const, base: 'b'.repeat(40), files: [], regenerated: [] };

// Fact 10. Waiting for people is completed and `action_required`, never left open.
describe('decideChecks', () => {
  const passed = judged([gate('mae', 'passed')]);
  it.each<[string, Partial<GateFacts>, string, RegExp]>([
    ['no model', {}, 'success', /no model touched/],
    [
      'a conflict of what Roundhouse writes',
      { conflict: { ...conflict, regenerated: ['models/bikes/model.lock'] } },
      'failure',
      /conflicts in models\/bikes\/model.lock: `\/update`/,
    ],
    [
      'a conflict for people',
      { conflict: { ...conflict, files: ['a', 'b', 'c', 'd'], regenerated: ['e'] } },
      'failure',
      /conflicts in a, b, c and 1 more: merge the base by hand/,
    ],
    ['broken files', { faults: ['models/bikes/data.yml:1:1: x'] }, 'failure', /1 fault in/],
    ['more broken files', { faults: ['a', 'b'] }, 'failure', /2 faults in/],
    ['an untouched model', one({ state: 'untouched' }), 'success', /no model touched/],
    ['a draft', one({ state: 'definition', reason: '' }), 'success', /definition only/],
    [
      'a draft that is not approved',
      one({ state: 'definition', reason: '' }, [missing]),
      'action_required',
      /ml-lead/,
    ],
    ['an old base', one({ state: 'out-of-date', reason: 'merge the base' }), 'failure', /merge the base/],
    ['a draft that nobody asked to run', one({ state: 'waiting', reasons: [] }), 'action_required', /\/plan/],
    [
      'a budget that is used up',
      one({
        state: 'over-budget',
        stage: 'train',
        reasons: ['2 of 2 runs today'],
        until: '2026-03-02T00:00:00.000Z',
      }),
      'null',
      /budget: 2 of 2 runs today; free again at 2026-03-02 00:00 UTC/,
    ],
    ['training', one(training), 'null', /data/],
    ['the holdout alone', one({ ...training, stage: 'data' }), 'null', /data/],
    ['judging', one({ ...training, stage: 'evaluate' }), 'null', /judging/],
    ['a fault', one({ state: 'fault', stage: 'train', run: 1, note: 'disk full' }), 'failure', /disk full/],
    ['locks to come', one(judged([gate('mae', 'passed')], { committed: false })), 'null', /locks/],
    ['a passed candidate', one(passed, [missing]), 'action_required', /0 of 1 approvals.*ml-lead/],
    ['an approved candidate', one(passed, [given]), 'success', /may be merged/],
    [
      'an approved candidate for another branch',
      { ...one(passed, [given]), elsewhere: 'release' },
      'success',
      /into release.*only from the default branch/,
    ],
    [
      'a failed gate',
      one(judged([gate('mae', 'failed'), gate('auc', 'passed')])),
      'failure',
      /stopped by mae/,
    ],
    [
      'a gate that cannot tell and blocks',
      one(judged([gate('mae', 'inconclusive', 'block')])),
      'failure',
      /mae/,
    ],
    [
      'a gate that cannot tell and asks',
      one(judged([gate('mae', 'inconclusive')]), [alsoAsked]),
      'action_required',
      /0 of 2 approvals.*product-owner \(a gate is inconclusive\)/,
    ],
    [
      'one that asked and was answered',
      one(judged([gate('mae', 'inconclusive')]), [given]),
      'success',
      /merged/,
    ],
    [
      'one that cannot tell and passes',
      one(judged([gate('mae', 'inconclusive', 'pass')]), [given]),
      'success',
      /merged/,
    ],
    [
      'a gate that is passed by override',
      one(judged([gate('mae', 'failed')], { overrides: ['mae'] }), [missing]),
      'action_required',
      /0 of 1 approvals/,
    ],
    [
      'an override of another gate',
      one(judged([gate('mae', 'failed'), gate('auc', 'failed')], { overrides: ['mae'] }), [given]),
      'failure',
      /stopped by auc/,
    ],
    [
      'a candidate that was rolled back before',
      { models: [{ model: 'bikes', standing: passed, asks: [ask(given)], frozen: 'v1.1.0 is frozen' }] },
      'failure',
      /v1\.1\.0 is frozen/,
    ],
    ['a hold on an approved candidate', { ...one(passed, [given]), hold }, 'failure', /held by ml-lead/],
    [
      'data that cannot tell',
      one(judged([gate('mae', 'passed')], { contract: 'inconclusive' }), [given]),
      'success',
      /merged/,
    ],
    [
      'two models, one still training',
      {
        models: [
          { model: 'a', standing: passed, asks: [ask(missing)], frozen: null },
          { model: 'b', standing: training, asks: [], frozen: null },
        ],
      },
      'null',
      /data|training|waits/,
    ],
  ])('%s', (_what, over, conclusion, title) => {
    const { gate: found } = decideChecks(facts(over));
    expect(String(found.conclusion)).toBe(conclusion);
    expect(found.title).toMatch(title);
  });

  it('never says success while any part is open', () => {
    for (const standing of [training, judged([gate('mae', 'failed')]), judged([], { committed: false })]) {
      expect(decideChecks(facts(one(standing))).gate.conclusion).not.toBe('success');
    }
  });
});

// Fact 12.
describe('unplannedChecks', () => {
  it('say why, and no fault of configuration files', () => {
    const head = { ref: 'x', sha: 'a'.repeat(40), same_repository: false };
    const reason = refusalOfPull({ head }) ?? '';
    expect(reason).toContain(`/ok-to-train ${head.sha}`);
    const { gate: found } = unplannedChecks({ isWrong: true, reason, faults: [] });
    expect(found).toEqual({ conclusion: 'failure', title: reason });
    expect(refusalOfPull({ head: { ...head, same_repository: true } })).toBeNull();
    const fine = unplannedChecks({ isWrong: false, reason: 'no model touched', faults: [] });
    expect(fine.gate.conclusion).toBe('success');
  });
});

describe('openGates', () => {
  it.each([
    { gates: [gate('a', 'passed')], blocking: [], asking: [] },
    { gates: [gate('a', 'failed')], blocking: ['a'], asking: [] },
    { gates: [gate('a', 'failed', 'pass')], blocking: ['a'], asking: [] },
    { gates: [gate('a', 'inconclusive', 'block')], blocking: ['a'], asking: [] },
    { gates: [gate('a', 'inconclusive', 'ask'), gate('b', 'failed')], blocking: ['b'], asking: ['a'] },
    { gates: [gate('a', 'inconclusive', 'pass')], blocking: [], asking: [] },
  ])('$gates', ({ gates, blocking, asking }) => {
    const open = openGates({ gates } as Parameters<typeof openGates>[0], []);
    expect(open.blocking.map(({ name }) => name)).toEqual(blocking);
    expect(open.asking.map(({ name }) => name)).toEqual(asking);
  });

  it('an override passes its gate alone, and only one that did not pass', () => {
    const gates = [gate('a', 'failed'), gate('b', 'failed'), gate('c', 'passed'), gate('d', 'inconclusive')];
    const names = (overrides: string[]) => {
      const open = openGates(
        { gates } as Parameters<typeof openGates>[0],
        overrides.map((name) => ({ gate: name })),
      );
      return [open.blocking, open.asking, open.overridden].map((found) => found.map(({ name }) => name));
    };
    expect(names(['a'])).toEqual([['b'], ['d'], ['a']]);
    expect(names(['c'])).toEqual([['a', 'b'], ['d'], []]);
    expect(names(['d'])).toEqual([['a', 'b'], [], ['d']]);
  });
});
