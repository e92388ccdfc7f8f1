import { beforeEach, expect, it } from 'vitest';
import { stateBranch } from '#lib/github/state-branch.ts';
import { takeRoom } from '../../app/budget.ts';
import type { Project } from '../../app/project.ts';
import { readRequest, requestRun, settleRequest } from '../../app/request.ts';
import { auditText, fakeProject } from './fake-project.ts';

let world: Awaited<ReturnType<typeof fakeProject>>['world'];
let project: Project;
/** Runs by id: how long their jobs held runners, and how often somebody asked. */
let minutes: Record<number, number>;
let asked: number[];
let status: 'in_progress' | 'completed';

beforeEach(async () => {
  ({ world, project } = await fakeProject());
  minutes = {};
  asked = [];
  status = 'in_progress';
  let id = 0;
  Object.assign(project.forge.runs, {
    dispatch: async () => {
      id += 1;
      return id;
    },
    get: async (run: number) => ({ id: run, status, attempt: 1 }),
    runnerMinutes: async (run: number) => {
      asked.push(run);
      return minutes[run] ?? 0;
    },
  });
});

const ONE = { each_model: { runs_per_day: 1 } };

function take(
  key: string,
  { model = 'bikes', budgets = ONE as Parameters<typeof takeRoom>[1]['budgets'] } = {},
) {
  return takeRoom(project, { key, model, pull_request: 4, budgets });
}

function start(key: string) {
  const inputs = {};
  const where = { workflow: 'roundhouse.yml', ref: 'main', inputs };
  return requestRun(project, { key, model: 'bikes', pull_request: 4, ...where });
}

it('a place is taken once, and the next run waits until the day is over', async () => {
  expect(await take('a')).toEqual({ kind: 'room' });
  expect(await take('a')).toEqual({ kind: 'room' });
  const spent = {
    kind: 'spent',
    reasons: ['1 of 1 training runs of bikes today'],
    until: '2026-03-02T00:00:00.000Z',
  };
  expect(await take('b')).toEqual(spent);
  expect(await take('c', { model: 'taxis' })).toEqual({ kind: 'room' });
  world.now = new Date('2026-03-01T23:59:59Z');
  expect(await take('b')).toEqual(spent);
  world.now = new Date('2026-03-02T00:00:00Z');
  expect(await take('b')).toEqual({ kind: 'room' });
});

it('of two processes that want the last place one gets it', async () => {
  const { trees } = project.forge;
  const processes = ['one', 'other'].map(
    (ownerId): Project => ({
      ...project,
      ownerId,
      state: stateBranch({ trees, batchSeconds: () => 0, now: project.now }),
    }),
  );
  const wanted = { model: 'bikes', pull_request: 4, budgets: ONE };
  const found = await Promise.all(processes.map((one) => takeRoom(one, { ...wanted, key: one.ownerId })));
  expect(found.map(({ kind }) => kind).toSorted()).toEqual(['room', 'spent']);
});

it('minutes of a run under way count, and those of one that is over are kept', async () => {
  const budgets = { repository: { gpu_minutes_per_day: 30 } };
  expect(await take('a', { budgets })).toEqual({ kind: 'room' });
  await start('a');
  minutes[1] = 29;
  expect(await take('b', { budgets })).toEqual({ kind: 'room' });
  minutes[1] = 31;
  const spent = { kind: 'spent', reasons: ['31 of 30 GPU minutes of the repository today'] };
  expect(await take('c', { budgets })).toMatchObject(spent);
  const request = await readRequest(project, 'a');
  if (!request) throw new Error('the request is gone');
  await settleRequest(project, request, { settled: { attempt: 1, outcome: 'fault', note: 'disk full' } });
  status = 'completed';
  expect(await take('c', { budgets })).toMatchObject(spent);
  asked = [];
  expect(await take('c', { budgets })).toMatchObject(spent);
  expect(asked).toEqual([]);
  const log = await auditText(project);
  expect(log.match(/"event":"budget used up"/g)).toHaveLength(1);
  expect(log).toContain('31 of 30 GPU minutes');
});
