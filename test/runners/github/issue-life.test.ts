import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { R, refusal, startWorld, type World } from './harness.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const lead = () => world.as('ml-lead').rest;
async function newIssue(title: string) {
  const { data } = await world.as('product-owner').rest.issues.create({ ...R, title });
  return { number: data.number, id: data.id };
}

/** The event of one issue. */
const told = (name: string, action: string, number: number) =>
  world.event(name, action, (payload: { issue: { number: number } }) => payload.issue.number === number);

// GitHub docs, rest/issues/labels and webhook-events-and-payloads#label.
test('a label is made, renamed on all its issues and deleted from them', async () => {
  const { number } = await newIssue('labels');
  await lead().issues.addLabels({ ...R, issue_number: number, labels: ['ml: drift'] });
  await world.event('label', 'created');
  await lead().issues.updateLabel({ ...R, name: 'ml: drift', new_name: 'ml: decay', color: 'ff0000' });
  expect(await world.event('label', 'edited')).toMatchObject({
    label: { name: 'ml: decay', color: 'ff0000' },
    changes: { name: { from: 'ml: drift' }, color: { from: 'ededed' } },
  });
  const labels = async () => (await lead().issues.listLabelsOnIssue({ ...R, issue_number: number })).data;
  expect((await labels()).map(({ name }) => name)).toEqual(['ml: decay']);
  expect((await refusal(lead().issues.createLabel({ ...R, name: 'ML: decay' }))).status).toBe(422);
  await lead().issues.deleteLabel({ ...R, name: 'ml: decay' });
  await world.event('label', 'deleted');
  expect(await labels()).toEqual([]);
});

test('who may not triage has his labels and assignees dropped without a word', async () => {
  const { data } = await world.as('product-owner').rest.issues.create({
    ...{ ...R, title: 'dropped', labels: ['bug'], assignees: ['ml-lead'] },
  });
  expect(data).toMatchObject({ labels: [], assignees: [] });
});

// GitHub docs, rest/issues/assignees: silently ignored where he may not be assigned.
test('assignees come and go, and are told of', async () => {
  const { number } = await newIssue('assigned');
  const { data } = await lead().issues.addAssignees({
    ...{ ...R, issue_number: number, assignees: ['ml-lead', 'nobody-here'] },
  });
  expect(data?.assignees?.map(({ login }) => login)).toEqual(['ml-lead']);
  expect(await told('issues', 'assigned', number)).toMatchObject({ assignee: { login: 'ml-lead' } });
  await lead().issues.removeAssignees({ ...R, issue_number: number, assignees: ['ml-lead'] });
  await told('issues', 'unassigned', number);
});

// GitHub docs, webhook-events-and-payloads#milestone.
test('a milestone is told of when it is made, closed, put on and deleted', async () => {
  const { number } = await newIssue('milestone');
  const { data } = await lead().issues.createMilestone({ ...R, title: 'v1' });
  await world.event('milestone', 'created');
  await lead().issues.update({ ...R, issue_number: number, milestone: data.number });
  expect(await told('issues', 'milestoned', number)).toMatchObject({ milestone: { title: 'v1' } });
  await lead().issues.updateMilestone({
    ...R,
    milestone_number: data.number,
    state: 'closed',
    title: 'v1.0',
  });
  expect(await world.event('milestone', 'edited')).toMatchObject({ changes: { title: { from: 'v1' } } });
  await world.event('milestone', 'closed');
  await lead().issues.deleteMilestone({ ...R, milestone_number: data.number });
  await world.event('milestone', 'deleted');
  expect((await lead().issues.get({ ...R, issue_number: number })).data.milestone).toBeNull();
});

test('state and reason go together; a pull request of the same number does not exist', async () => {
  const { number } = await newIssue('closed');
  const close = { ...R, issue_number: number, state: 'closed', state_reason: 'not_planned' } as const;
  await lead().issues.update(close);
  expect(await told('issues', 'closed', number)).toMatchObject({ issue: { state_reason: 'not_planned' } });
  expect((await refusal(lead().pulls.get({ ...R, pull_number: number }))).status).toBe(404);
});

describe('locked', () => {
  // GitHub docs, locking-conversations; probot/stale#25 and renovatebot/renovate#6215 for apps.
  test('only people who may write comment; the app may not, and edits what it wrote', async () => {
    const { number } = await newIssue('heated');
    const bot = await world.bot();
    const { data: card } = await bot.rest.issues.createComment({ ...R, issue_number: number, body: 'card' });
    const lock = { ...R, issue_number: number, lock_reason: 'resolved' } as const;
    expect((await refusal(world.as('product-owner').rest.issues.lock(lock))).status).toBe(403);
    await lead().issues.lock(lock);
    expect(await told('issues', 'locked', number)).toMatchObject({
      issue: { locked: true, active_lock_reason: 'resolved' },
    });
    const say = { ...R, issue_number: number, body: 'more' };
    for (const rest of [world.as('product-owner').rest, bot.rest]) {
      expect(await refusal(rest.issues.createComment(say))).toMatchObject({
        status: 403,
        message: expect.stringContaining('Unable to create comment because issue is locked.'),
      });
    }
    await bot.rest.issues.updateComment({ ...R, comment_id: card.id, body: 'card 2' });
    // github/docs#21343, GitHawkApp/GitHawk#2297: no reaction either, not even by a writer. Its words are assumed (A22).
    const react = { ...R, comment_id: card.id, content: '+1' } as const;
    expect((await refusal(lead().reactions.createForIssueComment(react))).status).toBe(403);
    await lead().issues.createComment(say);
    await lead().issues.unlock({ ...R, issue_number: number });
    await told('issues', 'unlocked', number);
    await world.as('product-owner').rest.issues.createComment(say);
  });
});

