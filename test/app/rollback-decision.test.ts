import { describe, expect, it } from 'vitest';
import { digestOf } from '#lib/formats/digest.ts';
import type { RegisteredVersion } from '#lib/lifecycle/registry.ts';
import type { DeploymentRecord, Phase } from '#lib/lifecycle/rollout.ts';
import { decideRollback, type RollbackFacts } from '../../app/rollback-decision.ts';

const version = (name: string, state: RegisteredVersion['state'] = 'registered'): RegisteredVersion => ({
  version: name,
  candidate: digestOf(name),
  bundle: digestOf(`${name} bundle`),
  commit: 'a'.repeat(40),
  state,
});
const release = (name: string) => ({ ...version(name), model: digestOf(`${name} model`) });
const record = (
  n: number,
  name: string,
  phase: Phase,
  more: { previous?: string; rollback?: DeploymentRecord['rollback'] } = {},
) =>
  ({
    n,
    phase,
    release: release(name),
    previous: more.previous ? release(more.previous) : null,
    rollback: more.rollback ?? null,
  }) as unknown as DeploymentRecord;

const frozen = (name: string) => ({ candidate: digestOf(name), version: name, login: 'ml-lead' });
const facts: RollbackFacts = {
  environment: 'production',
  asked: null,
  records: [
    record(1, '1.0.0', 'succeeded'),
    record(2, '1.1.0', 'succeeded'),
    record(3, '1.2.0', 'succeeded'),
  ],
  versions: [version('1.0.0'), version('1.1.0'), version('1.2.0'), version('1.3.0')],
  frozen: [],
};
const to = (bad: string, good: string, ends: number | null = null) => ({
  kind: 'rollback',
  bad: expect.objectContaining({ version: bad }),
  to: version(good),
  ends,
});
const no = (reason: RegExp) => ({ kind: 'refuse', reason: expect.stringMatching(reason) });

describe('decideRollback', () => {
  it.each<[string, RollbackFacts, object]>([
    ['the version before', facts, to('1.2.0', '1.1.0')],
    ['the version that is named', { ...facts, asked: '1.0.0' }, to('1.2.0', '1.0.0')],
    ['one that never served here', { ...facts, asked: '1.3.0' }, to('1.2.0', '1.3.0')],
    ['past one that is frozen', { ...facts, frozen: [frozen('1.1.0')] }, to('1.2.0', '1.0.0')],
    [
      'past one that is registered no more',
      { ...facts, versions: [version('1.0.0'), version('1.1.0', 'deregistered'), version('1.2.0')] },
      to('1.2.0', '1.0.0'),
    ],
    [
      'past one that was given up',
      { ...facts, records: [...facts.records, record(4, '1.3.0', 'rolled-back')] },
      to('1.2.0', '1.1.0'),
    ],
    [
      'from a canary to what serves',
      { ...facts, records: [...facts.records, record(4, '1.3.0', 'progressing', { previous: '1.2.0' })] },
      to('1.3.0', '1.2.0', 4),
    ],
    [
      'from a canary that is paused',
      { ...facts, records: [...facts.records, record(4, '1.3.0', 'paused', { previous: '1.2.0' })] },
      to('1.3.0', '1.2.0', 4),
    ],
    ['nothing serves', { ...facts, records: [] }, no(/^nothing serves in production$/)],
    ['it serves already', { ...facts, asked: '1.2.0' }, no(/v1\.2\.0 serves in production already/)],
    [
      'it is not registered',
      { ...facts, asked: '9.0.0' },
      no(/v9\.0\.0 is not registered: .* one of 1\.0\.0, 1\.1\.0, 1\.3\.0$/),
    ],
    [
      'it is frozen itself',
      { ...facts, asked: '1.1.0', frozen: [frozen('1.1.0')] },
      no(/v1\.1\.0 is frozen since ml-lead/),
    ],
    [
      'nothing served before',
      { ...facts, records: [record(1, '1.0.0', 'succeeded')], versions: [version('1.0.0')] },
      no(/there is none to choose$/),
    ],
    [
      'another version than the one beside a canary',
      {
        ...facts,
        asked: '1.0.0',
        records: [...facts.records, record(4, '1.3.0', 'progressing', { previous: '1.2.0' })],
      },
      no(/rolled out beside v1\.2\.0/),
    ],
    [
      'a first rollout under way',
      { ...facts, records: [record(1, '1.0.0', 'progressing')] },
      no(/the first version in production/),
    ],
    [
      'a rollback under way',
      {
        ...facts,
        records: [
          ...facts.records,
          record(4, '1.1.0', 'pending', { previous: '1.2.0', rollback: { login: 'ml-lead', comment: 9 } }),
        ],
      },
      no(/the rollback to v1\.1\.0 is under way/),
    ],
  ])('%s', (_, given, plan) => {
    expect(decideRollback(given)).toEqual(plan);
  });
});
