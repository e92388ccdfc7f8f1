import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { PullRequest } from '#lib/github/pulls.ts';
import type { MonitorResult } from '#lib/lifecycle/evidence.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { permitted } from '../../actions/kit/github.ts';
import { silentProgress } from '../../actions/kit/progress.ts';
import { makeStatement } from '../../actions/kit/statement.ts';
import { main } from '../../actions/retrain/main.ts';
import { openRetraining, type PullForge, pastRetrainings } from '../../actions/retrain/open-pull.ts';
import { bikesTexts } from '../formats/bikes.ts';
import { digest } from '../formats/sample-evidence.ts';
import { fakeTrees } from '../github/fake-trees.ts';

const PREFIX = 'roundhouse-retrain-bikes-';

function pull(ref: string, state: 'open' | 'closed', same_repository = true): PullRequest {
  return {
    ...{ number: 1, title: '', body: '', author: { login: 'somebody', type: 'User' }, url: '' },
    ...{ merged: false, draft: false, mergeable: null, base: { ref: 'main', sha: '' } },
    state,
    head: { ref, sha: '', same_repository },
  };
}

test.each([
  ['none', [], { open: 0, lastDay: null }],
  ['an open one brakes', [pull(`${PREFIX}2012-04-01`, 'open')], { open: 1, lastDay: '2012-04-01' }],
  [
    'one that was closed without a merge starts the cooldown too',
    [pull(`${PREFIX}2012-04-01`, 'closed'), pull(`${PREFIX}2012-02-01`, 'closed')],
    { open: 0, lastDay: '2012-04-01' },
  ],
  ['its own does not brake itself', [pull(`${PREFIX}2012-07-01`, 'open')], { open: 0, lastDay: null }],
  [
    'another model’s, a fork’s and a branch of another name do not count',
    [
      pull('roundhouse-retrain-bikes-north-2012-04-01', 'open'),
      pull(`${PREFIX}2012-04-01`, 'open', false),
      pull(`${PREFIX}soon`, 'open'),
      pull('feature', 'open'),
    ],
    { open: 0, lastDay: null },
  ],
])('%s', async (_, pulls, expected) => {
  const forge = { pulls: { list: async () => pulls } };
  expect(await pastRetrainings(forge, { model: 'bikes', day: '2012-07-01' })).toEqual(expected);
});

const decayed: MonitorResult = {
  environment: 'production',
  as_of: '2012-07-01T05:17:00.000Z',
  window: { from: '2012-04-01T00:00:00.000Z', until: '2012-06-30T00:00:00.000Z' },
  snapshot: digest('d'),
  versions: [{ version: '0.1.0', predictions: 2158 }],
  predictions: 2158,
  labels: { matured: 2158, labelled: 2158, coverage: 1, state: 'ready' },
  drift: [],
  drift_verdict: 'stable',
  performance: [
    {
      ...{ metric: 'mae', trivial: 190, reference: 50, threshold: 60 },
      served: { estimate: 90, lower: 85, upper: 95 },
      unit: { kind: 'block', length: 'P1D', count: 90 },
    },
  ],
  ...{ replay: [], value: null, decay: 'failed', reasons: [] },
};

