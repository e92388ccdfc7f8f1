import { beforeEach, expect, it } from 'vitest';
import { canonicalJson, digestOf } from '#lib/formats/digest.ts';
import type { MonitorRecord } from '#lib/lifecycle/records.ts';
import { claimRecordSchema } from '#lib/lifecycle/records.ts';
import { readRecord, recordPath } from '#lib/records/records.ts';
import { syncHealth } from '../../app/features/health.ts';
import { monitorResult, statementOf } from '../loop/statements.ts';
import { fakeProject } from './fake-project.ts';

const AS_OF = '2012-04-02T06:00:00.000Z';
type Opened = {
  number: number;
  title: string;
  body: string;
  author: { login: string };
  state: 'open' | 'closed';
};

let project: Awaited<ReturnType<typeof fakeProject>>['project'];
let issues: Opened[];
/** Throws once the issue is there: what a kill in this moment leaves. */
let crash = false;

beforeEach(async () => {
  ({ project } = await fakeProject());
  issues = [];
  crash = false;
  Object.assign(project.forge.issues, {
    list: async () => issues.filter(({ state }) => state === 'open'),
    create: async (issue: Pick<Opened, 'title' | 'body'>) => {
      issues.push({ ...issue, number: issues.length + 1, author: { login: project.bot }, state: 'open' });
      if (crash) throw new Error('killed');
      return { number: issues.length };
    },
    update: async (number: number, change: Partial<Opened>) => {
      Object.assign(issues[number - 1] ?? {}, change);
    },
  });
});

async function record(decay: MonitorRecord['decay']): Promise<MonitorRecord> {
  const statement = statementOf('monitor', {
    model: 'bikes',
    plan: null,
    run: { id: 7, attempt: 1, repository: 'acme/bikes' },
    result: monitorResult(AS_OF, decay),
  });
  const text = canonicalJson(statement);
  const monitor = digestOf(text);
  await project.state.write({
    changes: [{ path: recordPath.evidence(monitor), text }],
    audit: { event: 'monitored', actor: 'app', subject: 'bikes' },
  });
  return {
    kind: 'roundhouse-monitor',
    model: 'bikes',
    environment: 'production',
    as_of: AS_OF,
    run: { id: 7, attempt: 1 },
    commit: 'a'.repeat(40),
    asked_by: null,
    monitor,
    retrain: null,
    decay,
    drift: 'stable',
    decision: null,
    at: AS_OF,
  };
}

const claim = async () =>
  readRecord(project.state, recordPath.claim(`health:bikes:${AS_OF}`), claimRecordSchema);

it('opens one issue on decay, keeps it, and closes it on recovery', async () => {
  await syncHealth(project, await record('failed'));
  await syncHealth(project, await record('failed'));
  expect(issues.map(({ state }) => state)).toEqual(['open']);
  await syncHealth(project, await record('passed'));
  expect(issues.map(({ state }) => state)).toEqual(['closed']);
});

it('finishes its claim after a crash right after the issue was opened', async () => {
  const failed = await record('failed');
  crash = true;
  await expect(syncHealth(project, failed)).rejects.toThrow('killed');
  expect((await claim())?.outcome).toBeNull();
  crash = false;
  await syncHealth(project, failed);
  expect((await claim())?.outcome).toBe('1');
  expect(issues).toHaveLength(1);
});
