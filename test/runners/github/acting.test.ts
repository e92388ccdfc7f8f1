import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toggleBox } from '../../../runners/local/github/pages/boxes.ts';
import { R, startWorld, type World } from './harness.ts';

/** The pages as a person without a script uses them: forms, a cookie, redirects. */
let world: World;
let main: string;
beforeAll(async () => {
  world = await startWorld();
  const work = await world.repository('data-scientist');
  const form = `name: ML problem
description: Something worth predicting
title: "ML problem: "
labels: [bug, no-such-label]
body:
  - type: markdown
    attributes: { value: "Answer **briefly**" }
  - type: input
    attributes: { label: Model name }
    validations: { required: true }
  - type: textarea
    attributes: { label: Data }
  - type: checkboxes
    attributes: { label: Agreed, options: [{ label: I read it, required: true }, { label: Later }] }
`;
  main = await work.commit('first', {
    'README.md': '# Bikes\n',
    '.github/ISSUE_TEMPLATE/ml-problem.yml': form,
    '.github/ISSUE_TEMPLATE/hostile.yml': `body: ${'['.repeat(5000)}`,
  });
  await work.push('main');
  await work.git('checkout', '--quiet', '-B', 'topic');
  await work.commit('change', { 'a.txt': 'a' });
  await work.push('HEAD:refs/heads/topic');
});
afterAll(() => world.close());

type Browser = Awaited<ReturnType<typeof browser>>;

async function browser(login: string) {
  const url = world.github.url;
  const send = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
    fetch(url + path, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: url, 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams(fields),
    });
  const signedIn = await send('/login', {
    token: world.secrets.tokens[login] ?? '',
    return_to: '/acme/bikes',
  });
  const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? '';
  const text = async (path: string) => (await fetch(url + path, { headers: { cookie } })).text();
  return {
    signedIn,
    text,
    /** Sends a form of the page at `path` and follows it; answers the status and the page that comes. */
    async act(path: string, fields: Record<string, string>, headers: Record<string, string> = {}) {
      const answer = await send(path, fields, { cookie, ...headers });
      const to = answer.headers.get('location');
      return { status: answer.status, to, page: to ? await text(to) : await answer.text() };
    },
    /** The hidden mark of a page's first box form. */
    async mark(path: string) {
      return /name="seen" value="([^"]+)"/.exec(await text(path))?.[1] ?? '';
    },
  };
}

describe('signing in', () => {
  test('takes a token of a person, and goes back only to this server', async () => {
    const { signedIn } = await browser('ml-lead');
    expect(signedIn.status).toBe(303);
    expect(signedIn.headers.get('location')).toBe('/acme/bikes');
    expect(signedIn.headers.get('set-cookie')).toMatch(/HttpOnly; SameSite=Strict/);
    const elsewhere = await fetch(`${world.github.url}/login?return_to=//evil.example`);
    expect(await elsewhere.text()).toContain('name="return_to" value="/"');
    const wrong = await (await browser('nobody')).signedIn;
    expect(wrong.status).toBe(401);
  });

  test('a form from elsewhere does nothing, nor one without a session', async () => {
    const { data } = await world.as('ml-lead').rest.issues.create({ ...R, title: 'untouched' });
    const lead = await browser('ml-lead');
    const path = `/acme/bikes/issues/${data.number}`;
    for (const origin of ['https://evil.example', 'null']) {
      expect((await lead.act(path, { act: 'close' }, { origin })).status).toBe(403);
    }
    const stranger = await lead.act(path, { act: 'close' }, { cookie: '' });
    expect(stranger.to).toMatch(/^\/login/);
    expect((await world.as('ml-lead').rest.issues.get({ ...R, issue_number: data.number })).data.state).toBe(
      'open',
    );
  });
});

