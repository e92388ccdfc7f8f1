import { beforeEach, describe, expect, it } from 'vitest';
import { claimRecordSchema, holdRecordSchema } from '#lib/lifecycle/records.ts';
import { readRecord, recordPath } from '#lib/records/records.ts';
import { handleComment, refuseEdited } from '../../app/features/comments.ts';
import { reconcileProject } from '../../app/features/reconcile.ts';
import { MAX_TRIES } from '../../app/troubles.ts';
import { commentOf, fakeProject } from './fake-project.ts';

let { world, project } = await fakeProject();
beforeEach(async () => {
  ({ world, project } = await fakeProject());
});

const SINCE = new Date('2026-03-01T09:58:00Z');
const outcomeOf = async (comment: number) =>
  (await readRecord(project.state, recordPath.claim(`comment:${comment}`), claimRecordSchema))?.outcome;
const holdOf = (issue: number) => readRecord(project.state, recordPath.hold(issue), holdRecordSchema);

// Facts 16, 25. What was edited is no command: the API shows the newest text alone.
describe('commands that reconciling finds', () => {
  it('does one that was heard and whose delivery never succeeded', async () => {
    const comment = commentOf(1, '/hold');
    world.comments = [comment];
    project.heard.set(1, comment);
    world.down = 'writes';
    await expect(handleComment(project, comment)).rejects.toThrow('GitHub is down');
    await expect(reconcileProject(project, SINCE)).rejects.toThrow();
    expect(await holdOf(1)).toBeNull();
    world.down = null;
    await reconcileProject(project, SINCE);
    expect(await holdOf(1)).toMatchObject({ held: true, comment: 1 });
  });

  it('does none twice', async () => {
    world.comments = [commentOf(1, '/help')];
    for (let look = 0; look < 3; look += 1) await reconcileProject(project, SINCE);
    expect(world.replies).toHaveLength(1);
    expect(world.reactions).toEqual([1]);
  });

  it.each([
    ['said nothing when it was created', { created: 'hello', now: '/hold', edited: false }, null],
    ['was a command when it was created', { created: '/hold', now: 'hello', edited: true }, true],
    ['was not heard and is edited', { created: null, now: '/hold', edited: true }, null],
    ['was not heard', { created: null, now: '/hold', edited: false }, true],
  ])('takes a comment that %s for what it was', async (_what, { created, now, edited }, held) => {
    world.comments = [commentOf(1, now, { edited })];
    if (created !== null) project.heard.set(1, commentOf(1, created));
    await reconcileProject(project, SINCE);
    expect((await holdOf(1))?.held ?? null).toBe(held);
  });

  it('takes an approval that was counted before a crash for done, though nothing waits for it now', async () => {
    const digest = `sha256:${'ab'.repeat(32)}` as const;
    const record = { path: recordPath.approval(digest, 1), text: '{}\n' };
    await project.state.write({
      changes: [record],
      audit: { event: 'approved', actor: 'ml-lead', subject: 'x' },
    });
    world.comments = [commentOf(1, `/approve ${'ab'.repeat(8)}`), commentOf(2, `/approve ${'ab'.repeat(8)}`)];
    await reconcileProject(project, SINCE);
    expect(await outcomeOf(1)).not.toMatch(/refused/);
    expect(await outcomeOf(2)).toMatch(/refused/);
    expect(world.replies.map(({ body }) => body).join()).toContain('nothing here waits for an approval now');
    expect(world.replies).toHaveLength(1);
  });

  it('goes on after one that fails', async () => {
    const { get } = project.forge.issues;
    project.forge.issues.get = async (number) => {
      if (number === 1) throw new Error('no answer');
      return get(number);
    };
    world.comments = [commentOf(1, '/hold'), commentOf(2, '/hold', { issue: 2 })];
    await expect(reconcileProject(project, SINCE)).rejects.toThrow();
    expect(await holdOf(2)).toMatchObject({ held: true });
  });

  it('gives up one that fails at every look, writes down why, and the looks go on', async () => {
    const { get } = project.forge.issues;
    project.forge.issues.get = async (number) => {
      if (number === 1) throw new Error('no answer');
      return get(number);
    };
    world.comments = [commentOf(1, '/hold')];
    const name = 'acme/bikes#1 comment 1';
    for (let look = 1; look < MAX_TRIES; look += 1) {
      await expect(reconcileProject(project, SINCE)).rejects.toThrow();
      expect(project.troubles.report()).toEqual({ failing: { [name]: look }, given_up: {} });
    }
    // What can't be written down is not given up.
    world.down = 'writes';
    await expect(reconcileProject(project, SINCE)).rejects.toThrow();
    world.down = null;
    await reconcileProject(project, SINCE);
    expect(project.troubles.report()).toEqual({ failing: {}, given_up: { [name]: 'no answer' } });
    expect(await outcomeOf(1)).toBe('given up: no answer');
    expect(world.replies.map(({ body }) => body).join()).toContain('it failed each time');
    project.forge.issues.get = get;
    await reconcileProject(project, SINCE);
    expect(await holdOf(1)).toBeNull();
    expect(world.replies).toHaveLength(1);
  });

  it('forgets the failures of one that succeeds', async () => {
    world.comments = [commentOf(1, '/hold')];
    world.down = 'writes';
    await expect(reconcileProject(project, SINCE)).rejects.toThrow();
    world.down = null;
    await reconcileProject(project, SINCE);
    expect(project.troubles.report()).toEqual({ failing: {}, given_up: {} });
  });

  it('does what is asked for in a locked conversation, and writes down what it could not answer', async () => {
    world.locked = [1];
    world.comments = [commentOf(1, '/hold'), commentOf(2, '/approve 0123456789abcdef')];
    await reconcileProject(project, SINCE);
    expect(world).toMatchObject({ replies: [], reactions: [] });
    expect(await holdOf(1)).toMatchObject({ held: true });
    expect(await outcomeOf(1)).toBe('/hold: done');
    expect(await outcomeOf(2)).toMatch(
      /^\/approve: refused \(nothing here .*\); not answered: the conversation is locked$/,
    );
  });

  it('keeps what was heard as long as it can be listed again', async () => {
    project.heard.set(1, commentOf(1, 'hello'));
    project.heard.set(2, commentOf(2, 'hello', { created_at: '2026-03-01T09:00:00Z' }));
    await reconcileProject(project, SINCE);
    expect([...project.heard.keys()]).toEqual([1]);
  });
});

