import type { Octokit } from 'octokit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Checkout, R, refusal, startWorld, type World } from '../harness.ts';
import { adminOf } from './admin.ts';

let world: World;
let work: Checkout;
let admin: Octokit;
let bot: Octokit;

beforeAll(async () => {
  world = await startWorld();
  work = await world.repository('ml-lead');
  await work.commit('first', { 'README.md': '# Bikes\n' });
  await work.push('main');
  [admin, bot] = [await adminOf(world), await world.bot()];
});
afterAll(() => world.close());

const id = async () => (await admin.rest.repos.get(R)).data.id;

// Need 1. GitHub docs, webhooks, `repository`; rest/using-the-rest-api/best-practices, "Follow redirects".
describe('a repository', () => {
  test('that was renamed is found under its old name, by redirect', async () => {
    await admin.rest.repos.update({ ...R, name: 'cycles' });
    expect(await world.event('repository', 'renamed')).toMatchObject({
      changes: { repository: { name: { from: 'bikes' } } },
      repository: { full_name: 'acme/cycles' },
    });
    const url = `${world.github.url}/api/v3/repos/acme/bikes`;
    const headers = { authorization: `Bearer ${world.secrets.tokens['ml-lead']}` };
    const get = await fetch(`${url}/branches`, { headers, redirect: 'manual' });
    expect(get.status).toBe(301);
    expect(get.headers.get('location')).toMatch(/\/api\/v3\/repositories\/\d+\/branches$/);
    const post = await fetch(`${url}/issues`, { headers, redirect: 'manual', method: 'POST', body: '{}' });
    expect(post.status).toBe(307);
    // Clients follow both, and git does.
    expect((await bot.rest.repos.get(R)).data.full_name).toBe('acme/cycles');
    expect((await bot.rest.issues.create({ ...R, title: 'Under the old name' })).data.number).toBe(1);
    await work.commit('more', { 'more.txt': 'm' });
    await work.push('main');
    await admin.rest.repos.update({ owner: R.owner, repo: 'cycles', name: R.repo });
    expect((await admin.rest.repos.get(R)).data.full_name).toBe('acme/bikes');
  });

  test('that was archived is read-only, by API and by git', async () => {
    await admin.rest.repos.update({ ...R, archived: true });
    await world.event('repository', 'archived');
    expect(await refusal(bot.rest.issues.create({ ...R, title: 'x' }))).toMatchObject({
      status: 403,
      message: expect.stringContaining('Repository was archived so is read-only.'),
    });
    await work.commit('late', { 'late.txt': 'l' });
    await expect(work.push('main')).rejects.toThrow(/403/);
    expect((await bot.rest.repos.get(R)).data.archived).toBe(true);
    await admin.rest.repos.update({ ...R, archived: false });
    await world.event('repository', 'unarchived');
    await work.push('main');
  });

  // GitHub docs, rest/branches/branches, "Rename a branch".
  test('whose default branch is renamed keeps its pull requests', async () => {
    await work.git('checkout', '--quiet', '-b', 'topic');
    await work.commit('topic', { 'topic.txt': 't' });
    await work.push('topic');
    const lead = world.as('ml-lead');
    const { data: pull } = await lead.rest.pulls.create({ ...R, title: 'T', head: 'topic', base: 'main' });
    await admin.rest.repos.renameBranch({ ...R, branch: 'main', new_name: 'trunk' });
    expect(await world.event('repository', 'edited')).toMatchObject({
      changes: { default_branch: { from: 'main' } },
      repository: { default_branch: 'trunk' },
    });
    const { data } = await lead.rest.pulls.get({ ...R, pull_number: pull.number });
    expect(data).toMatchObject({ state: 'open', base: { ref: 'trunk' } });
    const unknown = admin.rest.repos.update({ ...R, default_branch: 'gone' });
    expect((await refusal(unknown)).status).toBe(422);
    await admin.rest.repos.renameBranch({ ...R, branch: 'trunk', new_name: 'main' });
  });
});

// Need 1. GitHub docs, webhooks, `installation` and `installation_repositories`; rest/apps/apps.
describe('an installation', () => {
  test('that is suspended has no tokens and hears nothing', async () => {
    const { data } = await world.app.octokit.rest.apps.getRepoInstallation(R);
    const at = { installation_id: data.id };
    await world.app.octokit.rest.apps.suspendInstallation(at);
    expect(await world.event('installation', 'suspend')).toMatchObject({
      installation: { suspended_at: expect.any(String) },
    });
    expect((await refusal(bot.rest.repos.get(R))).status).toBe(403);
    const token = world.app.octokit.rest.apps.createInstallationAccessToken(at);
    expect(await refusal(token)).toMatchObject({
      status: 403,
      message: expect.stringContaining('This installation has been suspended'),
    });
    const heard = world.hook.events.length;
    await admin.rest.issues.create({ ...R, title: 'unheard' });
    await world.app.octokit.rest.apps.unsuspendInstallation(at);
    await world.event('installation', 'unsuspend');
    const since = world.hook.events.slice(heard).map(({ name }) => name);
    expect(since).not.toContain('issues');
    expect((await bot.rest.repos.get(R)).status).toBe(200);
  });

  test('that loses a repository cannot see it with the tokens it has', async () => {
    const { data } = await world.app.octokit.rest.apps.getRepoInstallation(R);
    const selected = { installation_id: data.id, repository_id: await id() };
    await admin.rest.apps.removeRepoFromInstallationForAuthenticatedUser(selected);
    expect(await world.event('installation_repositories', 'removed')).toMatchObject({
      repositories_removed: [{ full_name: 'acme/bikes' }],
    });
    expect((await refusal(bot.rest.repos.get(R))).status).toBe(404);
    await admin.rest.apps.addRepoToInstallationForAuthenticatedUser(selected);
    expect(await world.event('installation_repositories', 'added')).toMatchObject({
      repositories_added: [{ full_name: 'acme/bikes' }],
    });
    expect((await bot.rest.repos.get(R)).status).toBe(200);
  });

  // A transfer that leaves the installation behind tells so: assumed (docs/real-github-check.md, A18).
  test('does not follow a repository to another owner', async () => {
    await admin.rest.repos.transfer({ ...R, new_owner: 'ml-lead' });
    expect(await world.event('repository', 'transferred')).toMatchObject({
      changes: { owner: { from: { organization: { login: 'acme' } } } },
      repository: { full_name: 'ml-lead/bikes' },
    });
    expect((await refusal(bot.request('GET /repos/ml-lead/bikes'))).status).toBe(404);
    expect((await world.as('ml-lead').rest.repos.get(R)).data.full_name).toBe('ml-lead/bikes');
  });

  test('that is deleted takes its tokens with it', async () => {
    const { data } = await world.app.octokit.rest.apps.listInstallations();
    await world.app.octokit.rest.apps.deleteInstallation({ installation_id: data[0]?.id ?? 0 });
    await world.event('installation', 'deleted');
    expect((await refusal(bot.request('GET /installation/repositories'))).status).toBe(401);
  });
});
