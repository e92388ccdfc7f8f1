import { expect, it } from 'vitest';
import type { PullRequest } from '#lib/github/pulls.ts';
import { countAsks } from '../../app/features/asks.ts';
import { readPullFacts } from '../../app/pull-facts.ts';
import { fakeProject } from './fake-project.ts';

const FILE = '.github/roundhouse.yml';

/** What a pull request that edits the policy waits for, and what is wrong with it. */
async function askedFor(edit: (text: string) => string) {
  const { project } = await fakeProject();
  const { trees } = project.forge;
  const base = (await trees.ref('heads/main')) ?? '';
  const before = (await trees.files(base)).find(({ path }) => path === FILE);
  const text = edit(await trees.text(before?.sha ?? ''));
  const head = await trees.write({ parent: base, message: 'edit', changes: [{ path: FILE, text }] });
  const merge = await trees.write({
    parent: base,
    merged: head,
    message: 'm',
    changes: [{ path: FILE, text }],
  });
  await trees.createRef('pull/1/merge', merge);
  const pull: PullRequest = {
    ...{ number: 1, title: '', body: '', state: 'open', merged: false, draft: false, mergeable: true },
    author: { login: 'data-scientist', type: 'User' },
    base: { ref: 'main', sha: base },
    head: { ref: 'topic', sha: head, same_repository: true },
    url: 'https://github.com/acme/bikes/pull/1',
  };
  Object.assign(project.forge.pulls, { paths: async () => [FILE], committers: async () => [] });
  const facts = await readPullFacts(project, pull);
  if ('reason' in facts) throw new Error(facts.reason);
  const asks = await countAsks(project, { ...facts, head: base, branch: 'topic', models: [] });
  return { asks, faults: facts.faults };
}

it('a change of the policy waits for those whom the policy of the base names', async () => {
  const { asks } = await askedFor((text) =>
    text.replace(
      'policy: { required: 1, roles: [product-owner, ml-lead] }',
      'policy: { required: 1, roles: [data-scientist] }',
    ),
  );
  expect(asks).toMatchObject([
    {
      subject: 'policy',
      model: null,
      author: 'data-scientist',
      count: { missing: [{ rule: 'policy', count: 1, roles: ['product-owner', 'ml-lead'] }] },
    },
  ]);
});

it('other words for the same policy ask nobody', async () => {
  expect(await askedFor((text) => `# Ours.\n${text}`)).toEqual({ asks: [], faults: [] });
});

it('a policy that cannot be read is a fault of the pull request', async () => {
  const { asks, faults } = await askedFor((text) => text.replace('version: 1', 'version: 2'));
  expect(asks).toEqual([]);
  expect(faults.join()).toContain('version');
});
