import { describe, expect, it } from 'vitest';
import { cancel } from '../../app/features/cancel.ts';
import type { Project } from '../../app/project.ts';
import { endRequest, readRequest, requestRun, settleRequest } from '../../app/request.ts';
import { auditText, commentOf, fakeProject } from './fake-project.ts';

const keyOf = (name: string) => `train:1:${name}:1`;

/** A pull request that is closed meanwhile, and GitHub's runs, of which every one ends when it is told to. */
async function running(...names: string[]) {
  const { project } = await fakeProject();
  const github = { cancelled: [] as number[], diesAfter: Number.POSITIVE_INFINITY, made: 0 };
  const runs = {
    list: async () => [],
    get: async (id: number) => ({ id, status: 'in_progress', attempt: 1 }),
    dispatch: async () => (github.made += 1),
    cancel: async (id: number) => {
      if (github.cancelled.length >= github.diesAfter) throw new Error('killed');
      github.cancelled.push(id);
    },
  };
  Object.assign(project.forge, { runs, pulls: { ...project.forge.pulls, get: async () => null } });
  const begin = async (name: string) =>
    requestRun(project, {
      key: keyOf(name),
      model: 'bikes',
      pull_request: 1,
      workflow: 'roundhouse.yml',
      ref: 'main',
      inputs: {},
    });
  for (const name of names) await begin(name);
  const say = (id = 7) =>
    cancel(
      { project, comment: commentOf(id, '/cancel') } as unknown as Parameters<typeof cancel>[0],
      {} as never,
    );
  return { project, github, begin, say };
}

const outcome = async (project: Project, name: string) =>
  (await readRequest(project, keyOf(name)))?.settled?.outcome;

/** Its first run was dispatched by a process that was killed before it knew of it; GitHub lists that run. */
async function killedAtDispatch({
  begin,
  project,
}: Pick<Awaited<ReturnType<typeof running>>, 'begin' | 'project'>) {
  const { runs } = project.forge;
  const { dispatch } = runs;
  runs.dispatch = async (order) => {
    await dispatch(order);
    throw new Error('killed');
  };
  await expect(begin('a')).rejects.toThrow('killed');
  const request = await readRequest(project, keyOf('a'));
  if (request === null) throw new Error('it was not asked for');
  Object.assign(runs, { dispatch, list: async () => [{ id: 1, title: `train (${request.request_id})` }] });
  return request;
}

describe('/cancel', () => {
  it('ends what runs, and says how many', async () => {
    const { say, github } = await running('a', 'b');
    expect((await say()).text).toBe('2 runs are cancelled; /plan starts it again');
    expect(github.cancelled.toSorted()).toEqual([1, 2]);
    expect((await say(8)).text).toBe('nothing runs for this pull request now');
  });

  it('goes on where it was killed, says the same, and leaves alone what was asked for since', async () => {
    const { say, github, begin, project } = await running('a', 'b');
    github.diesAfter = 1;
    await expect(say()).rejects.toThrow('killed');
    github.diesAfter = Number.POSITIVE_INFINITY;
    await begin('c');
    expect((await say()).text).toBe('2 runs are cancelled; /plan starts it again');
    expect(await outcome(project, 'a')).toBe('cancelled');
    expect(await outcome(project, 'b')).toBe('cancelled');
    // Not the person's doing: the pull request is closed.
    expect(await outcome(project, 'c')).toBe('superseded');
    expect((await say()).text).toBe('2 runs are cancelled; /plan starts it again');
  });

  it('writes down the dispatch of a process that was killed before it could', async () => {
    const { say, github, begin, project } = await running();
    await killedAtDispatch({ begin, project });
    expect((await say()).text).toContain('is cancelled');
    expect(github.cancelled).toEqual([1]);
    const log = await auditText(project);
    const [dispatched, ended] = ['"dispatched"', '"run cancelled"'].map((event) => log.indexOf(event));
    expect(dispatched).toBeGreaterThan(-1);
    expect(ended).toBeGreaterThan(dispatched ?? 0);
  });
});

it('a request that another process has settled keeps what that one said, and its run is stopped', async () => {
  const { github, begin, project } = await running();
  const before = await killedAtDispatch({ begin, project });
  const settled = { attempt: 1, outcome: 'superseded', note: 'the pull request is closed' } as const;
  await settleRequest(project, before, { settled });
  await endRequest(project, before, { outcome: 'cancelled', note: 'by ann' });
  expect(github.cancelled).toEqual([1]);
  expect(await outcome(project, 'a')).toBe('superseded');
});
