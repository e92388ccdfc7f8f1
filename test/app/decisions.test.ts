import { describe, expect, it } from 'vitest';
import { digestOf } from '#lib/formats/digest.ts';
import type { FreezeRecord } from '#lib/lifecycle/records.ts';
import type { RegisteredVersion } from '#lib/lifecycle/registry.ts';
import type { DeploymentRecord, Phase } from '#lib/lifecycle/rollout.ts';
import { decideDeployment, pausedByFaults, resumed } from '../../app/deploy-decision.ts';
import { decideHealth } from '../../app/health-decision.ts';
import { decideProblem } from '../../app/problem-decision.ts';
import { decideRegistration, type RegistrationFacts } from '../../app/registration-decision.ts';
import { ask } from './facts.ts';

describe('decideHealth', () => {
  it.each([
    { decay: 'failed', isOpen: false, plan: 'open' },
    { decay: 'inconclusive', isOpen: false, plan: 'none' },
    { decay: 'passed', isOpen: false, plan: 'none' },
    { decay: 'failed', isOpen: true, plan: 'update' },
    { decay: 'inconclusive', isOpen: true, plan: 'update' },
    { decay: 'passed', isOpen: true, plan: 'close' },
  ] as const)('$decay, open: $isOpen -> $plan', ({ decay, isOpen, plan }) => {
    expect(decideHealth({ decay, isOpen })).toBe(plan);
  });
});

describe('decideProblem', () => {
  const problem = { model: 'bikes' } as Parameters<typeof decideProblem>[0]['problem'];
  const digest = digestOf('asked');
  const facts = { problem, digest, approved: false, held: false, isDefined: false, pull: null };
  const pull = { number: 7, state: 'open' as const, problem: digest };
  it.each([
    [{ ...facts, problem: null }, { kind: 'incomplete' }],
    [facts, { kind: 'ask' }],
    [{ ...facts, approved: true }, { kind: 'define' }],
    [{ ...facts, approved: true, held: true }, { kind: 'held' }],
    [{ ...facts, approved: true, isDefined: true }, { kind: 'defined' }],
    [
      { ...facts, approved: true, pull },
      { kind: 'proposed', pull, differs: false },
    ],
    [
      { ...facts, digest: digestOf('changed'), isDefined: true, pull },
      { kind: 'proposed', pull, differs: true },
    ],
  ])('%o -> %o', (given, plan) => {
    expect(decideProblem(given)).toEqual(plan);
  });
});

