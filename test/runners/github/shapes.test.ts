import { createRequire } from 'node:module';
import type { components } from '@octokit/openapi-types';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, expect, expectTypeOf, test } from 'vitest';
import type { pullDetail } from '../../../runners/local/github/pull-detail.ts';
import type { installationShape, userShape } from '../../../runners/local/github/shapes/account.ts';
import type { checkShape, statusShape } from '../../../runners/local/github/shapes/check.ts';
import type { commitShape, gitCommitShape } from '../../../runners/local/github/shapes/commit.ts';
import type {
  commentShape,
  issueShape,
  labelShape,
  milestoneShape,
  pullShape,
  reviewShape,
} from '../../../runners/local/github/shapes/issue.ts';
import type {
  assetShape,
  deploymentShape,
  deploymentStatusShape,
  releaseShape,
} from '../../../runners/local/github/shapes/release.ts';
import type {
  artifactShape,
  jobShape,
  runShape,
  workflowShape,
} from '../../../runners/local/github/shapes/run.ts';
import { R, startWorld, WORKFLOW, type World } from './harness.ts';

type Schemas = components['schemas'];
type Required<T> = { [K in keyof T]-?: undefined extends T[K] ? never : K }[keyof T];
/** Keys that GitHub's OpenAPI description requires and a shape of ours lacks. */
type Missing<Shape extends (...args: never[]) => unknown, Schema> = Exclude<
  Required<Schema>,
  keyof Awaited<ReturnType<Shape>>
>;

test('every shape has the keys that GitHub’s OpenAPI description requires', () => {
  expectTypeOf<Missing<typeof userShape, Schemas['simple-user']>>().toBeNever();
  expectTypeOf<Missing<typeof installationShape, Schemas['installation']>>().toBeNever();
  expectTypeOf<Missing<typeof issueShape, Schemas['issue']>>().toBeNever();
  expectTypeOf<Missing<typeof commentShape, Schemas['issue-comment']>>().toBeNever();
  expectTypeOf<Missing<typeof labelShape, Schemas['label']>>().toBeNever();
  expectTypeOf<Missing<typeof milestoneShape, Schemas['milestone']>>().toBeNever();
  expectTypeOf<Missing<typeof pullShape, Schemas['pull-request-simple']>>().toBeNever();
  expectTypeOf<Missing<typeof pullDetail, Schemas['pull-request']>>().toBeNever();
  expectTypeOf<Missing<typeof reviewShape, Schemas['pull-request-review']>>().toBeNever();
  expectTypeOf<Missing<typeof commitShape, Schemas['commit']>>().toBeNever();
  expectTypeOf<Missing<typeof gitCommitShape, Schemas['git-commit']>>().toBeNever();
  expectTypeOf<Missing<typeof checkShape, Schemas['check-run']>>().toBeNever();
  expectTypeOf<Missing<typeof statusShape, Schemas['status']>>().toBeNever();
  expectTypeOf<Missing<typeof workflowShape, Schemas['workflow']>>().toBeNever();
  expectTypeOf<Missing<typeof runShape, Schemas['workflow-run']>>().toBeNever();
  expectTypeOf<Missing<typeof jobShape, Schemas['job']>>().toBeNever();
  expectTypeOf<Missing<typeof artifactShape, Schemas['artifact']>>().toBeNever();
  expectTypeOf<Missing<typeof assetShape, Schemas['release-asset']>>().toBeNever();
  expectTypeOf<Missing<typeof releaseShape, Schemas['release']>>().toBeNever();
  expectTypeOf<Missing<typeof deploymentShape, Schemas['deployment']>>().toBeNever();
  expectTypeOf<Missing<typeof deploymentStatusShape, Schemas['deployment-status']>>().toBeNever();
});

type Example = Record<string, unknown>;
const examples = createRequire(import.meta.url)('@octokit/webhooks-examples/api.github.com/index.json') as {
  name: string;
  examples: Example[];
}[];

/** Paths of keys that every one of GitHub's own examples has. Lists count by their first element. */
function commonPaths(values: unknown[], prefix = ''): string[] {
  const objects = values.map((value) => (Array.isArray(value) ? value[0] : value));
  if (!objects.every((one) => typeof one === 'object' && one !== null)) return [];
  const [first, ...others] = objects as Example[];
  return Object.keys(first ?? {})
    .filter((key) => others.every((other) => key in other))
    .flatMap((key) => {
      const path = prefix ? `${prefix}.${key}` : key;
      return [
        path,
        ...commonPaths(
          objects.map((one) => (one as Example)[key]),
          path,
        ),
      ];
    });
}

function has(value: unknown, path: string): boolean {
  let at = value;
  for (const key of path.split('.')) {
    if (Array.isArray(at)) [at] = at;
    // An empty list or a null says nothing about what would be inside.
    if (at === null || at === undefined) return true;
    if (typeof at !== 'object' || !(key in at)) return false;
    at = (at as Example)[key];
  }
  return true;
}

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

