import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { CommentFacts } from '#lib/github/facts.ts';
import type { PullRequest } from '#lib/github/pulls.ts';
import { stateBranch } from '#lib/github/state-branch.ts';
import type { Permission } from '#lib/lifecycle/approval.ts';
import type { Project } from '../../app/project.ts';
import { createQueue } from '../../app/queue.ts';
import { createTroubles } from '../../app/troubles.ts';
import { fakeTrees } from '../github/fake-trees.ts';

const POLICY = readFileSync(
  new URL('../../templates/starter/.github/roundhouse.yml', import.meta.url),
  'utf8',
).replace('{{supervisor}}', 'http://127.0.0.1:1/');

type Listed = CommentFacts & { edited: boolean };

/** A repository with a policy and no models, on a GitHub in memory that can be down and whose clock is ours. */
export async function fakeProject({ policy = POLICY as string | null } = {}) {
  const { trees } = fakeTrees();
  const world = {
    now: new Date('2026-03-01T10:00:00Z'),
    /** What throws when it is asked. */
    down: null as 'writes' | 'pulls' | null,
    comments: [] as Listed[],
    replies: [] as { issue: number; body: string }[],
    reactions: [] as number[],
    /** Issues whose conversation is locked. */
    locked: [] as number[],
    /** From when on comments were asked for. */
    looks: [] as string[],
    permissions: {} as Record<string, Permission>,
  };
  const first = await trees.write({
    parent: null,
    message: 'first',
    changes: policy === null ? [] : [{ path: '.github/roundhouse.yml', text: policy }],
  });
  await trees.createRef('heads/main', first);
  const failing = (what: typeof world.down) => {
    if (world.down === what) throw new Error(`GitHub is down for ${what}`);
  };
  const now = () => world.now;
  const written: typeof trees = {
    ...trees,
    write: async (change) => {
      failing('writes');
      return trees.write(change);
    },
  };
  const forge = {
    trees: written,
    comments: {
      list: async (issue: number) =>
        world.replies.flatMap(({ issue: of, body }, id) =>
          of === issue ? [{ id, body, author: { login: 'roundhouse[bot]' } }] : [],
        ),
      update: async (id: number, body: string) => {
        const said = world.replies[id];
        if (said) said.body = body;
      },
      since: async (since: Date) => {
        world.looks.push(since.toISOString());
        return world.comments;
      },
      create: async (issue: number, body: string) => {
        if (world.locked.includes(issue)) return 'locked';
        world.replies.push({ issue, body });
        return 'said';
      },
      react: async ({ id, issue }: { id: number; issue: number }) => {
        if (world.locked.includes(issue)) return 'locked';
        world.reactions.push(id);
        return 'said';
      },
    },
    issues: {
      get: async (number: number) => ({
        number,
        state: 'open',
        is_pull_request: false,
        labels: [],
        author: {},
      }),
      list: async () => [],
    },
    people: {
      permission: async (login: string) => world.permissions[login] ?? 'write',
      inTeam: async () => false,
    },
    pulls: {
      list: async () => {
        failing('pulls');
        return [];
      },
    },
    runs: { list: async () => [] },
  } as unknown as Project['forge'];
  const project: Project = {
    owner: 'acme',
    repo: 'bikes',
    defaultBranch: 'main',
    forge,
    state: stateBranch({ trees: written, batchSeconds: () => 0, now }),
    bot: 'roundhouse[bot]',
    ownerId: 'app',
    store: () => {
      throw new Error('there is no store here');
    },
    setPace: () => {},
    heard: new Map(),
    troubles: createTroubles(),
    now,
    log: { info: () => {}, warn: () => {}, error: () => {} },
  };
  return { world, project, place: { project, queue: createQueue() } };
}

/** A person's comment on issue 1, a minute before the clock of the world began. */
export function commentOf(id: number, body: string, change: Partial<Listed> = {}): Listed {
  return {
    id,
    issue: 1,
    body,
    author: { login: 'ml-lead', type: 'User' },
    created_at: '2026-03-01T09:59:00Z',
    url: `https://github.com/acme/bikes/issues/1#issuecomment-${id}`,
    edited: false,
    ...change,
  };
}

/** An open pull request of `topic` to `main`. */
export function pullOf(head: string, base: string): PullRequest {
  return {
    number: 1,
    title: '',
    body: '',
    author: { login: 'data-scientist', type: 'User' },
    state: 'open',
    merged: false,
    draft: false,
    mergeable: null,
    base: { ref: 'main', sha: base },
    head: { ref: 'topic', sha: head, same_repository: true },
    url: 'https://github.com/acme/bikes/pull/1',
  };
}

/** All of the audit log. */
export async function auditText({ state }: Pick<Project, 'state'>): Promise<string> {
  const paths = await state.paths('audit/');
  return (await Promise.all(paths.map((path) => state.read(path)))).join('');
}

/** The process dies where `topic` is moved for the first time, before or after it is; gives the commit it was for. */
export async function killedAtMove(
  { forge: { trees } }: Pick<Project, 'forge'>,
  when: string,
  act: () => Promise<unknown>,
): Promise<string> {
  const { moveRef } = trees;
  let made = '';
  trees.moveRef = async (ref, sha) => {
    if (ref !== 'heads/topic') return moveRef(ref, sha);
    made = sha;
    if (when === 'after') await moveRef(ref, sha);
    throw new Error('killed');
  };
  await expect(act()).rejects.toThrow('killed');
  trees.moveRef = moveRef;
  return made;
}
