import { describe, expect, it } from 'vitest';
import { happeningOf } from '#lib/github/facts.ts';

const about = {
  installation: { id: 7 },
  repository: { name: 'bikes', default_branch: 'main', owner: { login: 'acme' } },
};
const base = { owner: 'acme', repo: 'bikes', default_branch: 'main', installation: 7 };

describe('happeningOf', () => {
  it.each([
    ['issues', { issue: { number: 3 } }, { kind: 'issue', number: 3 }],
    ['pull_request', { pull_request: { number: 4 } }, { kind: 'pull-request', number: 4 }],
    ['push', { ref: 'refs/heads/main' }, { kind: 'push', ref: 'refs/heads/main' }],
    [
      'workflow_run',
      { action: 'completed', workflow_run: { id: 9 } },
      { kind: 'run', id: 9, action: 'completed' },
    ],
    ['check_run', { check_run: { head_sha: 'abc' } }, { kind: 'check-asked-again', head: 'abc' }],
    [
      'merge_group',
      {
        action: 'checks_requested',
        merge_group: { head_sha: 'abc', head_ref: 'refs/heads/q', base_sha: 'def' },
      },
      {
        kind: 'merge-group',
        action: 'checks_requested',
        group: { head: 'abc', head_ref: 'refs/heads/q', base: 'def' },
      },
    ],
    ['check_suite', { check_suite: { head_sha: 'abc' } }, { kind: 'check-asked-again', head: 'abc' }],
  ])('%s', (event, payload, expected) => {
    expect(happeningOf(event, { ...about, ...payload })).toEqual({ ...base, ...expected });
  });

  it('reads a comment, also one without text or account', () => {
    const comment = { id: 5, body: null, user: null, created_at: '2026-01-01T00:00:00Z', html_url: 'u' };
    expect(
      happeningOf('issue_comment', { ...about, action: 'created', issue: { number: 3 }, comment }),
    ).toEqual({
      ...base,
      kind: 'comment',
      action: 'created',
      comment: {
        id: 5,
        issue: 3,
        body: '',
        author: { login: 'ghost', type: 'User' },
        created_at: '2026-01-01T00:00:00Z',
        url: 'u',
      },
    });
  });

  it.each([
    ['an event without a repository', 'issues', { issue: { number: 3 } }],
    ['an event of no use', 'star', about],
    ['no object', 'issues', null],
  ])('has nothing to say about %s', (_what, event, payload) => {
    expect(happeningOf(event, payload)).toBeNull();
  });
});
