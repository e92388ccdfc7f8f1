import { describe, expect, it } from 'vitest';
import type { DeploymentRecord, Phase } from '#lib/lifecycle/rollout.ts';
import { instantOf, parseServingAsk } from '#lib/lifecycle/serving-ask.ts';
import { foldServing, servedAt } from '#lib/lifecycle/serving-history.ts';

const digest = (n: number) => `sha256:${String(n).repeat(64).slice(0, 64)}` as const;
const release = (version: string) => {
  const one = digest(Number(version.split('.')[1]));
  return { version, candidate: one, bundle: one, model: one };
};
const at = (hour: number) => `2026-03-01T${String(hour).padStart(2, '0')}:00:00.000Z`;

function rollout(
  n: number,
  version: string,
  former: string | null,
  steps: [number, Phase][],
): DeploymentRecord {
  return {
    kind: 'roundhouse-deployment',
    ...{ n, model: 'bikes', environment: 'production', commit: 'c', release: release(version) },
    previous: former === null ? null : release(former),
    strategy: {
      kind: 'canary',
      steps: [{ weight: 25, min_requests: 1, max_duration: 'PT1M' }],
      checks: { max_error_rate: 0.01, max_latency_p95_ms: 250 },
    },
    target: { kind: 'process', url: 'http://127.0.0.1:1' },
    phase: steps.at(-1)?.[1] ?? 'pending',
    ...{ step: 0, step_started_at: null, github_deployment: null },
    rollback: null,
    history: steps.map(([hour, phase]) => ({
      at: at(hour),
      phase,
      verdict: 'passed',
      note: 'said',
      run: hour,
    })),
  };
}

const first = rollout(1, '1.0.0', null, [[1, 'succeeded']]);
const second = rollout(2, '1.1.0', '1.0.0', [
  [2, 'progressing'],
  [3, 'progressing'],
  [4, 'succeeded'],
]);
const shown = (records: DeploymentRecord[]) =>
  foldServing(records).map(({ version, share, from, until, ended }) => [
    version,
    share,
    from.slice(11, 13),
    until?.slice(11, 13) ?? null,
    ended && `${ended.kind} ${ended.by}`,
  ]);

describe('what served when', () => {
  it('is nothing before the first rollout has succeeded', () => {
    expect(foldServing([])).toEqual([]);
    expect(foldServing([rollout(1, '1.0.0', null, [])])).toEqual([]);
  });

  it('ends where a newer version has all the traffic, whatever the order of the records', () => {
    expect(shown([second, first])).toEqual([
      ['1.0.0', 'all', '01', '04', 'replaced 1.1.0'],
      ['1.1.0', 'all', '04', null, null],
    ]);
    expect(foldServing([first, second])[1]).toMatchObject({ part_from: at(2) });
  });

  it('knows a canary that went back, and leaves what served as it was', () => {
    const failed = rollout(3, '1.2.0', '1.1.0', [
      [5, 'progressing'],
      [6, 'rolled-back'],
    ]);
    expect(shown([first, second, failed]).slice(1)).toEqual([
      ['1.1.0', 'all', '04', null, null],
      ['1.2.0', 'part', '05', '06', 'rolled back 1.1.0'],
    ]);
  });

  it('knows a rollout that was given up before any traffic', () => {
    const failed = rollout(3, '1.2.0', '1.1.0', [[5, 'aborted']]);
    expect(shown([first, second, failed]).at(-1)).toEqual(['1.2.0', 'none', '05', '05', 'aborted 1.1.0']);
  });

  it('calls an older version that takes over a rollback', () => {
    const back = rollout(3, '1.0.0', '1.1.0', [[7, 'succeeded']]);
    expect(shown([first, second, back]).slice(1)).toEqual([
      ['1.1.0', 'all', '04', '07', 'rolled back 1.0.0'],
      ['1.0.0', 'all', '07', null, null],
    ]);
  });

  it('says who asked for a rollback', () => {
    const back = rollout(3, '1.0.0', '1.1.0', [[7, 'succeeded']]);
    const asked = { ...back, rollback: { login: 'ml-lead', comment: 5 } };
    expect(foldServing([first, second, asked])[1]?.ended).toEqual({
      ...{ kind: 'rolled back', by: '1.0.0', note: 'asked for by ml-lead' },
    });
  });

  it('gives the traffic back to what served before where a rollout is taken back after it had succeeded', () => {
    const back = rollout(2, '1.1.0', '1.0.0', [
      [4, 'succeeded'],
      [8, 'rolled-back'],
    ]);
    expect(shown([first, back]).slice(1)).toEqual([
      ['1.1.0', 'all', '04', '08', 'rolled back 1.0.0'],
      ['1.0.0', 'all', '08', null, null],
    ]);
  });
});

describe('what served at an instant', () => {
  const rows = foldServing([first, second]);
  it.each<[number, string[]]>([
    [0, []],
    [1, ['1.0.0 all']],
    [2, ['1.0.0 part', '1.1.0 part']],
    [4, ['1.1.0 all']],
    [23, ['1.1.0 all']],
  ])('hour %i', (hour, served) => {
    const found = servedAt(rows, Date.parse(at(hour)));
    expect(found.map(({ row, share }) => `${row.version} ${share}`)).toEqual(served);
  });
});

describe('the line of /history', () => {
  const all = { environment: null, model: null, at: null };
  it.each([
    ['', all],
    ['production', { ...all, environment: 'production' }],
    ['--at 2026-03-01', { ...all, at: '2026-03-01T23:59:59.999Z' }],
    [
      'production --at=2026-03-01T10:00:00+02:00',
      { ...all, environment: 'production', at: '2026-03-01T08:00:00.000Z' },
    ],
    ['--model bikes staging', { ...all, model: 'bikes', environment: 'staging' }],
  ])('%j is read', (text, ask) => expect(parseServingAsk(text)).toEqual(ask));

  it.each([
    ['--at', /date must look like/],
    ['--at yesterday', /date must look like/],
    ['--at 2026-03-01T10:00:00', /time zone/],
    ['--at 2026-02-30', /date must look like/],
    ['a b', /one environment/],
    ['Prod!', /environment must be/],
    ['--model', /model must be/],
    ['--since 2026-01-01', /environment must be/],
  ])('%j is refused', (text, reason) => expect(parseServingAsk(text)).toMatch(reason));

  it('has a day end in UTC', () => {
    expect(instantOf('2026-12-31')).toBe('2026-12-31T23:59:59.999Z');
    expect(instantOf('2026-12-31T23:00:00-02:00')).toBe('2027-01-01T01:00:00.000Z');
  });
});