test('every event has the keys that all of GitHub’s own examples of it have', async () => {
  await playEverything();
  const missing: string[] = [];
  const compared = new Set<string>();
  for (const { name, action, body } of world.hook.events) {
    const payload = JSON.parse(body) as Example;
    const known = examples
      .find((one) => one.name === name)
      ?.examples.filter((one) => action === undefined || one.action === action)
      .filter((one) => 'ref' in payload === 'ref' in one && payload.deleted === one.deleted);
    if (!known || known.length === 0) continue;
    compared.add(name);
    const paths = commonPaths(known).filter((path) => !has(payload, path));
    missing.push(
      ...paths.filter((path) => !EXCUSED.test(path)).map((path) => `${name}.${action ?? ''}: ${path}`),
    );
  }
  expect([...new Set(missing)].sort()).toEqual([]);
  expect([...compared].sort()).toEqual(EVENTS);
});

/** What differs by app, by organization and by person: some examples are all of one kind. */
const EXCUSED = /\.permissions\.|\.custom_properties$|^issue\.draft$|author\.username$/;

const EVENTS = [
  ...[
    'check_run',
    'check_suite',
    'create',
    'delete',
    'deployment',
    'deployment_status',
    'installation',
    'issue_comment',
    'issues',
  ],
  ...['pull_request', 'pull_request_review', 'push', 'release', 'workflow_job', 'workflow_run'],
];

async function playEverything(): Promise<void> {
  const work = await world.repository('ml-lead');
  const main = await work.commit('first', {
    'README.md': '# Bikes\n',
    '.github/workflows/train.yml': WORKFLOW,
  });
  await work.push('main');
  await work.git('checkout', '--quiet', '-b', 'topic');
  await work.commit('topic', { 'x.txt': 'x' });
  await work.push('topic');
  const [bot, lead, scientist] = [await world.bot(), world.as('ml-lead'), world.as('data-scientist')];
  const { data: issue } = await lead.rest.issues.create({ ...R, title: 'Issue', body: 'a', labels: ['bug'] });
  const at = { ...R, issue_number: issue.number };
  await lead.rest.issues.update({ ...at, body: 'b' });
  const { data: comment } = await bot.rest.issues.createComment({ ...at, body: '- [ ] x' });
  await lead.rest.issues.updateComment({ ...R, comment_id: comment.id, body: '- [x] x' });
  await bot.rest.issues.deleteComment({ ...R, comment_id: comment.id });
  await lead.rest.issues.update({ ...at, state: 'closed' });
  const { data: pull } = await scientist.rest.pulls.create({
    ...R,
    title: 'T',
    head: 'topic',
    base: 'main',
    body: 'b',
  });
  await bot.rest.checks.create({
    ...R,
    name: 'gate',
    head_sha: pull.head.sha,
    status: 'completed',
    conclusion: 'success',
  });
  const review = await lead.rest.pulls.createReview({ ...R, pull_number: pull.number, event: 'APPROVE' });
  await lead.rest.pulls.dismissReview({
    ...R,
    pull_number: pull.number,
    review_id: review.data.id,
    message: 'm',
  });
  await work.commit('more', { 'x.txt': 'xx' });
  await work.push('topic');
  await lead.rest.pulls.merge({ ...R, pull_number: pull.number });
  await bot.rest.git.createRef({ ...R, ref: 'refs/tags/bikes@v1.0.0', sha: pull.head.sha });
  await bot.rest.repos.createRelease({ ...R, tag_name: 'bikes@v1.0.0' });
  await work.push(':refs/heads/topic');
  const deployment = await bot.request('POST /repos/{owner}/{repo}/deployments', {
    ...R,
    ref: main,
    required_contexts: [],
  });
  await bot.rest.repos.createDeploymentStatus({
    ...R,
    deployment_id: (deployment.data as { id: number }).id,
    state: 'success',
  });
  await bot.rest.actions.createWorkflowDispatch({
    ...R,
    workflow_id: 'train.yml',
    ref: 'main',
    inputs: { request_id: 'r' },
  });
  const run = await world.control.claim();
  const now = new Date().toISOString();
  const step = {
    number: 1,
    name: 's',
    status: 'completed' as const,
    conclusion: 'success' as const,
    started_at: now,
    completed_at: now,
  };
  const job = {
    key: 'a',
    name: 'a',
    labels: ['x'],
    started_at: now,
    completed_at: null,
    runner_name: 'r1',
    steps: [step],
    annotations: [],
    summary: '',
  };
  await world.control.update(run?.id ?? 0, {
    status: 'in_progress',
    jobs: [{ ...job, status: 'in_progress', conclusion: null }],
  });
  await world.control.call(
    'PUT',
    `/runs/${run?.id}/artifacts/a`,
    Buffer.from(zipSync({})).toString('latin1'),
    'application/zip',
  );
  const ended = { ...job, status: 'completed' as const, conclusion: 'success' as const, completed_at: now };
  await world.control.update(run?.id ?? 0, { status: 'completed', conclusion: 'success', jobs: [ended] });
  await world.event('workflow_run', 'completed');
}
