import type { Octokit } from 'octokit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureSecrets } from '../../runners/local/github/secrets.ts';
import {
  approveLine,
  bikesFiles,
  commentSaying,
  commentsOf,
  eventually,
  gateOf,
  R,
  say,
  startDefined,
  type World,
} from './app-world.ts';

const FORK = { owner: 'outsider', repo: 'bikes' } as const;

// Fact 12.
describe('a pull request from a fork', { timeout: 240_000 }, () => {
  let world: World;
  let outsider: Octokit;
  beforeAll(async () => {
    world = await startDefined();
    const people = [{ login: 'outsider', role: 'none' }];
    await world.control('/seed', { owner: R.owner, repository: R.repo, people });
    await world.control('/repos/acme/bikes', { private: false }, 'PATCH');
    Object.assign(world.secrets.tokens, (await ensureSecrets(world.dir)).tokens);
    outsider = world.as('outsider');
    await outsider.rest.repos.createFork(R);
  }, 240_000);
  afterAll(() => world.close());

  /** One more commit on the fork's branch. */
  async function push(files: Record<string, string>): Promise<string> {
    const { git } = outsider.rest;
    const known = await git.getRef({ ...FORK, ref: 'heads/topic' }).catch(() => null);
    const tip = known ?? (await git.getRef({ ...FORK, ref: 'heads/main' }));
    const { data: base } = await git.getCommit({ ...FORK, commit_sha: tip.data.object.sha });
    const tree = await git.createTree({
      ...FORK,
      base_tree: base.tree.sha,
      tree: Object.entries(files).map(([path, content]) => ({ path, content, mode: '100644', type: 'blob' })),
    });
    const parents = [base.sha];
    const { data } = await git.createCommit({ ...FORK, message: 'Model', tree: tree.data.sha, parents });
    if (known) await git.updateRef({ ...FORK, ref: 'heads/topic', sha: data.sha });
    else await git.createRef({ ...FORK, ref: 'refs/heads/topic', sha: data.sha });
    return data.sha;
  }

  it('runs at the commit that was let in, is nobody’s to approve who wrote it, and stops at a later push', async () => {
    const { rest } = world.as('ml-lead');
    const first = await push(bikesFiles());
    const { data: origin } = await outsider.rest.pulls.create({
      ...R,
      title: 'A model',
      head: 'outsider:topic',
      base: 'main',
      body: '',
    });
    const { title } = await gateOf(world, origin.number, 'failure');
    expect(title).toContain(`/ok-to-train ${first}`);
    const runs = world.jobs.runs.length;
    const said = (text: string) => commentSaying(world, origin.number, text);
    await say(world, 'data-scientist', origin.number, `/ok-to-train ${first}`);
    await said('it needs maintain permission');
    await say(world, 'ml-lead', origin.number, `/ok-to-train ${'b'.repeat(40)}`);
    await said(`the head is ${first} now`);
    expect(world.jobs.runs).toHaveLength(runs);

    // A writer was there before, with the message that the app would write and other files.
    const branch = `roundhouse-pr-${origin.number}`;
    const writer = world.as('data-scientist').rest.git;
    const { data: main } = await writer.getRef({ ...R, ref: 'heads/main' });
    const { data: tree } = await writer.createTree({
      ...R,
      base_tree: main.object.sha,
      tree: [{ path: 'models/bikes/planted.md', mode: '100644', type: 'blob', content: 'planted\n' }],
    });
    const message = `Let #${origin.number} in at ${first}`;
    const planted = await writer.createCommit({
      ...R,
      message,
      tree: tree.sha,
      parents: [main.object.sha],
    });
    await writer.createRef({ ...R, ref: `refs/heads/${branch}`, sha: planted.data.sha });

    await say(world, 'ml-lead', origin.number, `/ok-to-train ${first}`);
    const pull = await eventually(
      'the pull request of this repository',
      async () => {
        const { data } = await rest.pulls.list({ ...R });
        return data.find(({ head }) => head.ref === `roundhouse-pr-${origin.number}`)?.number;
      },
      world,
    );
    await gateOf(world, pull, 'action_required');
    const left = { ...R, path: 'models/bikes/planted.md', ref: branch };
    await expect(rest.repos.getContent(left)).rejects.toMatchObject({ status: 404 });
    const asked = await approveLine(world, pull);
    await say(world, 'ml-lead', pull, asked);
    await eventually(
      'a refusal of who let it in',
      async () => (await commentsOf(world, pull)).find(({ body }) => body.includes('caused it')),
      world,
    );

    const later = await push({ 'models/bikes/notes.md': 'more\n' });
    const stale = await gateOf(world, pull, 'failure');
    expect(stale.title).toContain(`/ok-to-train ${later}`);
    await say(world, 'ml-lead', origin.number, `/ok-to-train ${later}`);
    await gateOf(world, pull, 'action_required');
    const { data: file } = await rest.repos.getContent({
      ...R,
      path: 'models/bikes/notes.md',
      ref: `roundhouse-pr-${origin.number}`,
    });
    expect(file).toMatchObject({ type: 'file' });
    const { data: open } = await rest.pulls.list({ ...R });
    expect(open.map(({ number }) => number).sort()).toEqual([origin.number, pull].sort());
  });
});
