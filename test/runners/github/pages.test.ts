import { afterAll, beforeAll, expect, test } from 'vitest';
import { R, startWorld, WORKFLOW, type World } from './harness.ts';

let world: World;
let main: string;
let pull: number;
let run: number;
let check: number;
beforeAll(async () => {
  world = await startWorld();
  const work = await world.repository('ml-lead');
  main = await work.commit('first <b>bold</b>', {
    ...{
      'README.md': '# Bikes\n\n| a | b |\n|---|---|\n| 1 | 2 |\n',
      '.github/workflows/train.yml': WORKFLOW,
    },
    'models/bikes/model.yml': 'task: regression\n',
  });
  await work.push('main');
  await work.git('checkout', '--quiet', '-b', 'topic/one');
  const head = await work.commit('a change', { 'models/bikes/model.yml': 'task: classification\n' });
  await work.push('HEAD:refs/heads/topic/one');
  const [bot, lead] = [await world.bot(), world.as('ml-lead')];
  const opened = await lead.rest.pulls.create({
    ...R,
    title: 'Train <script>',
    head: 'topic/one',
    base: 'main',
    body: 'Why',
  });
  pull = opened.data.number;
  await bot.rest.issues.createComment({
    ...R,
    issue_number: pull,
    body: '## Card\n\n- [ ] box\n\n<script>alert(1)</script>',
  });
  await world
    .as('data-scientist')
    .rest.pulls.createReview({ ...R, pull_number: pull, event: 'APPROVE', body: 'fine' });
  const made = await bot.rest.checks.create({
    ...{ ...R, name: 'roundhouse/gate', head_sha: head, status: 'completed', conclusion: 'success' },
    output: { title: 'All gates passed', summary: '**mae** 80.1' },
  });
  check = made.data.id;
  await lead.rest.issues.create({ ...R, title: 'Predict rentals', body: 'please' });
  await bot.rest.actions.createWorkflowDispatch({
    ...R,
    workflow_id: 'train.yml',
    ref: 'main',
    inputs: { request_id: 'r-7' },
  });
  run = (await world.control.claim())?.id ?? 0;
  const now = new Date().toISOString();
  const step = {
    number: 1,
    name: 'Fit',
    status: 'completed' as const,
    conclusion: 'success' as const,
    started_at: now,
    completed_at: now,
  };
  await world.control.call('POST', `/runs/${run}/jobs/train/log`, 'epoch 1 <loss>\n', 'text/plain');
  await world.control.update(run, {
    ...{ status: 'completed', conclusion: 'success' },
    jobs: [
      {
        key: 'train',
        name: 'train',
        labels: [],
        status: 'completed',
        conclusion: 'success',
        started_at: now,
        completed_at: now,
        runner_name: 'r',
        steps: [step],
        annotations: [{ level: 'warning', message: 'few rows' }],
        summary: '### Report',
      },
    ],
  });
  await bot.rest.repos.createRelease({
    ...R,
    tag_name: 'bikes@v1.0.0',
    name: 'bikes 1.0.0',
    body: 'The **card**',
  });
});
afterAll(() => world.close());

async function page(path: string) {
  const response = await fetch(`${world.github.url}/acme/bikes${path}`);
  return { status: response.status, text: await response.text(), headers: response.headers };
}

test.each([
  [
    'the front page with the README',
    () => '',
    ['<h1>Bikes</h1>', '<td>1</td>', 'models', 'first &lt;b&gt;bold'],
  ],
  ['a folder', () => '/tree/main/models/bikes', ['model.yml']],
  ['a folder of a branch with a slash', () => '/tree/topic/one/models', ['bikes']],
  ['a file', () => '/blob/main/models/bikes/model.yml', ['task: regression']],
  ['the history', () => '/commits/main', ['first']],
  ['a commit', () => `/commit/${main}`, ['+task: regression']],
  ['issues', () => '/issues', ['Predict rentals']],
  ['an issue', () => `/issues/${pull + 1}`, ['Predict rentals', 'please', 'ml-lead']],
  ['pull requests', () => '/pulls', ['Train &lt;script&gt;']],
  [
    'a pull request',
    () => `/pull/${pull}`,
    ['<h2>Card</h2>', 'roundhouse/gate', 'APPROVED', 'a change', 'roundhouse[bot]', 'No conflicts'],
  ],
  ['its commits', () => `/pull/${pull}/commits`, ['a change']],
  ['its files', () => `/pull/${pull}/files`, ['-task: regression', '+task: classification']],
  ['its checks', () => `/pull/${pull}/checks`, ['All gates passed', '<strong>mae</strong>']],
  ['a check', () => `/runs/${check}`, ['roundhouse/gate', 'All gates passed']],
  ['runs', () => '/actions', ['roundhouse r-7']],
  ['a run', () => `/actions/runs/${run}`, ['Fit', 'epoch 1 &lt;loss&gt;', 'few rows', '<h3>Report</h3>']],
  ['releases', () => '/releases', ['bikes 1.0.0', '<strong>card</strong>', 'Latest']],
  ['a release', () => '/releases/tag/bikes%40v1.0.0', ['bikes 1.0.0']],
])('%s is shown', async (_, path, wanted) => {
  const { status, text, headers } = await page(path());
  expect(status).toBe(200);
  for (const one of wanted) expect(text).toContain(one);
  expect(text).not.toMatch(/<script|(src|href)="https?:\/\/(?!127\.0\.0\.1)/);
  expect(headers.get('content-security-policy')).toContain("default-src 'none'");
});

test('what is not there is 404, as a page', async () => {
  for (const path of [
    '/issues/999',
    '/pull/999',
    '/actions/runs/1',
    '/blob/main/none',
    '/releases/tag/none',
    '/commit/none',
  ]) {
    const { status, text } = await page(path);
    expect(status, path).toBe(404);
    expect(text, path).toContain('<!doctype html>');
  }
});

test('every link of a page leads somewhere', async () => {
  const seen = new Set<string>();
  for (const start of [
    '',
    '/issues',
    '/pulls',
    `/pull/${pull}`,
    '/actions',
    `/actions/runs/${run}`,
    '/releases',
  ]) {
    const { text } = await page(start);
    for (const [, link = ''] of text.matchAll(/href="(\/acme\/[^"#]*)"/g)) seen.add(link);
  }
  expect(seen.size).toBeGreaterThan(20);
  for (const link of seen) expect((await fetch(world.github.url + link)).status, link).toBe(200);
});

test('the server answers for its own names only', async () => {
  const { request } = await import('node:http');
  const status = await new Promise((resolve) => {
    const { port } = new URL(world.github.url);
    request(
      { port, host: '127.0.0.1', path: '/acme/bikes', headers: { host: 'evil.example' } },
      (response) => {
        response.resume();
        resolve(response.statusCode);
      },
    ).end();
  });
  expect(status).toBe(421);
});
