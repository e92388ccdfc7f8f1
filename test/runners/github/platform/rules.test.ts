import type { Octokit } from 'octokit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Checkout, R, refusal, startWorld, WORKFLOW, type World } from '../harness.ts';
import { adminOf, ruleset } from './admin.ts';

let world: World;
let work: Checkout;
let admin: Octokit;
let bot: Octokit;
let main: string;

beforeAll(async () => {
  world = await startWorld();
  work = await world.repository('ml-lead');
  main = await work.commit('first', { 'README.md': '# Bikes\n', '.github/workflows/train.yml': WORKFLOW });
  await work.push('main');
  [admin, bot] = [await adminOf(world), await world.bot()];
});
afterAll(() => world.close());

const app = () => ({ actor_id: world.secrets.app.id, actor_type: 'Integration' });
const CLOSED = ['creation', 'update', 'deletion'].map((type) => ({ type }));

// Fact 3. GitHub docs, available-rules-for-rulesets, "Restrict creations, updates, deletions".
describe('tags and the state branch are the app’s alone', () => {
  test('by two rulesets with the app as only bypass actor', async () => {
    const include = ['refs/tags/*@v*', 'refs/tags/*#*'];
    const tags = { name: 'registry', target: 'tag' as const, include };
    const state = { name: 'state', include: ['refs/heads/roundhouse'] };
    const undo = [
      await ruleset(admin, { ...tags, rules: CLOSED, bypass_actors: [app()] }),
      await ruleset(admin, { ...state, rules: CLOSED, bypass_actors: [app()] }),
    ];
    for (const ref of ['refs/tags/bikes@v1.0.0', 'refs/tags/bikes#production#1', 'refs/heads/roundhouse']) {
      // Not even an administrator, who is no bypass actor.
      expect((await refusal(admin.rest.git.createRef({ ...R, ref, sha: main }))).status, ref).toBe(422);
      await bot.rest.git.createRef({ ...R, ref, sha: main });
      expect((await refusal(admin.rest.git.deleteRef({ ...R, ref: ref.slice(5) }))).status, ref).toBe(422);
    }
    await work.commit('forged', {});
    await expect(work.push('HEAD:refs/heads/roundhouse')).rejects.toThrow(/rule violations/);
    await expect(work.push(':refs/tags/bikes@v1.0.0')).rejects.toThrow(/rule violations/);
    for (const back of undo) await back();
  });

  // Fact 3. Seen in tetherto/qvac#3555, FriendlyInternet/nuxt-crouton#1942.
  test('and GITHUB_TOKEN cannot be a bypass actor', async () => {
    const actions = { actor_id: 15368, actor_type: 'Integration' };
    const made = ruleset(admin, { name: 'actions', rules: CLOSED, bypass_actors: [actions] });
    expect(await refusal(made)).toMatchObject({
      status: 422,
      message: expect.stringContaining(
        'Actor GitHub Actions integration must be part of the ruleset source or owner organization',
      ),
    });
  });

  test('and nobody but an administrator makes rulesets, the app neither', async () => {
    expect((await refusal(ruleset(world.as('ml-lead'), { name: 'x', rules: CLOSED }))).status).toBe(403);
    expect((await refusal(ruleset(bot, { name: 'x', rules: CLOSED }))).status).toBe(403);
  });
});

const gate = (integration_id?: number) => ({
  type: 'required_status_checks',
  parameters: {
    strict_required_status_checks_policy: false,
    required_status_checks: [{ context: 'roundhouse/gate', ...(integration_id ? { integration_id } : {}) }],
  },
});

const posted = (by: Octokit, head_sha: string) =>
  by.rest.checks.create({
    ...R,
    name: 'roundhouse/gate',
    head_sha,
    status: 'completed',
    conclusion: 'success',
  });

let pulls = 0;