describe('the pull request of a decision', () => {
  const workspace = mkdtempSync(join(tmpdir(), 'retrain-'));
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', workspace, '-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], {
      encoding: 'utf8',
    }).trim();
  for (const { file, text } of Object.values(bikesTexts())) {
    mkdirSync(dirname(join(workspace, file)), { recursive: true });
    writeFileSync(join(workspace, file), text);
  }
  git('init', '-q');
  git('add', '-A');
  git('commit', '-q', '-m', 'state');
  afterAll(() => rmSync(workspace, { recursive: true, force: true }));

  const onMain = { GITHUB_REF_TYPE: 'branch', GITHUB_REF_NAME: 'main' };
  const BRANCH = `${PREFIX}2012-07-01`;

  /** Branches and pull requests in memory; `failure` is thrown by the next attempt to open one. */
  async function fakeForge(failure: Error | null = null) {
    const { trees, refs, commits } = fakeTrees();
    const head = git('rev-parse', 'HEAD');
    commits.set(head, { sha: head, tree: head, parents: [], message: 'state', files: new Map() });
    const opened: PullRequest[] = [];
    let next = failure;
    const forge: PullForge = {
      trees,
      pulls: {
        list: async ({ head }) => opened.filter((one) => one.head.ref === head),
        async create({ head, base }) {
          if (next !== null) {
            const thrown = next;
            next = null;
            throw thrown;
          }
          const made = { ...pull(head, 'open'), base: { ref: base, sha: '' }, url: `#${opened.length + 1}` };
          opened.push(made);
          return made;
        },
      },
    };
    const fileAt = (branch: string) => commits.get(refs.get(`heads/${branch}`) ?? '')?.files;
    return { forge, refs, opened, fileAt };
  }

  async function decided(monitorResult: MonitorResult) {
    const run = { kind: 'local' as const, id: 'test' };
    const at = { model: 'bikes', plan: null, startedAt: new Date(), subjects: [] };
    const monitor = makeStatement('monitor', { ...at, result: monitorResult }, { run });
    const missing = () => Promise.reject(new Error('a decision reads no store'));
    const store = { put: missing, putFile: missing, get: missing, getFile: missing, has: missing };
    const deps = { workspace, run, store, exchange: store, logs: null, now: () => new Date(), scratch: '' };
    const { statement } = await main(
      { model: 'bikes', monitor, lastOpened: null, openPullRequests: 0, askedBy: null },
      { ...deps, progress: silentProgress },
    );
    return { statement, monitor, workspace };
  }

  test('changes data.yml on a branch of its own, and is one however often it is asked for', async () => {
    const { forge, opened, fileAt } = await fakeForge();
    const first = await openRetraining(forge, await decided(decayed), onMain);
    expect(await openRetraining(forge, await decided(decayed), onMain)).toEqual(first);
    expect(opened).toMatchObject([{ head: { ref: BRANCH }, base: { ref: 'main' } }]);
    const files = fileAt(BRANCH);
    expect([...(files?.keys() ?? [])]).toEqual(['models/bikes/data.yml']);
    expect(files?.get('models/bikes/data.yml')).toContain(digest('d'));
  });

  test('a step that was cut off after it made the branch is finished by the next', async () => {
    const { forge, refs, opened } = await fakeForge(new Error('the connection was lost'));
    const asked = await decided(decayed);
    await expect(openRetraining(forge, asked, onMain)).rejects.toThrow('connection was lost');
    expect([...refs.keys()]).toEqual([`heads/${BRANCH}`]);
    await openRetraining(forge, asked, onMain);
    expect(opened).toHaveLength(1);
  });

  test('where workflows may open none, the branch goes again and the setting is named', async () => {
    const message = 'GitHub Actions is not permitted to create or approve pull requests.';
    const { forge, refs } = await fakeForge(refusal(403, message));
    const asked = openRetraining(forge, await decided(decayed), onMain);
    await expect(asked).rejects.toMatchObject({ fix: expect.stringContaining('Allow GitHub Actions') });
    expect([...refs.keys()]).toEqual([]);
  });

  test('on a tag there is no base; where nothing is due nothing is written', async () => {
    const { forge, refs, opened } = await fakeForge();
    const asked = openRetraining(forge, await decided(decayed), {
      GITHUB_REF_TYPE: 'tag',
      GITHUB_REF_NAME: 'v1',
    });
    await expect(asked).rejects.toThrow(UserError);
    expect(await openRetraining(forge, await decided({ ...decayed, performance: [] }), onMain)).toBeNull();
    expect([refs.size, opened]).toEqual([0, []]);
  });
});

function refusal(status: number, message: string): Error {
  return Object.assign(new Error(message), { status });
}

test.each([
  [403, 'Resource not accessible by integration', 'permissions: { deployments: write }'],
  [403, 'Resource not accessible by personal access token', 'permissions: { deployments: write }'],
  [401, 'Bad credentials', 'github.token'],
])('a token refused with %i %s: the error says what to do', async (status, message, fix) => {
  const asked = permitted('deployments: write', () => Promise.reject(refusal(status, message)));
  await expect(asked).rejects.toThrow(UserError);
  await expect(asked).rejects.toMatchObject({ fix: expect.stringContaining(fix) });
});

test('any other refusal stays what it is', async () => {
  const limited = refusal(403, 'You have exceeded a secondary rate limit');
  await expect(permitted('deployments: write', () => Promise.reject(limited))).rejects.toBe(limited);
  expect(await permitted('deployments: write', async () => 1)).toBe(1);
});