// GitHub docs, rest/reactions/reactions.
test('reactions on an issue: one’s own is taken back', async () => {
  const { number } = await newIssue('reacted');
  const bot = await world.bot();
  const { data } = await bot.rest.reactions.createForIssue({ ...R, issue_number: number, content: 'rocket' });
  expect((await lead().issues.get({ ...R, issue_number: number })).data.reactions).toMatchObject({
    rocket: 1,
  });
  const remove = { ...R, issue_number: number, reaction_id: data.id };
  expect((await refusal(lead().reactions.deleteForIssue(remove))).status).toBe(403);
  await bot.rest.reactions.deleteForIssue(remove);
  expect((await lead().reactions.listForIssue({ ...R, issue_number: number })).data).toEqual([]);
});

// Need 18. GitHub docs, rest/issues/sub-issues and adding-sub-issues.
describe('sub-issues', () => {
  test('are named by id, have one parent, and tell both', async () => {
    const [parent, child, other] = [
      await newIssue('parent'),
      await newIssue('child'),
      await newIssue('other'),
    ];
    const bot = await world.bot();
    const add = (issue_number: number, sub_issue_id: number, more = {}) =>
      bot.rest.issues.addSubIssue({ ...R, issue_number, sub_issue_id, ...more });
    expect((await refusal(add(parent.number, child.number))).status).toBe(404);
    const { data } = await add(parent.number, child.id);
    expect(data).toMatchObject({ number: parent.number, sub_issues_summary: { total: 1, completed: 0 } });
    expect(await world.event('sub_issues', 'sub_issue_added')).toMatchObject({
      ...{ sub_issue_id: child.id, parent_issue_id: parent.id },
      ...{ sub_issue: { number: child.number }, parent_issue: { number: parent.number } },
    });
    await world.event('sub_issues', 'parent_issue_added');
    expect(await refusal(add(other.number, child.id))).toMatchObject({
      status: 422,
      message: expect.stringContaining('only have one parent'),
    });
    expect((await refusal(add(child.number, parent.id))).status).toBe(422);
    await add(other.number, child.id, { replace_parent: true });
    expect((await bot.rest.issues.listSubIssues({ ...R, issue_number: parent.number })).data).toEqual([]);
    await lead().issues.update({ ...R, issue_number: child.number, state: 'closed' });
    const { data: now } = await bot.rest.issues.get({ ...R, issue_number: other.number });
    expect(now.sub_issues_summary).toMatchObject({ total: 1, completed: 1, percent_completed: 100 });
    await bot.rest.issues.removeSubIssue({ ...R, issue_number: other.number, sub_issue_id: child.id });
    await world.event('sub_issues', 'sub_issue_removed');
  });

  test('are at most 100 to a parent and 8 levels deep', async () => {
    const bot = await world.bot();
    const create = async () => (await bot.rest.issues.create({ ...R, title: 'many' })).data;
    const parent = await create();
    const children = await Promise.all(Array.from({ length: 101 }, create));
    const add = (sub_issue_id: number) =>
      bot.rest.issues.addSubIssue({ ...R, issue_number: parent.number, sub_issue_id });
    await Promise.all(children.slice(1).map(({ id }) => add(id)));
    const more = add(children[0]?.id ?? 0);
    expect(await refusal(more)).toMatchObject({ status: 422, message: expect.stringContaining('100') });
    const chain = [await create()];
    for (let at = 0; at <= 8; at++) {
      const [top, next] = [chain[0], await create()];
      chain.unshift(next);
      const under = bot.rest.issues.addSubIssue({
        ...{ ...R, issue_number: next.number, sub_issue_id: top?.id ?? 0 },
      });
      if (at < 8) await under;
      else expect(await refusal(under)).toMatchObject({ status: 422, message: expect.stringContaining('8') });
    }
  });
});

// Need 14. GitHub docs, rest/teams/members: what the app asks before it counts a role.
describe('teams', () => {
  const org = R.owner;
  test('membership is read with members: read; a team’s role on the repository counts', async () => {
    await world.control.call('PUT', '/teams/acme/risk', {
      members: { 'product-owner': 'member' },
      repositories: { bikes: 'triage' },
    });
    const bot = await world.bot();
    const inTeam = (username: string) =>
      bot.rest.teams.getMembershipForUserInOrg({ org, team_slug: 'risk', username });
    expect((await inTeam('product-owner')).data).toMatchObject({ state: 'active', role: 'member' });
    expect((await refusal(inTeam('ml-lead'))).status).toBe(404);
    expect((await refusal(bot.rest.teams.getByName({ org, team_slug: 'none' }))).status).toBe(404);
    const level = () => bot.rest.repos.getCollaboratorPermissionLevel({ ...R, username: 'product-owner' });
    expect((await level()).data).toMatchObject({ permission: 'read', role_name: 'triage' });
    await world.control.call('PUT', '/teams/acme/risk', { members: {} });
    expect((await refusal(inTeam('product-owner'))).status).toBe(404);
    expect((await level()).data).toMatchObject({ role_name: 'read' });
  });
});
