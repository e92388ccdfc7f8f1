import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLog } from '../../app/log.ts';
import { type RunningApp, startApp } from '../../app/server.ts';
import { problemIssue } from '../../runners/local/demo/repository.ts';
import {
  approveLine,
  BOT,
  commentsOf,
  eventually,
  pushToMain,
  R,
  say,
  startWorld,
  type World,
} from './app-world.ts';

const POLICY = '.github/roundhouse.yml';

describe('a problem, from the form to its tasks, with two apps at it', { timeout: 240_000 }, () => {
  let world: World;
  let other: RunningApp;
  beforeAll(async () => {
    world = await startWorld();
    await pushToMain(world, POLICY, (text) =>
      text
        .replace(
          /problem: .*/,
          'problem: { required: 2, roles: [ml-lead, data-scientist], distinct_roles: true }',
        )
        .replace(/^reminders: .*/m, 'reminders: { after: PT0S, every: P30D, at_most: 1 }'),
    );
    await world.startApp();
    // It gets no deliveries and finds all by looking.
    const env = { ...world.env, ROUNDHOUSE_DIR: join(world.dir, 'other-app') };
    other = await startApp({ port: 0, env, log: createLog((line) => world.log.push(line)) });
  }, 120_000);
  afterAll(async () => {
    await other.close();
    await world.close();
  });

  const ours = async (number: number) =>
    (await commentsOf(world, number)).filter(({ author }) => author === BOT);
  const showing = (number: number, words: string | RegExp) =>
    eventually(
      `${words} on #${number}`,
      async () => (await ours(number)).find(({ body }) => body.match(words)),
      world,
    );

  it('asks, reminds, waits for an objection, and tracks what two roles approved', async () => {
    const { rest } = world.as('product-owner');
    const { title, body } = problemIssue();
    const unticked = body.replaceAll('- [X]', '- [ ]');
    const asked = await rest.issues.create({ ...R, title, body: unticked, labels: ['ml-problem'] });
    const issue = asked.data.number;
    const waiting = await showing(issue, 'tick: The data may be used');

    await rest.issues.update({ ...R, issue_number: issue, body });
    const reply = await showing(issue, '/approve');
    expect(reply.id).toBe(waiting.id);
    const reminder = await showing(issue, 'roundhouse:reminder');
    expect(reminder.body.match(/@[\w-]+/g)?.sort()).toEqual(['@data-scientist', '@ml-lead']);

    const line = await approveLine(world, issue);
    await say(world, 'data-scientist', issue, '/object labels come @all too late');
    await showing(issue, /Objection by `data-scientist`: labels come @\u200ball too late/);
    await say(world, 'ml-lead', issue, line);
    await showing(issue, /Approved by `ml-lead`/);
    expect((await rest.pulls.list({ ...R, state: 'all' })).data).toEqual([]);
    await say(world, 'data-scientist', issue, '/unhold');
    await say(world, 'data-scientist', issue, line);

    const { body: defined } = await showing(issue, 'Dates and tasks: #');
    expect(defined).not.toContain('something else');
    const tracking = Number(/tasks: #(\d+)/.exec(defined)?.[1]);
    const children = await rest.issues.listSubIssues({ ...R, issue_number: tracking });
    expect(children.data.map((child) => child.title)).toEqual(
      [
        'problem definition',
        'data engineering',
        'model development',
        'deployment',
        'monitoring',
        'retraining',
      ].map((stage) => `bikes: ${stage}`),
    );
    expect(children.data[1]?.labels).toMatchObject([{ name: 'model:bikes' }, { name: 'stage:data' }]);
    const { data: milestones } = await rest.issues.listMilestones(R);
    expect(milestones).toMatchObject([{ title: 'bikes', open_issues: 8 }]);
    const last = /monitoring: (\S+)/.exec(body)?.[1];
    expect(milestones[0]?.due_on).toContain(last);

    // Both have looked again meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 5000));
    const all = await rest.issues.listForRepo({ ...R, state: 'all', creator: BOT });
    const titles = all.data.map((one) => one.title).sort();
    expect(titles).toEqual([...new Set(titles)]);
    expect(titles).toHaveLength(8);
    const markers = (await ours(issue)).map((comment) => comment.body.split('\n')[0]);
    expect(markers).toEqual([...new Set(markers)]);
  });

  it('says when the issue no longer says what was approved', async () => {
    const { rest } = world.as('product-owner');
    const { data } = await rest.issues.get({ ...R, issue_number: 1 });
    const body = (data.body ?? '').replace('### Success threshold\n\n50', '### Success threshold\n\n55');
    await rest.issues.update({ ...R, issue_number: 1, body });
    await showing(1, /says something else by now/);
  });
});