describe('decideDeployment', () => {
  const at = '2026-01-01T00:00:00Z';
  const version = (name: string): RegisteredVersion => ({
    version: name,
    candidate: digestOf(name),
    bundle: digestOf(`${name} bundle`),
    commit: 'a'.repeat(40),
    state: 'registered',
  });
  const record = (n: number, name: string, phase: Phase) => {
    const { candidate, bundle } = version(name);
    const release = { version: name, candidate, bundle, model: digestOf(`${name} model`) };
    return {
      n,
      phase,
      release,
      step_started_at: at,
      history: [{ at, phase, verdict: 'inconclusive', note: '', run: 1 }],
    } as DeploymentRecord;
  };
  const facts = { desired: version('1.1.0'), records: [], frozen: [], again: false };
  const start = (n: number, previous: string | null) => ({
    kind: 'start',
    n,
    previous: previous === null ? null : record(0, previous, 'succeeded').release,
    rollback: null,
  });
  const freeze = (name: string, to: string) =>
    ({
      candidate: version(name).candidate,
      version: name,
      to: { version: to },
      comment: 9,
    }) as FreezeRecord;
  const back = (n: number, name: string, phase: Phase) => ({
    ...record(n, name, phase),
    rollback: { login: 'ml-lead', comment: 9 },
  });
  const none = expect.objectContaining({ kind: 'none' });
  const served = record(1, '1.0.0', 'succeeded');
  const paused = record(2, '1.1.0', 'paused');
  const stuck = pausedByFaults(paused, at, { note: 'the target is unreachable', run: 7 });

  it('resumes the step that was paused, or starts what never started', () => {
    expect(resumed(paused, '2026-01-02T00:00:00Z')).toMatchObject({
      phase: 'progressing',
      step_started_at: '2026-01-02T00:00:00Z',
    });
    expect(resumed({ ...paused, step_started_at: null }, at)).toMatchObject({ phase: 'pending' });
  });

  it.each([
    ['nothing was ever deployed', facts, start(1, null)],
    ['the locks name no version', { ...facts, desired: null }, none],
    ['it is served', { ...facts, records: [record(1, '1.1.0', 'succeeded')] }, none],
    ['an older one is served', { ...facts, records: [record(1, '1.0.0', 'succeeded')] }, start(2, '1.0.0')],
    [
      'an older rollout is under way',
      { ...facts, records: [record(1, '1.0.0', 'progressing')] },
      { kind: 'continue', record: record(1, '1.0.0', 'progressing') },
    ],
    ['a paused one waits for a person', { ...facts, records: [served, paused] }, none],
    [
      'a person lets it go on',
      { ...facts, records: [served, paused], again: true },
      { kind: 'resume', record: paused },
    ],
    [
      'a newer version ends a paused one first',
      { ...facts, desired: version('1.2.0'), records: [served, paused] },
      { kind: 'end', record: paused },
    ],
    [
      'jobs that failed to end it are not dispatched for ever',
      { ...facts, desired: version('1.2.0'), records: [served, stuck] },
      none,
    ],
    [
      'a person asks to end it once more',
      { ...facts, desired: version('1.2.0'), records: [served, stuck], again: true },
      { kind: 'end', record: stuck },
    ],
    [
      'it was rolled back',
      { ...facts, records: [record(1, '1.0.0', 'succeeded'), record(2, '1.1.0', 'rolled-back')] },
      none,
    ],
    [
      'it was rolled back and a person asks again',
      {
        ...facts,
        records: [record(1, '1.0.0', 'succeeded'), record(2, '1.1.0', 'rolled-back')],
        again: true,
      },
      start(3, '1.0.0'),
    ],
    [
      'the locks went back to what was served before',
      {
        ...facts,
        desired: version('1.0.0'),
        records: [record(1, '1.0.0', 'succeeded'), record(2, '1.1.0', 'succeeded')],
      },
      start(3, '1.1.0'),
    ],
    [
      'what is served comes back after a rollout that failed',
      {
        ...facts,
        desired: version('1.0.0'),
        records: [record(1, '1.0.0', 'succeeded'), record(2, '1.1.0', 'rolled-back')],
      },
      none,
    ],
    [
      'what serves was frozen',
      { ...facts, records: [served, record(2, '1.1.0', 'succeeded')], frozen: [freeze('1.1.0', '1.0.0')] },
      { ...start(3, '1.1.0'), rollback: freeze('1.1.0', '1.0.0') },
    ],
    [
      'what is frozen was rolled back, and the locks still name it',
      {
        ...facts,
        records: [served, record(2, '1.1.0', 'succeeded'), back(3, '1.0.0', 'succeeded')],
        frozen: [freeze('1.1.0', '1.0.0')],
        again: true,
      },
      none,
    ],
    [
      'it was unfrozen: nobody said yet that it shall serve',
      { ...facts, records: [served, record(2, '1.1.0', 'succeeded'), back(3, '1.0.0', 'succeeded')] },
      none,
    ],
    [
      'it was unfrozen, and a person asks for it',
      {
        ...facts,
        records: [served, record(2, '1.1.0', 'succeeded'), back(3, '1.0.0', 'succeeded')],
        again: true,
      },
      start(4, '1.0.0'),
    ],
    [
      'a rollback that failed is not tried for ever',
      {
        ...facts,
        records: [served, record(2, '1.1.0', 'succeeded'), back(3, '1.0.0', 'aborted')],
        frozen: [freeze('1.1.0', '1.0.0')],
      },
      none,
    ],
    [
      'a frozen rollout that is under way ends',
      { ...facts, records: [served, record(2, '1.1.0', 'progressing')], frozen: [freeze('1.1.0', '1.0.0')] },
      { kind: 'end', record: record(2, '1.1.0', 'progressing') },
    ],
    [
      'a frozen rollout that is paused ends',
      { ...facts, records: [served, paused], frozen: [freeze('1.1.0', '1.0.0')] },
      { kind: 'end', record: paused },
    ],
    [
      'a rollback that is paused goes on when asked',
      {
        ...facts,
        records: [served, record(2, '1.1.0', 'succeeded'), back(3, '1.0.0', 'paused')],
        frozen: [freeze('1.1.0', '1.0.0')],
        again: true,
      },
      { kind: 'resume', record: back(3, '1.0.0', 'paused') },
    ],
  ])('%s', (_what, given, plan) => {
    expect(decideDeployment(given)).toEqual(plan);
  });
});