async function openPull(by = 'data-scientist') {
  pulls += 1;
  const head = `topic-${pulls}`;
  const mine = await world.repository(by);
  await mine.fetch('main');
  await mine.git('checkout', '--quiet', '-B', head, 'FETCH_HEAD');
  const sha = await mine.commit(head, { [`${head}.txt`]: head });
  await mine.push(head);
  const { data } = await world.as(by).rest.pulls.create({ ...R, title: head, head, base: 'main' });
  return { at: { ...R, pull_number: data.number }, sha, mine, head };
}

// Fact 11. GD:…/available-rules-for-rulesets.md, "Require status checks to pass".
describe('a required check', () => {
  // That the API refuses it as the settings page does is assumed (docs/real-github-check.md, A17).
  test('is bound only to an app that has lately posted one', async () => {
    const id = world.secrets.app.id;
    const early = ruleset(admin, { name: 'gate', rules: [gate(id)] });
    expect(await refusal(early)).toMatchObject({
      status: 422,
      message: expect.stringContaining('recently submitted a check run'),
    });
    await posted(bot, main);
    const undo = await ruleset(admin, { name: 'gate', rules: [gate(id)] });
    const pull = await openPull();
    // A status and a job's check of the same name are by other hands.
    await admin.rest.repos.createCommitStatus({
      ...R,
      sha: pull.sha,
      state: 'success',
      context: 'roundhouse/gate',
    });
    await bot.rest.actions.createWorkflowDispatch({
      ...R,
      workflow_id: 'train.yml',
      ref: 'main',
      inputs: { request_id: 'r' },
    });
    const run = await world.control.claim();
    const job = world.withToken(await world.control.jobToken(run?.id ?? 0, { checks: 'write' }));
    await posted(job, pull.sha);
    const lead = world.as('ml-lead');
    expect((await lead.rest.pulls.get(pull.at)).data.mergeable_state).toBe('blocked');
    expect((await refusal(lead.rest.pulls.merge(pull.at))).status).toBe(405);
    await posted(bot, pull.sha);
    expect((await lead.rest.pulls.merge(pull.at)).data.merged).toBe(true);
    // A commit that was pushed past the pull request has no check: refused too.
    await work.fetch('main');
    await work.git('checkout', '--quiet', '-B', 'direct', 'FETCH_HEAD');
    await work.commit('direct', { 'direct.txt': 'd' });
    await expect(work.push('direct:main')).rejects.toThrow(
      /Required status check "roundhouse\/gate" is expected/,
    );
    await undo();
  });
});

