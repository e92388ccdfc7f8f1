import type { Octokit } from 'octokit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  approveLine,
  bikesFiles,
  commentSaying,
  commentsOf,
  commitFiles,
  eventually,
  gateOf,
  R,
  say,
  startDefined,
  type World,
} from './app-world.ts';
import { openFork, openForkPull, pushToFork } from './variants.ts';

// Fact 12.
describe('a pull request from a fork', { timeout: 240_000 }, () => {
  let world: World;
  let outsider: Octokit;
  beforeAll(async () => {
    world = await startDefined();
    outsider = await openFork(world);
  }, 240_000);
  afterAll(() => world.close());

  const push = (files: Record<string, string>) => pushToFork(outsider, files);

  it('runs at the commit that was let in, is nobody’s to approve who wrote it, and stops at a later push', async () => {
    const { rest } = world.as('ml-lead');
    const first = await push(bikesFiles());
    const origin = { number: await openForkPull(outsider) };
    const { title } = await gateOf(world, origin.number, 'failure');
    expect(title).toContain(`/ok-to-train ${first}`);
    const runs = world.jobs.runs.length;
    const said = (text: string) => commentSaying(world, origin.number, text);
    await say(world, 'data-scientist', origin.number, `/ok-to-train ${first}`);
    await said('it needs maintain permission');
    await say(world, 'ml-lead', origin.number, `/ok-to-train ${'b'.repeat(40)}`);
    await said(`the head is ${first} now`);
    expect(world.jobs.runs).toHaveLength(runs);

    // A writer was there before, with the commit that the app would make and other files on top of it.
    const branch = `roundhouse-pr-${origin.number}`;
    const writer = world.as('data-scientist').rest.git;
    const { data: main } = await writer.getRef({ ...R, ref: 'heads/main' });
    const { data: theirs } = await writer.getCommit({ ...R, commit_sha: first });
    const message = `Let #${origin.number} in at ${first}`;
    const copy = await writer.createCommit({
      ...R,
      message,
      tree: theirs.tree.sha,
      parents: [main.object.sha],
    });
    const files = { 'models/bikes/planted.md': 'planted\n' };
    const planted = await commitFiles(writer, { parent: copy.data.sha, files, message: 'More' });
    await writer.createRef({ ...R, ref: `refs/heads/${branch}`, sha: planted });

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