describe('commands where the policy', () => {
  it('is missing are not ours', async () => {
    ({ world, project } = await fakeProject({ policy: null }));
    await handleComment(project, commentOf(1, '/help'));
    expect(world).toMatchObject({ replies: [], reactions: [] });
    expect(await project.forge.trees.ref('heads/roundhouse')).toBeNull();
  });

  it('is broken are refused with its fault', async () => {
    ({ world, project } = await fakeProject({ policy: 'version: 1\nrolez: {}\n' }));
    await handleComment(project, commentOf(1, '/help'));
    expect(world.replies.map(({ body }) => body).join()).toContain('rolez');
    expect(world.reactions).toEqual([]);
  });
});

describe('/hold and /unhold', () => {
  it.each([
    [['/hold', '/unhold'], [1, 2], false],
    [['/hold', '/unhold'], [2, 1], false],
    [['/unhold', '/hold'], [2, 1], true],
    [['/hold\n/unhold', ''], [1], false],
  ])('%j, delivered in the order %j, end as the newest comment says', async (bodies, order, held) => {
    for (const id of order) await handleComment(project, commentOf(id, bodies[id - 1] ?? ''));
    expect((await holdOf(1))?.held).toBe(held);
  });

  it('says so where a newer comment has decided', async () => {
    for (const id of [2, 1]) await handleComment(project, commentOf(id, '/hold'));
    expect(world.replies.map(({ body }) => body).join()).toContain('held it after this comment');
  });
});

describe('500 commands at once', () => {
  const hear = (bodies: string[]) => {
    const comments = bodies.map((body, index) => commentOf(index + 1, body));
    for (const comment of comments) project.heard.set(comment.id, comment);
    return comments;
  };

  it('are one answer, one write of their claims, and what the last of them said', async () => {
    const bodies = Array.from({ length: 500 }, (_, index) => (index % 2 === 0 ? '/hold' : '/unhold'));
    const comments = hear([...bodies, '/plan']);
    let writes = 0;
    const { write } = project.state;
    project.state.write = async (change) => {
      writes += 1;
      return write(change);
    };
    for (const comment of comments) await handleComment(project, comment);
    expect(world.replies).toHaveLength(1);
    expect(world.replies[0]?.body).toMatch(/501 comments by `ml-lead`[\s\S]*it belongs on a pull request/);
    expect(world.reactions).toEqual([]);
    expect(await holdOf(1)).toMatchObject({ held: false, comment: 500 });
    expect(writes).toBeLessThan(10);
    expect(await outcomeOf(2)).toBe('taken together with comment 1');
  });

  it('that go on while some are in work keep the one answer', async () => {
    const comments = hear(Array.from({ length: 40 }, () => '/plan'));
    for (const comment of comments.slice(10)) project.heard.delete(comment.id);
    for (const comment of comments.slice(0, 10)) await handleComment(project, comment);
    for (const comment of comments) project.heard.set(comment.id, comment);
    for (const comment of comments) await handleComment(project, comment);
    expect(world.replies).toHaveLength(1);
    expect(world.replies[0]?.body).toContain('40 comments');
  });

  it('of several people, or on several issues, are answered apart', async () => {
    const author = { login: 'ann', type: 'User' };
    const comments = [
      ...Array.from({ length: 6 }, (_, index) => commentOf(index + 1, '/plan')),
      ...Array.from({ length: 6 }, (_, index) => commentOf(index + 11, '/plan', { author })),
      ...Array.from({ length: 6 }, (_, index) => commentOf(index + 21, '/plan', { issue: 2 })),
    ];
    for (const comment of comments) project.heard.set(comment.id, comment);
    for (const comment of comments) await handleComment(project, comment);
    expect(world.replies.map(({ issue }) => issue)).toEqual([1, 1, 2]);
  });
});

describe('a comment that an edit made a command', () => {
  it('is told once that it is none', async () => {
    project.heard.set(1, commentOf(1, 'I am for it'));
    const edited = commentOf(1, '/hold', { edited: true });
    for (let time = 0; time < 2; time += 1) await refuseEdited(project, edited);
    expect(world.replies.map(({ body }) => body)).toEqual([expect.stringContaining('write a new one')]);
    expect(await holdOf(1)).toBeNull();
  });

  it.each([
    ['was one before', '/hold', '/hold the line'],
    ['is none', 'hello', 'hello there'],
  ])('is not answered where it %s', async (_what, created, now) => {
    const comment = commentOf(1, created);
    project.heard.set(1, comment);
    await handleComment(project, comment);
    project.heard.clear();
    const before = world.replies.length;
    await refuseEdited(project, commentOf(1, now, { edited: true }));
    expect(world.replies).toHaveLength(before);
  });
});
