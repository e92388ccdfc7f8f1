import { describe, expect, it } from 'vitest';
import { digestOf } from '#lib/formats/digest.ts';
import type { WorkflowRun } from '#lib/github/runs.ts';
import { EvidenceRefused, refusalOfRun, refusalOfScheduledRun, takeStatement } from '../../app/evidence.ts';
import { retrainResult, statementOf } from '../loop/statements.ts';

const repository = 'acme/bikes';
const run: WorkflowRun = {
  id: 11,
  attempt: 1,
  path: '.github/workflows/roundhouse-evaluate.yml',
  title: 'roundhouse abcdef',
  event: 'workflow_dispatch',
  actor: 'roundhouse[bot]',
  status: 'completed',
  conclusion: 'success',
  head_branch: 'main',
  head_sha: 'a'.repeat(40),
  head_repository: repository,
  created_at: '2026-01-01T00:00:00Z',
  url: '',
};
const request = { run: 11, workflow: 'roundhouse-evaluate.yml' };
const from = { repository, bot: 'roundhouse[bot]', branch: 'main' };

// Fact 5.
describe('whose evidence counts', () => {
  it('is the run that our own dispatch returned', () => {
    expect(refusalOfRun(run, request, from)).toBeNull();
  });

  it.each<[string, Partial<WorkflowRun>]>([
    ['another run of the same file', { id: 12 }],
    ['the untrusted workflow', { path: '.github/workflows/roundhouse.yml' }],
    ['a push', { event: 'push' }],
    ["a writer's own branch", { head_branch: 'evil' }],
    ['a fork', { head_repository: 'mallory/bikes' }],
    ['a run whose repository is gone', { head_repository: null }],
    ['a hand dispatch by a writer', { actor: 'data-scientist' }],
  ])('is not %s', (_what, over) => {
    expect(refusalOfRun({ ...run, ...over }, request, from)).toContain('expected');
  });

  const monitor = { ...run, event: 'schedule', path: '.github/workflows/roundhouse-monitor.yml' };
  const rules = { repository, branch: 'main', workflow: 'roundhouse-monitor.yml' };
  it.each<[string, Partial<WorkflowRun>, boolean]>([
    ['the schedule on the default branch', {}, true],
    ['a dispatch', { event: 'workflow_dispatch' }, false],
    ['the schedule of another branch', { head_branch: 'evil' }, false],
    ['another file on a schedule', { path: '.github/workflows/mine.yml' }, false],
    ['a fork', { head_repository: 'mallory/bikes' }, false],
  ])('of a monitor, %s: %s', (_what, over, counts) => {
    expect(refusalOfScheduledRun({ ...monitor, ...over }, rules) === null).toBe(counts);
  });
});

describe('takeStatement', () => {
  const made = { id: 11, attempt: 1, repository };
  const result = retrainResult('2026-01-01T00:00:00Z', digestOf('monitor'), {
    triggered: false,
    asked_by: null,
  });
  const good = statementOf('retrain', { model: 'bikes', plan: null, run: made, result });
  const expected = { repository, model: 'bikes', plan: null };

  function artifacts(texts: Record<string, string | Error>) {
    const listed = Object.keys(texts).map((name, id) => ({
      id,
      name,
      size: 1,
      digest: null,
      expired: false,
    }));
    return {
      list: async () => listed,
      statement: async ({ name }: { name: string }) => {
        const text = texts[name];
        if (text instanceof Error) throw text;
        return text ?? '';
      },
    };
  }
  const take = (texts: Record<string, string | Error>) =>
    takeStatement(artifacts(texts), run, { stage: 'retrain', index: 0, expected });

  it('gives text, digest and value', async () => {
    const text = JSON.stringify(good, null, 2);
    const taken = await take({ 'evidence-retrain-0-1': text, 'evidence-retrain-1-1': 'not asked for' });
    expect(taken).toEqual({ digest: digestOf(text), text, statement: good });
  });

  const changed = (predicate: object) =>
    JSON.stringify({ ...good, predicate: { ...good.predicate, ...predicate } });
  it.each<[string, Record<string, string | Error>]>([
    ['none', {}],
    ['one of an earlier attempt', { 'evidence-retrain-0-0': JSON.stringify(good) }],
    ['one of a later attempt', { 'evidence-retrain-0-2': JSON.stringify(good) }],
    ['no JSON', { 'evidence-retrain-0-1': 'x' }],
    ['another stage', { 'evidence-retrain-0-1': JSON.stringify({ ...good, predicateType: 'evaluate' }) }],
    ['an unknown key', { 'evidence-retrain-0-1': JSON.stringify({ ...good, extra: 1 }) }],
    ['another model', { 'evidence-retrain-0-1': changed({ model: 'cars' }) }],
    ['another plan', { 'evidence-retrain-0-1': changed({ plan: digestOf('plan') }) }],
    [
      'another run',
      { 'evidence-retrain-0-1': changed({ run: { kind: 'actions', repository, id: 12, attempt: 1 } }) },
    ],
    [
      'another attempt',
      { 'evidence-retrain-0-1': changed({ run: { kind: 'actions', repository, id: 11, attempt: 2 } }) },
    ],
    ['a laptop', { 'evidence-retrain-0-1': changed({ run: { kind: 'local', id: 'x' } }) }],
    [
      'another repository',
      {
        'evidence-retrain-0-1': changed({ run: { kind: 'actions', repository: 'm/b', id: 11, attempt: 1 } }),
      },
    ],
    [
      'a subject twice',
      { 'evidence-retrain-0-1': JSON.stringify({ ...good, subject: [good.subject[0], good.subject[0]] }) },
    ],
    ['an archive that is none', { 'evidence-retrain-0-1': new Error('invalid zip data') }],
  ])('refuses %s', async (_what, texts) => {
    await expect(take(texts)).rejects.toBeInstanceOf(EvidenceRefused);
  });

  it('does not take an outage of GitHub for bad evidence', async () => {
    const outage = Object.assign(new Error('Bad gateway'), { status: 502 });
    await expect(take({ 'evidence-retrain-0-1': outage })).rejects.toBe(outage);
  });
});
