import { describe, expect, it } from 'vitest';
import type { WorkflowRun } from '#lib/github/runs.ts';
import { stateBranch } from '#lib/github/state-branch.ts';
import type { Project } from '../../app/project.ts';
import {
  type Ask,
  endRequest,
  openRequests,
  readRequest,
  requestOfRun,
  requestRun,
} from '../../app/request.ts';
import { fakeProject } from './fake-project.ts';

const ASK: Ask = {
  key: 'train:4:x:1',
  model: 'bikes',
  pull_request: 4,
  workflow: 'roundhouse.yml',
  ref: 'main',
  inputs: {},
};
const CANCELLED = { outcome: 'cancelled', note: 'cancelled by ml-lead' } as const;

/** Two processes of the app on one repository, and the runs that GitHub has. */
async function twoProcesses() {
  const { project } = await fakeProject();
  const runs: Pick<WorkflowRun, 'id' | 'status' | 'attempt'>[] = [];
  const world = {
    runs,
    cancelled: [] as number[],
    isDown: false,
    /** Happens after GitHub has made a run, and before it answers. */
    meanwhile: async () => {},
  };
  const forge = {
    ...project.forge,
    runs: {
      list: async () => [],
      get: async (id: number) => runs.find((run) => run.id === id) ?? null,
      cancel: async (id: number) => void world.cancelled.push(id),
      dispatch: async () => {
        if (world.isDown) throw new Error('GitHub is down');
        runs.push({ id: runs.length + 1, status: 'queued', attempt: 1 });
        await world.meanwhile();
        return runs.length;
      },
    },
  } as unknown as Project['forge'];
  const processOf = (ownerId: string): Project => ({
    ...project,
    forge,
    ownerId,
    state: stateBranch({ trees: forge.trees, batchSeconds: () => 0, now: project.now }),
  });
  return { world, one: processOf('one'), other: processOf('other') };
}

async function cancel(project: Project): Promise<void> {
  await project.state.refresh();
  for (const request of await openRequests(project, 4)) await endRequest(project, request, CANCELLED);
}

describe('a run that a person cancels', () => {
  it('is not dispatched later, where its dispatch had failed', async () => {
    const { world, one } = await twoProcesses();
    world.isDown = true;
    await expect(requestRun(one, ASK)).rejects.toThrow('down');
    await cancel(one);
    world.isDown = false;
    expect((await requestRun(one, ASK)).settled?.outcome).toBe('cancelled');
    expect(world.runs).toEqual([]);
  });

  it('stays cancelled, and stops, where another process was just dispatching it', async () => {
    const { world, one, other } = await twoProcesses();
    world.meanwhile = () => cancel(other);
    const told = await requestRun(one, ASK);
    expect([told.run, told.settled?.outcome]).toEqual([1, 'cancelled']);
    expect(world.cancelled).toEqual([1]);
    await other.state.refresh();
    expect(await readRequest(other, ASK.key)).toEqual(told);
  });

  it('is stopped where another process said which it is while this one asked GitHub', async () => {
    const { world, one, other } = await twoProcesses();
    const asking = new Promise<void>((resolve) => {
      world.meanwhile = async () => {
        await other.state.refresh();
        resolve();
      };
    });
    const dispatched = requestRun(one, ASK);
    await asking;
    const [request] = await openRequests(other, 4);
    await dispatched;
    if (request) await endRequest(other, request, CANCELLED);
    expect(world.cancelled).toEqual([1]);
    const left = await readRequest(other, ASK.key);
    expect([left?.run, left?.settled?.outcome]).toEqual([1, 'cancelled']);
  });
});

describe('the request of a run without a pull request', () => {
  const LOOK: Ask = { ...ASK, key: 'monitor:bikes:comment-7', pull_request: null };

  it('is found by the id in the title of the run, however many records there are', async () => {
    const { one } = await twoProcesses();
    const { request_id, run } = await requestRun(one, LOOK);
    for (const key of ['a', 'b', 'c']) await requestRun(one, { ...LOOK, key });
    const looked: string[] = [];
    const state = Object.assign(Object.create(one.state) as Project['state'], {
      read: (path: string) => {
        looked.push(path);
        return one.state.read(path);
      },
      paths: (folder: string) => {
        looked.push(folder);
        return one.state.paths(folder);
      },
    });
    const title = `roundhouse ${request_id}`;
    expect(await requestOfRun({ state }, { id: run ?? 0, title })).toMatchObject({ key: LOOK.key, run });
    expect(looked).toHaveLength(2);
    expect(await requestOfRun({ state }, { id: 99, title }), 'a copy of the title').toBeNull();
    expect(await requestOfRun({ state }, { id: 99, title: 'roundhouse' })).toBeNull();
    expect(await requestOfRun({ state }, { id: 99, title: `roundhouse ${'0'.repeat(32)}` })).toBeNull();
  });

  it('is there without its number where the answer to the dispatch was lost', async () => {
    const { world, one } = await twoProcesses();
    world.meanwhile = async () => {
      throw new Error('reset');
    };
    await expect(requestRun(one, LOOK)).rejects.toThrow('reset');
    const known = await readRequest(one, LOOK.key);
    const title = `roundhouse ${known?.request_id}`;
    expect(await requestOfRun(one, { id: 1, title })).toMatchObject({ key: LOOK.key, run: null });
  });
});
