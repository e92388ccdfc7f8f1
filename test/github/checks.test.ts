import { describe, expect, it } from 'vitest';
import { checks } from '#lib/github/checks.ts';
import type { Repository } from '#lib/github/repository.ts';

describe('checks', () => {
  // Fact 11.
  it('are those of one app: a job can post a green gate of the same name', async () => {
    const run = (id: number, app: number, conclusion: string) => ({
      id,
      app: { id: app },
      name: 'roundhouse/gate',
      status: 'completed',
      conclusion,
      output: { title: 'gate', summary: '' },
      details_url: null,
      external_id: '',
    });
    const posted = [run(2, 15_368, 'success'), run(1, 7, 'failure')];
    const octokit = {
      rest: { checks: { listForRef: {} } },
      paginate: async (_endpoint: object, { app_id }: { app_id?: number }) =>
        posted.filter(({ app }) => app_id === undefined || app.id === app_id),
    } as unknown as Repository['octokit'];
    const repository = { octokit, owner: 'acme', repo: 'bikes' };
    const mine = await checks(repository, 7).list('a'.repeat(40));
    expect(mine.map(({ id, conclusion }) => [id, conclusion])).toEqual([[1, 'failure']]);
    expect(mine[0]?.external_id, 'an id that was not given is none').toBeNull();
  });
});