describe('an issue', () => {
  let owner: Browser;
  beforeAll(async () => {
    owner = await browser('product-owner');
  });

  // Need 18. GitHub docs, syntax-for-issue-forms: answers under headings, labels of the form whoever sends it.
  test('is opened by a form: headings, what is missing, the labels that exist', async () => {
    const page = await owner.text('/acme/bikes/issues/new?template=ml-problem.yml');
    expect(page).toContain('Model name');
    const fields = {
      template: 'ml-problem.yml',
      title: 'ML problem: bikes',
      'field-1': 'bikes',
      'field-2': '',
    };
    expect((await owner.act('/acme/bikes/issues/new', { ...fields, 'field-1': '' })).status).toBe(422);
    const made = await owner.act('/acme/bikes/issues/new', { ...fields, 'field-3-0': 'on' });
    expect(made.status).toBe(303);
    const number = Number(made.to?.split('/').at(-1));
    const { data } = await world.as('ml-lead').rest.issues.get({ ...R, issue_number: number });
    expect(data.body).toBe(
      '### Model name\n\nbikes\n\n### Data\n\n_No response_\n\n### Agreed\n\n- [X] I read it\n- [ ] Later',
    );
    expect(data.labels.map((one) => (typeof one === 'string' ? one : one.name))).toEqual(['bug']);
    expect(data.user?.login).toBe('product-owner');
  });

  test('is commented on, closed and opened again; what the API refuses is told', async () => {
    const { data } = await world.as('product-owner').rest.issues.create({ ...R, title: 'talk' });
    const path = `/acme/bikes/issues/${data.number}`;
    const { page } = await owner.act(path, { act: 'comment', body: 'hello <b>there</b>' });
    expect(page).toContain('hello');
    expect(await world.event('issue_comment', 'created')).toMatchObject({
      sender: { login: 'product-owner' },
    });
    await owner.act(path, { act: 'close', reason: 'not_planned' });
    await owner.act(path, { act: 'reopen' });
    await world.event('issues', 'reopened');
    const refused = await owner.act(path, { act: 'lock' });
    expect(refused).toMatchObject({ status: 403, page: expect.stringContaining('Must have push access') });
    const lead = await browser('ml-lead');
    await lead.act(path, { act: 'labels', labels: 'bug, question' });
    const { page: locked } = await lead.act(path, { act: 'lock' });
    expect(locked).toContain('locked');
    expect((await lead.act(path, { act: 'nothing' })).status).toBe(404);
  });

  test('a box is ticked: an edit by the person, of that box alone; of a text that changed, nothing', async () => {
    const bot = await world.bot();
    const { data: issue } = await bot.rest.issues.create({ ...R, title: 'boxes' });
    const body = '```\n- [ ] code\n```\n- [ ] one <!-- m:1 -->\n- [x] two\n';
    const { data } = await bot.rest.issues.createComment({ ...R, issue_number: issue.number, body });
    const path = `/acme/bikes/issues/${issue.number}`;
    const lead = await browser('ml-lead');
    expect((await lead.text(path)).match(/role="checkbox"/g)).toHaveLength(2);
    const seen = await lead.mark(path);
    const tick = { act: 'tick', comment: String(data.id), box: '0', seen };
    expect((await lead.act(path, tick)).status).toBe(303);
    expect(await world.event('issue_comment', 'edited')).toMatchObject({
      ...{ sender: { login: 'ml-lead', type: 'User' }, changes: { body: { from: body } } },
      comment: { body: body.replace('- [ ] one', '- [x] one') },
    });
    await bot.rest.issues.updateComment({ ...R, comment_id: data.id, body: 'rewritten\n- [ ] other' });
    expect((await lead.act(path, tick)).status).toBe(409);
  });
});

test('a pull request: reviewed, made a draft and ready, merged at the head that was seen; the branch deleted', async () => {
  const { data } = await world.as('data-scientist').rest.pulls.create({
    ...{ ...R, title: 'Topic', head: 'topic', base: 'main' },
  });
  const path = `/acme/bikes/pull/${data.number}`;
  const [author, lead] = [await browser('data-scientist'), await browser('ml-lead')];
  const own = await author.act(path, { act: 'review', event: 'APPROVE', sha: data.head.sha });
  expect(own).toMatchObject({ status: 422, page: expect.stringContaining('own pull request') });
  await author.act(path, { act: 'draft' });
  expect((await lead.act(path, { act: 'merge', method: 'merge', sha: data.head.sha })).page).toContain(
    'still a draft',
  );
  await author.act(path, { act: 'ready' });
  await lead.act(path, { act: 'review', event: 'APPROVE', body: 'fine', sha: data.head.sha });
  expect((await lead.act(path, { act: 'merge', method: 'merge', sha: main })).status).toBe(409);
  const { page } = await lead.act(path, { act: 'merge', method: 'squash', sha: data.head.sha });
  expect(page).toContain('merged this as');
  await lead.act(path, { act: 'delete-branch' });
  const { data: branches } = await world.as('ml-lead').rest.repos.listBranches(R);
  expect(branches.map(({ name }) => name)).toEqual(['main']);
});