describe('decideRegistration', () => {
  const digests = {
    code: digestOf('code'),
    config: digestOf('config'),
    gates: digestOf('gates'),
    policy: digestOf('policy'),
    problem: digestOf('problem'),
  };
  const model = { candidate: digestOf('c'), data: digestOf('data'), ...digests, metrics: { mae: 40 } };
  const facts = {
    locks: { data: { output: { content: digestOf('data') } }, model },
    digests,
    recorded: { lock: model, blocking: [], asks: [], frozen: null, heldBy: null },
  } as unknown as RegistrationFacts;
  const recorded = facts.recorded;
  if (!recorded) throw new Error('these facts have a record');

  it('registers what was judged and approved', () => {
    expect(decideRegistration(facts)).toEqual({ kind: 'register' });
  });

  it.each<[string, Partial<RegistrationFacts>, RegExp]>([
    ['no evaluation', { recorded: null }, /no recorded evaluation/],
    ['other code', { digests: { ...digests, code: digestOf('other') } }, /merged code/],
    ['other gates', { digests: { ...digests, gates: digestOf('other') } }, /merged gates/],
    [
      'an edited figure',
      { recorded: { ...recorded, lock: { ...recorded.lock, metrics: { mae: 1 } } } },
      /another metrics/,
    ],
    ['a gate that stops it', { recorded: { ...recorded, blocking: ['mae'] } }, /mae/],
    [
      'a missing approval',
      {
        recorded: {
          ...recorded,
          asks: [ask({ missing: [{ rule: 'model', count: 1, roles: ['ml-lead'] }] })],
        },
      },
      /1 more approval of the candidate by ml-lead/,
    ],
    [
      'a problem that nobody approved beside an approved candidate',
      {
        recorded: {
          ...recorded,
          asks: [
            ask({}),
            { ...ask({ missing: [{ rule: 'problem', count: 1, roles: ['owner'] }] }), subject: 'problem' },
          ],
        },
      },
      /1 more approval of the problem by owner/,
    ],
    ['a freeze', { recorded: { ...recorded, frozen: 'v1.1.0 is frozen' } }, /v1\.1\.0 is frozen/],
    ['a hold', { recorded: { ...recorded, heldBy: 'product-owner' } }, /product-owner holds it: \/unhold/],
    [
      'other data',
      {
        locks: { ...facts.locks, data: { output: { content: digestOf('x') } } } as RegistrationFacts['locks'],
      },
      /different data/,
    ],
  ])('refuses %s', (_what, over, reason) => {
    const plan = decideRegistration({ ...facts, ...over });
    expect(plan.kind === 'refuse' && plan.reasons.join('\n')).toMatch(reason);
  });
});
