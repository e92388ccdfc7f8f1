import { beforeEach, describe, expect, it } from 'vitest';
import type { PullRequest } from '#lib/github/pulls.ts';
import { updatePull } from '../../app/features/update.ts';
import { readTree } from '../../app/model-tree.ts';
import { readPeople } from '../../app/people.ts';
import { auditText, commentOf, fakeProject, killedAtMove, pullOf } from './fake-project.ts';

const LOCK = 'models/bikes/model.lock';

let project: Awaited<ReturnType<typeof fakeProject>>['project'];
let pull: PullRequest;
let main: string;

/** A branch with these files, and main with others, both from one commit. */
async function branches(head: Record<string, string>, base: Record<string, string>): Promise<void> {
  const { trees } = project.forge;
  const write = async (name: string, from: string, files: Record<string, string>) => {
    const changes = Object.entries(files).map(([path, text]) => ({ path, text }));
    const sha = await trees.write({ parent: from, message: name, changes });
    if (!(await trees.createRef(`heads/${name}`, sha))) await trees.moveRef(`heads/${name}`, sha);
    return sha;
  };
  const first = await write('main', main, { a: '1\n2\n3\n', [LOCK]: 'first' });
  pull.head.sha = await write('topic', first, head);
  main = await write('main', first, base);
}

beforeEach(async () => {
  ({ project } = await fakeProject());
  main = (await project.forge.trees.ref('heads/main')) ?? '';
  pull = pullOf('', main);
  Object.assign(project.forge.pulls, { get: async () => pull, committers: async () => [] });
});

async function update(login = 'data-scientist', id = 7) {
  const comment = commentOf(id, '/update', { author: { login, type: 'User' } });
  return updatePull({ project, comment });
}

async function filesOf(name: string): Promise<Record<string, string | null>> {
  const tree = await readTree(project.forge.trees, (await project.forge.trees.ref(`heads/${name}`)) ?? '');
  return { a: await tree.read('a'), lock: await tree.read(LOCK) };
}

// Need 6.
describe('updatePull', () => {
  it("merges lines, takes the base's locks, and keeps who asked for it from approving", async () => {
    await branches({ a: '0\n2\n3\n', [LOCK]: 'mine' }, { a: '1\n2\n4\n', [LOCK]: 'theirs' });
    const before = pull.head.sha;
    expect(await update('ml-lead')).toEqual({ ok: true, text: '' });
    expect(await filesOf('topic')).toEqual({ a: '0\n2\n4\n', lock: 'theirs' });
    const made = await project.forge.trees.commit((await project.forge.trees.ref('heads/topic')) ?? '');
    expect(made.parents).toEqual([before, main]);
    expect((await readPeople(project, pull)).causers).toEqual(['ml-lead']);
  });

  it('asked for again has nothing to do', async () => {
    await branches({ a: '0\n' }, { [LOCK]: 'theirs' });
    await update();
    pull.head.sha = (await project.forge.trees.ref('heads/topic')) ?? '';
    expect(await update('data-scientist', 8)).toMatchObject({
      ok: true,
      text: expect.stringContaining('holds all of main'),
    });
  });

  it.each(['before', 'after'])(
    'goes on with its own merge where it was killed %s the branch moved',
    async (when) => {
      await branches({ a: '0\n' }, { [LOCK]: 'theirs' });
      const { trees } = project.forge;
      const made = await killedAtMove(project, when, () => update());
      pull.head.sha = (await trees.ref('heads/topic')) ?? '';
      expect(await update()).toEqual({ ok: true, text: '' });
      expect(await trees.ref('heads/topic')).toBe(made);
      const entries = await auditText(project);
      expect(entries.match(/"base merged"/g)).toHaveLength(1);
    },
  );

  it('takes the merge that GitHub has made, and the locks of the base in it', async () => {
    await branches({ a: '0\n2\n3\n', [LOCK]: 'mine' }, { [LOCK]: 'theirs' });
    const { trees } = project.forge;
    const changes = [
      { path: 'a', text: 'by GitHub\n' },
      { path: LOCK, text: 'mixed' },
    ];
    const sha = await trees.write({ parent: main, merged: pull.head.sha, message: 'merge', changes });
    await trees.createRef('pull/1/merge', sha);
    await update();
    expect(await filesOf('topic')).toEqual({ a: 'by GitHub\n', lock: 'theirs' });
  });

  it.each<[string, () => void, string, RegExp]>([
    [
      'a fork',
      () => Object.assign(pull.head, { same_repository: false }),
      'ml-lead',
      /never pushes to forks/,
    ],
    ['a closed one', () => Object.assign(pull, { state: 'closed' }), 'ml-lead', /open pull request/],
    [
      'lines that clash',
      () => {},
      'ml-lead',
      /same lines of a: .*git fetch origin && git switch topic && git merge origin\/main/,
    ],
  ])('refuses %s', async (_what, change, login, text) => {
    await branches({ a: '8\n' }, { a: '9\n' });
    change();
    const answer = await update(login);
    expect(answer.ok).toBe(false);
    expect(answer.text).toMatch(text);
    expect(await project.forge.trees.ref('heads/topic')).toBe(pull.head.sha);
  });

  it('says what to type where GitHub refuses other workflow files, and throws on other faults', async () => {
    await branches({ a: '0\n' }, { '.github/workflows/x.yml': 'on: push' });
    const refusal = (message: string) => Object.assign(new Error(message), { status: 403 });
    const moveTo = (error: Error) => {
      const { moveRef } = project.forge.trees;
      project.forge.trees.moveRef = async (name, sha) => {
        if (name === 'heads/topic') throw error;
        return moveRef(name, sha);
      };
    };
    moveTo(
      refusal('refusing to allow a GitHub App to create or update workflow without `workflows` permission'),
    );
    const answer = await update();
    expect(answer).toMatchObject({ ok: false, text: expect.stringContaining('git merge origin/main') });
    expect((await readPeople(project, pull)).causers).toEqual([]);
    moveTo(refusal('Resource not accessible by integration'));
    await expect(update()).rejects.toThrow('not accessible');
  });
});
