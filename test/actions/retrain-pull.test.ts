import { expect, test } from 'vitest';
import type { PullRequest } from '#lib/github/pulls.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { permitted } from '../../actions/kit/github.ts';
import { pastRetrainings } from '../../actions/retrain/open-pull.ts';

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