// GitHub docs, rest/checks/runs (`actions`): a button of the app's own, which only the page has.
test('a check is asked for again, and its button goes to the app', async () => {
  const action = { label: 'Retrain', description: 'Train again', identifier: 'retrain' };
  const bot = await world.bot();
  const { data } = await bot.rest.checks.create({ ...R, name: 'gate', head_sha: main, actions: [action] });
  const [lead, reader] = [await browser('ml-lead'), await browser('product-owner')];
  const path = `/acme/bikes/runs/${data.id}`;
  expect(await lead.text(path)).toContain('Train again');
  await lead.act(`${path}/action`, { identifier: 'retrain' });
  expect(await world.event('check_run', 'requested_action')).toMatchObject({
    ...{ sender: { login: 'ml-lead' }, requested_action: { identifier: 'retrain' } },
  });
  expect((await lead.act(`${path}/action`, { identifier: 'other' })).status).toBe(404);
  expect((await reader.act(`${path}/action`, { identifier: 'retrain' })).status).toBe(403);
  await lead.act(path, { act: 'rerequest' });
  await world.event('check_run', 'rerequested');
});

test('labels and milestones are made on their pages', async () => {
  const lead = await browser('ml-lead');
  expect((await lead.act('/acme/bikes/labels', { act: 'create', name: 'ml: drift' })).page).toContain(
    'ml: drift',
  );
  const { page } = await lead.act('/acme/bikes/milestones', {
    act: 'create',
    title: 'bikes v1',
    description: '',
  });
  expect(page).toContain('bikes v1');
  expect(
    (await lead.act('/acme/bikes/milestones', { act: 'state', number: '1', state: 'closed' })).page,
  ).toContain('closed');
  expect(await lead.text('/acme/bikes/milestone/1')).toContain('bikes v1');
});

test.each([
  ['- [ ] a\n- [ ] b', 1, '- [ ] a\n- [x] b'],
  ['- [X] a', 0, '- [ ] a'],
  ['1. [ ] a', 0, '1. [x] a'],
  ['> * [ ] a', 0, '> * [x] a'],
  ['<!--\n- [ ] hidden\n-->\n- [ ] a', 0, '<!--\n- [ ] hidden\n-->\n- [x] a'],
  ['~~~\n- [ ] code\n~~~\n- [ ] a', 0, '~~~\n- [ ] code\n~~~\n- [x] a'],
  ['no box', 0, undefined],
  ['- [ ] a', 1, undefined],
])('box %#', (text, index, wanted) => expect(toggleBox(text, index)).toBe(wanted));

describe('a run', () => {
  const workflow = 'on: workflow_dispatch\njobs: { a: { runs-on: x, steps: [{ run: a }] } }\n';

  test('that waits for an environment is let go by a reviewer, and by nobody else', async () => {
    const { data: file } = await world.as('ml-lead').rest.repos.createOrUpdateFileContents({
      ...{ owner: 'acme', repo: 'bikes', path: '.github/workflows/waits.yml', message: 'waits' },
      content: Buffer.from(workflow).toString('base64'),
    });
    expect(file.commit.sha).toBeDefined();
    const path = '/environments/acme/bikes/live';
    await world.control.call('PUT', path, { reviewers: ['ml-lead'] });
    await world.as('ml-lead').rest.actions.createWorkflowDispatch({
      ...{ owner: 'acme', repo: 'bikes', workflow_id: 'waits.yml', ref: 'main' },
    });
    let run = await world.control.claim();
    while (run && !run.workflow.path.endsWith('waits.yml')) run = await world.control.claim();
    const ask = () =>
      world.control.call('POST', `/runs/${run?.id}/jobs/a/turn`, {
        ...{ name: 'a', concurrency: null, environment: { name: 'live', deployment: false }, wait_ms: 0 },
      });
    expect((await ask()).body).toEqual({ state: 'wait' });
    const page = `/acme/bikes/actions/runs/${run?.id}`;
    const reader = await browser('data-scientist');
    expect(await reader.text(page)).not.toContain('Approve and deploy');
    const reviewer = await browser('ml-lead');
    const shown = await reviewer.text(page);
    expect(shown).toContain('Approve and deploy');
    const environment = /name="environment" value="(\d+)"/.exec(shown)?.[1] ?? '';
    const { page: after } = await reviewer.act(page, { act: 'review', environment, state: 'approved' });
    expect(after).not.toContain('Approve and deploy');
    expect((await ask()).body).toMatchObject({ state: 'go' });
    await reviewer.act(page, { act: 'cancel' });
    expect((await world.control.call('GET', `/runs/${run?.id}/state`)).body).toMatchObject({
      cancelled: true,
    });
    expect(await reviewer.text(page)).toContain('Force cancel');
    await world.control.update(run?.id ?? 0, { status: 'completed', conclusion: 'cancelled' });
  });
});