// Fact 9. GD:…/about-protected-branches.md and available-rules-for-rulesets.md, "Require a pull request before merging".
describe('required reviews', () => {
  const reviewed = (more: Record<string, unknown>) => ({
    type: 'pull_request',
    parameters: {
      ...{ required_approving_review_count: 1, dismiss_stale_reviews_on_push: false },
      ...{ require_last_push_approval: false, require_code_owner_review: false },
      ...{ required_review_thread_resolution: false, ...more },
    },
  });
  const approve = (by: string, at: { pull_number: number; owner: string; repo: string }) =>
    world.as(by).rest.pulls.createReview({ ...at, event: 'APPROVE' });

  test('count from people who may write; none by a reader, none past a request for changes', async () => {
    const undo = await ruleset(admin, { name: 'reviews', rules: [reviewed({})] });
    const pull = await openPull();
    const lead = world.as('ml-lead');
    await approve('product-owner', pull.at);
    expect(await refusal(lead.rest.pulls.merge(pull.at))).toMatchObject({
      status: 405,
      message: expect.stringContaining(
        'At least 1 approving review is required by reviewers with write access.',
      ),
    });
    await lead.rest.pulls.createReview({ ...pull.at, event: 'REQUEST_CHANGES', body: 'no' });
    await admin.rest.pulls.createReview({ ...pull.at, event: 'APPROVE' });
    expect((await refusal(lead.rest.pulls.merge(pull.at))).message).toContain('Changes were requested');
    await approve('ml-lead', pull.at);
    expect((await lead.rest.pulls.merge(pull.at)).data.merged).toBe(true);
    await undo();
  });

  test('are dismissed by a push that changes the diff, and not by a merge of the base', async () => {
    const undo = await ruleset(admin, {
      name: 'stale',
      rules: [reviewed({ dismiss_stale_reviews_on_push: true })],
    });
    const pull = await openPull();
    await approve('ml-lead', pull.at);
    // The base moves by another pull request.
    const other = await openPull('ml-lead');
    await approve('data-scientist', other.at);
    await admin.rest.pulls.merge(other.at);
    await world.as('data-scientist').rest.pulls.updateBranch(pull.at);
    const states = async () => (await bot.rest.pulls.listReviews(pull.at)).data.map(({ state }) => state);
    expect(await states()).toEqual(['APPROVED']);
    await pull.mine.fetch(pull.head);
    await pull.mine.git('reset', '--quiet', '--hard', 'FETCH_HEAD');
    await pull.mine.commit('more', { 'more.txt': 'm' });
    await pull.mine.push(pull.head);
    expect(await states()).toEqual(['DISMISSED']);
    const ofPull = (p: { pull_request: { number: number } }) => p.pull_request.number === pull.at.pull_number;
    await world.event('pull_request_review', 'dismissed', ofPull);
    expect((await refusal(admin.rest.pulls.merge(pull.at))).status).toBe(405);
    await undo();
  });

  // Read strictly: assumed (docs/real-github-check.md, A12).
  test('of the most recent reviewable push come from somebody else', async () => {
    const undo = await ruleset(admin, {
      name: 'last',
      rules: [reviewed({ require_last_push_approval: true })],
    });
    const pull = await openPull();
    await approve('ml-lead', pull.at);
    // A commit by the app makes the app the last pusher: the approval given before it is not of that push.
    const { data: before } = await bot.rest.git.getCommit({ ...R, commit_sha: pull.sha });
    const { data: lock } = await bot.rest.git.createTree({
      ...{ ...R, base_tree: before.tree.sha },
      tree: [{ path: 'model.lock', mode: '100644', type: 'blob', content: 'x' }],
    });
    const { data: commit } = await bot.rest.git.createCommit({
      ...R,
      message: 'lock',
      tree: lock.sha,
      parents: [pull.sha],
    });
    await bot.rest.git.updateRef({ ...R, ref: `heads/${pull.head}`, sha: commit.sha });
    expect(await refusal(admin.rest.pulls.merge(pull.at))).toMatchObject({
      status: 405,
      message: expect.stringContaining('approval from someone other than the last pusher'),
    });
    await approve('ml-lead', pull.at);
    expect((await admin.rest.pulls.merge(pull.at)).data.merged).toBe(true);
    // With a pull request required, nothing is pushed past it.
    await expect(work.push('+direct:main')).rejects.toThrow(/Changes must be made through a pull request/);
    await undo();
  });
});

// Fact 20, need 9. GD:…/about-commit-signature-verification.md, "Signature verification for bots".
test('where signatures are required, a commit that the app made without naming an author passes', async () => {
  const undo = await ruleset(admin, {
    name: 'signed',
    include: ['refs/heads/signed*'],
    rules: [{ type: 'required_signatures' }],
  });
  const { data: tree } = await bot.rest.git.createTree({
    ...R,
    tree: [{ path: 'a', mode: '100644', type: 'blob', content: 'a' }],
  });
  const made = { ...R, message: 'lock', tree: tree.sha };
  const author = { name: 'roundhouse[bot]', email: 'bot@example.org' };
  const { data: verified } = await bot.rest.git.createCommit(made);
  const { data: named } = await bot.rest.git.createCommit({ ...made, author });
  expect([verified.verification.verified, named.verification.verified]).toEqual([true, false]);
  await bot.rest.git.createRef({ ...R, ref: 'refs/heads/signed-1', sha: verified.sha });
  expect(
    await refusal(bot.rest.git.createRef({ ...R, ref: 'refs/heads/signed-2', sha: named.sha })),
  ).toMatchObject({
    status: 422,
    message: expect.stringContaining('Commits must have verified signatures'),
  });
  await undo();
});
