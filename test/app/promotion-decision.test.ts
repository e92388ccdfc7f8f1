import { expect, it } from 'vitest';
import { digestOf } from '#lib/formats/digest.ts';
import type { RegisteredVersion } from '#lib/lifecycle/registry.ts';
import type { DeploymentRecord, Phase } from '#lib/lifecycle/rollout.ts';
import { decidePromotion, type PromotionFacts } from '../../app/promotion-decision.ts';

const version = (name: string): RegisteredVersion => ({
  version: name,
  candidate: digestOf(name),
  bundle: digestOf(`${name} bundle`),
  commit: 'a'.repeat(40),
  state: 'registered',
});
const record = (n: number, name: string, phase: Phase) =>
  ({ n, phase, release: { ...version(name), model: digestOf(name) } }) as unknown as DeploymentRecord;
const staged = record(1, '1.0.0', 'succeeded');
const facts: PromotionFacts = {
  environment: 'production',
  from: 'staging',
  records: { from: [staged, record(2, '1.1.0', 'succeeded')], to: [staged] },
  versions: [version('1.0.0'), version('1.1.0')],
  frozen: [],
};
const promote = (name: string, rollout: number) => ({
  kind: 'promote',
  from: 'staging',
  version: version(name),
  rollout,
});
const no = (reason: RegExp) => ({ kind: 'refuse', reason: expect.stringMatching(reason) });
const from = (...records: DeploymentRecord[]) => ({ ...facts, records: { from: records, to: [] } });

it.each<[string, PromotionFacts, object]>([
  ['what serves', facts, promote('1.1.0', 2)],
  ['the first one', { ...facts, records: { ...facts.records, to: [] } }, promote('1.1.0', 2)],
  [
    'what serves after a rollout that failed',
    from(staged, record(2, '1.1.0', 'rolled-back')),
    promote('1.0.0', 1),
  ],
  [
    'past another rollout there',
    { ...facts, records: { ...facts.records, to: [record(3, '1.0.0', 'paused')] } },
    promote('1.1.0', 2),
  ],
  ['nothing to an environment that a merge deploys to', { ...facts, from: null }, no(/no `promotes_from`/)],
  [
    'nothing while the source moves',
    from(staged, record(2, '1.1.0', 'progressing')),
    no(/progressing in staging/),
  ],
  ['nothing while the source is paused', from(staged, record(2, '1.1.0', 'paused')), no(/paused in staging/)],
  ['nothing of an empty source', from(), no(/nothing serves in staging/)],
  [
    'nothing frozen',
    { ...facts, frozen: [{ candidate: digestOf('1.1.0'), login: 'ann' }] },
    no(/v1\.1\.0 is frozen since ann/),
  ],
  [
    'nothing that is registered no more',
    { ...facts, versions: [version('1.0.0')] },
    no(/not registered any more/),
  ],
  [
    'nothing twice',
    { ...facts, records: { ...facts.records, to: [record(4, '1.1.0', 'succeeded')] } },
    no(/serves in production already/),
  ],
  [
    'nothing that is on its way',
    { ...facts, records: { ...facts.records, to: [staged, record(4, '1.1.0', 'progressing')] } },
    no(/being rolled out in production already/),
  ],
])('promotes %s', (_, given, plan) => {
  expect(decidePromotion(given)).toEqual(plan);
});
