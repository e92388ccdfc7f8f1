import { Octokit } from 'octokit';
import { expect, it } from 'vitest';
import type { Repository } from '#lib/github/repository.ts';
import { runs } from '#lib/github/runs.ts';

const SELF = ['self-hosted', 'roundhouse-untrusted'];
const JOBS = [
  {
    runner_name: 'gpu-1',
    labels: SELF,
    started_at: '2026-03-01T10:00:00Z',
    completed_at: '2026-03-01T10:10:00Z',
  },
  // An earlier attempt of the same job.
  {
    runner_name: 'gpu-1',
    labels: SELF,
    started_at: '2026-03-01T09:00:00Z',
    completed_at: '2026-03-01T09:00:30Z',
  },
  { runner_name: 'gpu-2', labels: SELF, started_at: '2026-03-01T10:10:00Z', completed_at: null },
  // It waits for a runner.
  { runner_name: null, labels: SELF, started_at: '2026-03-01T10:00:00Z', completed_at: null },
  { runner_name: '', labels: SELF, started_at: '2026-03-01T10:00:00Z', completed_at: '2026-03-01T11:00:00Z' },
  // A runner of GitHub's.
  {
    runner_name: 'GitHub Actions 2',
    labels: ['ubuntu-latest'],
    started_at: '2026-03-01T10:00:00Z',
    completed_at: '2026-03-01T11:00:00Z',
  },
];

function runsOf(answer: (url: URL) => Response) {
  const asked: URL[] = [];
  const fetch = async (url: string) => {
    asked.push(new URL(url));
    return Object.defineProperty(answer(new URL(url)), 'url', { value: url });
  };
  const octokit = new Octokit({
    request: { fetch },
    retry: { enabled: false },
    throttle: { enabled: false },
  }) as unknown as Repository['octokit'];
  return { asked, forge: runs({ octokit, owner: 'acme', repo: 'bikes' }) };
}

it('minutes are those of jobs of all attempts on self-hosted runners, of one under way until now', async () => {
  const headers = { 'content-type': 'application/json' };
  const { asked, forge } = runsOf(
    () => new Response(JSON.stringify({ total_count: JOBS.length, jobs: JOBS }), { headers }),
  );
  expect(await forge.runnerMinutes(7, new Date('2026-03-01T10:15:00Z'))).toBe(10 + 0.5 + 5);
  expect(asked.map(({ pathname, searchParams }) => [pathname, searchParams.get('filter')])).toEqual([
    ['/repos/acme/bikes/actions/runs/7/jobs', 'all'],
  ]);
});

it('a run that is gone has held none', async () => {
  const { forge } = runsOf(() => new Response('{"message":"Not Found"}', { status: 404 }));
  expect(await forge.runnerMinutes(7, new Date())).toBe(0);
});
