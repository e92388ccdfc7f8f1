import { describe, expect, it } from 'vitest';
import type { IssueComment } from '#lib/github/comments.ts';
import { putSticky, sayOnce } from '../../app/sticky.ts';

const BOT = 'roundhouse[bot]';
const marker = { kind: 'pull-request', key: '3' };

function fakeComments(found: Partial<IssueComment>[] = []) {
  let next = 100;
  const kept = found.map(
    (comment, index): IssueComment => ({
      id: index + 1,
      body: '',
      author: { login: BOT, type: 'Bot' },
      created_at: '',
      edited: false,
      url: '',
      issue: 3,
      ...comment,
    }),
  );
  let writes = 0;
  return {
    kept,
    writes: () => writes,
    list: async () => kept,
    create: async (issue: number, body: string) => {
      writes += 1;
      next += 1;
      const made = {
        ...{ id: next, body, issue, created_at: '', edited: false, url: '' },
        author: { login: BOT, type: 'Bot' },
      };
      kept.push(made);
      return 'said' as const;
    },
    update: async (id: number, body: string) => {
      writes += 1;
      for (const comment of kept) if (comment.id === id) comment.body = body;
    },
    remove: async (id: number) => {
      kept.splice(
        kept.findIndex((comment) => comment.id === id),
        1,
      );
    },
  };
}
const text = (body: string) => `<!-- roundhouse:pull-request 3 -->\n${body}`;

describe('putSticky', () => {
  it('writes one comment and keeps to it', async () => {
    const comments = fakeComments();
    for (const body of ['a', 'a', 'b']) await putSticky(comments, { issue: 3, marker, body, bot: BOT });
    expect(comments.kept.map(({ body }) => body)).toEqual([text('b')]);
    expect(comments.writes()).toBe(2);
  });

  it('folds doubles, the lowest id stays', async () => {
    const comments = fakeComments([
      { id: 8, body: text('x') },
      { id: 5, body: text('y') },
    ]);
    await putSticky(comments, { issue: 3, marker, body: 'new', bot: BOT });
    expect(comments.kept.map(({ id, body }) => ({ id, body }))).toEqual([{ id: 5, body: text('new') }]);
  });

  it('leaves a person with our marker alone', async () => {
    const comments = fakeComments([{ body: text('mine'), author: { login: 'mallory', type: 'User' } }]);
    await putSticky(comments, { issue: 3, marker, body: 'new', bot: BOT });
    expect(comments.kept.map(({ body }) => body)).toEqual([text('mine'), text('new')]);
  });

  it('fits what is too long into a comment', async () => {
    const comments = fakeComments();
    await putSticky(comments, { issue: 3, marker, body: 'line\n'.repeat(30_000), bot: BOT });
    const [only] = comments.kept;
    expect(only?.body.length).toBeLessThan(65_536);
    expect(only?.body).toContain('did not fit');
  });
});

// Fact 24. An edit tells nobody (assumed: A6), so a question is a comment of its own.
describe('sayOnce', () => {
  it('never rewrites what was said', async () => {
    const comments = fakeComments();
    for (const body of ['first', 'second']) {
      await sayOnce(comments, { issue: 3, marker, bot: BOT, body: () => body });
    }
    expect(comments.kept.map(({ body }) => body)).toEqual([text('first')]);
  });
});
