import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  approveLine,
  bikesFiles,
  commentsOf,
  commitFiles,
  contentOf,
  eventually,
  gateOf,
  merge,
  openPull,
  R,
  replyTo,
  say,
  startServing,
  tagged,
  tagNames,
  type World,
} from './app-world.ts';

const MODEL = 'models/bikes/model.yml';
const LOCK = 'models/bikes/model.lock';

let world: World;
beforeAll(async () => {
  world = await startServing();
}, 240_000);
afterAll(() => world.close());

/** A change of one line of what main has now. */
async function edited(path: string, from: string, to: string): Promise<Record<string, string>> {
  const text = await contentOf(world, path);
  expect(text).toContain(from);
  return { [path]: text.replace(from, to) };
}

const open = (branch: string, files: Record<string, string>) =>
  openPull(world, 'data-scientist', { branch, files });

async function push(branch: string, files: Record<string, string>): Promise<void> {
  const { rest } = world.as('data-scientist');
  const { data: ref } = await rest.git.getRef({ ...R, ref: `heads/${branch}` });
  const sha = await commitFiles(rest.git, { parent: ref.object.sha, files, message: 'more' });
  await rest.git.updateRef({ ...R, ref: `heads/${branch}`, sha });
}

/** The gate once its title says so: the one of before may still stand. */
async function gateSays(pull: number, conclusion: string, title: RegExp) {
  return eventually(
    `the gate of #${pull} to say ${title}`,
    async () => {
      const gate = await gateOf(world, pull, conclusion);
      return title.test(gate.title) && gate;
    },
    world,
  );
}

function workflows(from: number): string[] {
  return world.jobs.runs.slice(from).map(({ workflow }) => workflow.path.split('/').at(-1) ?? '');
}

/** Conclusions of the runs that were asked for since, oldest first; null = still open. */
async function conclusions(since: number): Promise<(string | null)[]> {
  const { data } = await world.as('ml-lead').rest.actions.listWorkflowRunsForRepo({ ...R, per_page: 100 });
  return data.workflow_runs
    .filter(({ id }) => id > since)
    .toSorted((a, b) => a.id - b.id)
    .map(({ conclusion }) => conclusion);
}

async function lastRun(): Promise<number> {
  const { data } = await world.as('ml-lead').rest.actions.listWorkflowRunsForRepo({ ...R, per_page: 1 });
  return data.workflow_runs[0]?.id ?? 0;
}

async function close(pull: number): Promise<void> {
  await world.as('ml-lead').rest.pulls.update({ ...R, pull_number: pull, state: 'closed' });
}

describe('two pull requests on one model', { timeout: 240_000 }, () => {
  let a: number;
  let b: number;
  let old: string;

  it('are both judged and asked for', async () => {
    a = await open('a', await edited(MODEL, 'seed: 1', 'seed: 2'));
    b = await open('b', await edited(MODEL, 'learning_rate: 0.01', 'learning_rate: 0.02'));
    await gateOf(world, a, 'action_required');
    await gateOf(world, b, 'action_required');
    old = await approveLine(world, b);
    await say(world, 'ml-lead', a, await approveLine(world, a));
    await merge(world, 'ml-lead', a);
    await tagged(world, 'bikes@v1.1.0');
  });

  it('puts the second out of date, and says what mends it', async () => {
    const { title } = await gateSays(b, 'failure', /out of date/);
    expect(title).toMatch(/conflicts in models\/bikes\/.*`\/update`/);
    const says = async () => (await commentsOf(world, b))[0]?.body.includes(LOCK);
    await eventually('the comment names the file', says, world);
    const visitor = await say(world, 'visitor', b, '/update');
    expect(await replyTo(world, visitor, b)).toContain('write permission');
  });

  it('merges the base for the author, and judges it anew beside the new champion', async () => {
    await tagged(world, 'bikes#champion#4');
    const { rest } = world.as('ml-lead');
    const before = (await rest.pulls.get({ ...R, pull_number: b })).data.head.sha;
    await say(world, 'data-scientist', b, '/update');
    await gateSays(b, 'action_required', /0 of 1/);
    const { data: commits } = await rest.pulls.listCommits({ ...R, pull_number: b });
    const update = commits.find(({ parents }) => parents.length === 2);
    expect(update?.parents[0]?.sha).toBe(before);
    const lock = await rest.repos.getContent({ ...R, path: LOCK, ref: update?.sha ?? '' });
    const onMain = await rest.repos.getContent({ ...R, path: LOCK, ref: 'main' });
    expect('sha' in lock.data && lock.data.sha).toBe('sha' in onMain.data && onMain.data.sha);
    const model = await rest.repos.getContent({ ...R, path: MODEL, ref: update?.sha ?? '' });
    const text = Buffer.from('content' in model.data ? model.data.content : '', 'base64').toString();
    expect(text).toMatch(/learning_rate: 0\.02[\s\S]*seed: 2/);
    const { data: files } = await rest.pulls.listFiles({ ...R, pull_number: b });
    expect(files.filter(({ filename }) => filename.includes('/changes/'))).toHaveLength(1);
  });

  it('does not count the approval of what it was, and registers it once', async () => {
    const late = await say(world, 'ml-lead', b, old);
    expect(await replyTo(world, late, b)).toContain('no digest that waits here');
    const line = await eventually(
      'a new question',
      async () => {
        const found = await approveLine(world, b);
        return found !== old && found;
      },
      world,
    );
    await say(world, 'ml-lead', b, line);
    world.jobs.findings.held.add('roundhouse-deploy.yml');
    await merge(world, 'ml-lead', b);
    await tagged(world, 'bikes@v1.2.0');
    expect(await tagNames(world, 'bikes@')).toEqual(['bikes@v1.0.0', 'bikes@v1.1.0', 'bikes@v1.2.0']);
  });

  it('only evaluates again where another version came into force', async () => {
    const pull = await open('c', await edited(MODEL, 'seed: 2', 'seed: 3'));
    await gateOf(world, pull, 'action_required');
    const before = world.jobs.runs.length;
    world.jobs.findings.gates = 'inconclusive';
    world.jobs.findings.held.clear();
    await tagged(world, 'bikes#champion#6');
    await gateSays(pull, 'action_required', /0 of 2/);
    world.jobs.findings.gates = 'passed';
    expect(workflows(before).filter((name) => name !== 'roundhouse-deploy.yml')).toEqual([
      'roundhouse-evaluate.yml',
    ]);
    const { data: releases } = await world.as('ml-lead').rest.repos.listReleases(R);
    expect(releases.map(({ tag_name }) => tag_name).sort()).toEqual([
      'bikes@v1.0.0',
      'bikes@v1.1.0',
      'bikes@v1.2.0',
    ]);
    await close(pull);
  });
});

describe('what the base brings', { timeout: 240_000 }, () => {
  it('puts a judged branch out of date where its inputs change, until /update', async () => {
    const pull = await open('d', await edited(MODEL, 'seed: 2', 'seed: 4'));
    await gateOf(world, pull, 'action_required');
    const before = world.jobs.runs.length;
    const packages = await open('packages', { 'package-lock.json': '{"lockfileVersion":3}' });
    world.jobs.findings.gates = 'failed';
    await gateOf(world, packages, 'failure');
    world.jobs.findings.gates = 'passed';
    await world.as('ml-lead').rest.pulls.merge({ ...R, pull_number: packages });
    await gateSays(pull, 'failure', /out of date: with the base code of bikes/);
    expect(workflows(before)).toHaveLength(2);
    await say(world, 'data-scientist', pull, '/update');
    await gateOf(world, pull, 'action_required');
    expect(workflows(before)).toHaveLength(4);
    await close(pull);
  });

  it('names what only a person can merge', async () => {
    const files = await edited(MODEL, 'seed: 2', 'seed: 5');
    const pull = await open('e', files);
    await gateOf(world, pull, 'action_required');
    const { rest } = world.as('ml-lead');
    const { data } = await rest.repos.getContent({ ...R, path: MODEL });
    const content = Buffer.from((files[MODEL] ?? '').replace('seed: 5', 'seed: 6')).toString('base64');
    const sha = 'sha' in data ? data.sha : '';
    await rest.repos.createOrUpdateFileContents({ ...R, path: MODEL, message: 'seed', content, sha });
    expect((await gateSays(pull, 'failure', /out of date/)).title).toContain(`conflicts in ${MODEL}`);
    const asked = await say(world, 'data-scientist', pull, '/update');
    expect(await replyTo(world, asked, pull)).toContain('git merge origin/main');
    await close(pull);
  });

  it('counts the rows again where only min_rows changes, and trains nothing', async () => {
    const before = world.jobs.runs.length;
    const path = 'models/bikes/problem.yml';
    const { data } = await world.as('ml-lead').rest.repos.getContent({ ...R, path });
    const text = Buffer.from('content' in data ? data.content : '', 'base64').toString();
    const more = text.replace(/min_rows: (\d+)/, (_, rows) => `min_rows: ${Number(rows) + 1}`);
    expect(more).not.toBe(text);
    const pull = await open('rows', { [path]: more, ...(await edited(MODEL, 'seed: 6', 'seed: 4')) });
    await gateOf(world, pull, 'action_required');
    expect(workflows(before)).toEqual(['roundhouse.yml', 'roundhouse-evaluate.yml']);
    expect(world.jobs.uploaded.slice(-2).map((name) => name.replace(/-\d+$/, ''))).toEqual([
      'evidence-data',
      'evidence-evaluate',
    ]);
    await close(pull);
  });
});

describe('runs that nobody waits for any more', { timeout: 240_000 }, () => {
  // Need 8.
  it('are cancelled by a new head, by /cancel and with the pull request', async () => {
    world.jobs.findings.paused = true;
    const since = await lastRun();
    const files = bikesFiles();
    const seed = (n: number) => ({ [MODEL]: (files[MODEL] ?? '').replace('seed: 1', `seed: ${n}`) });
    const pull = await open('f', seed(71));
    const ended = async (expected: (string | null)[]) =>
      eventually(
        `runs to be ${expected}`,
        // No run and one that is open are the same once they are joined.
        async () => JSON.stringify(await conclusions(since)) === JSON.stringify(expected),
        world,
      );
    await ended([null]);
    await push('f', seed(72));
    await ended(['cancelled', null]);
    await replyTo(world, await say(world, 'data-scientist', pull, '/cancel'), pull);
    await ended(['cancelled', 'cancelled']);
    await gateSays(pull, 'failure', /cancelled by data-scientist/);
    await say(world, 'data-scientist', pull, '/plan');
    await ended(['cancelled', 'cancelled', null]);
    await close(pull);
    await ended(['cancelled', 'cancelled', 'cancelled']);
    await world.as('data-scientist').rest.pulls.update({ ...R, pull_number: pull, state: 'open' });
    await ended(['cancelled', 'cancelled', 'cancelled', null]);
    world.jobs.findings.paused = false;
    await gateOf(world, pull, 'action_required');
    await close(pull);
  });

  it('are not asked for by a draft, until a person does', async () => {
    const before = world.jobs.runs.length;
    const files = await edited(MODEL, 'seed: 6', 'seed: 81');
    await push('f', files);
    const { rest } = world.as('data-scientist');
    const { data } = await rest.pulls.create({
      ...R,
      title: 'draft',
      head: 'f',
      base: 'main',
      body: '',
      draft: true,
    });
    await gateSays(data.number, 'action_required', /a draft/);
    expect(workflows(before)).toEqual([]);
    await say(world, 'data-scientist', data.number, '/plan');
    await gateSays(data.number, 'action_required', /0 of 1/);
    await close(data.number);
  });
});

/** Last, since from here on nothing gets into main but through the queue. */
describe('a merge queue', { timeout: 240_000 }, () => {
  const OTHER = 'ci';
  const OPERATE = 'models/bikes/operate.yml';

  async function requireQueue(): Promise<void> {
    const checks = [{ context: 'roundhouse/gate', integration_id: world.secrets.app.id }, { context: OTHER }];
    const rules = [
      { type: 'merge_queue', parameters: {} },
      { type: 'required_status_checks', parameters: { required_status_checks: checks } },
    ];
    const answer = await fetch(`${world.github.url}/_local/rulesets/${R.owner}/${R.repo}`, {
      method: 'PUT',
      headers: { 'x-roundhouse-local': world.secrets.control, 'content-type': 'application/json' },
      body: JSON.stringify([{ name: 'queue', target: 'branch', include: ['~DEFAULT_BRANCH'], rules }]),
    });
    expect(answer.status).toBe(204);
  }

  /** The check of the user's own CI, which keeps a group in the queue as long as we like. */
  async function passOther(sha: string): Promise<void> {
    const status = { ...R, sha, context: OTHER, state: 'success' as const };
    await world.as('ml-lead').rest.repos.createCommitStatus(status);
  }

  async function enqueue(pull: number): Promise<void> {
    const person = world.as('ml-lead');
    const { data } = await person.rest.pulls.get({ ...R, pull_number: pull });
    await passOther(data.head.sha);
    const mutation =
      'mutation($id: ID!) { enqueuePullRequest(input: {pullRequestId: $id}) { mergeQueueEntry { position } } }';
    await person.graphql(mutation, { id: data.node_id });
  }

  async function groupOf(pull: number): Promise<string> {
    const ref = `heads/gh-readonly-queue/main/pr-${pull}-`;
    const find = async () => (await world.as('ml-lead').rest.git.listMatchingRefs({ ...R, ref })).data[0];
    return (await eventually(`the group of #${pull}`, find, world)).object.sha;
  }

  async function groupGate(sha: string) {
    const find = async () =>
      (await world.as('ml-lead').rest.checks.listForRef({ ...R, ref: sha })).data.check_runs.find(
        ({ name, status }) => name === 'roundhouse/gate' && status === 'completed',
      );
    const gate = await eventually(`the gate of group ${sha}`, find, world);
    return { conclusion: gate.conclusion, title: gate.output.title };
  }

  async function isMerged(pull: number): Promise<boolean> {
    return (await world.as('ml-lead').rest.pulls.get({ ...R, pull_number: pull })).data.merged;
  }

  it('merges what was approved, and never two that change one model as one', async () => {
    const one = await open('q1', await edited(MODEL, 'seed: 6', 'seed: 91'));
    await gateOf(world, one, 'action_required');
    const two = await open('q2', await edited(OPERATE, 'version: 1', '# reviewed\nversion: 1'));
    await gateOf(world, two, 'success');
    await say(world, 'ml-lead', one, await approveLine(world, one));
    await gateOf(world, one, 'success');
    await requireQueue();
    await enqueue(one);
    await enqueue(two);
    const [first, second] = [await groupOf(one), await groupOf(two)];
    expect(await groupGate(first)).toMatchObject({ conclusion: 'success', title: 'as it was approved' });
    expect(await groupGate(second)).toMatchObject({
      conclusion: 'failure',
      title: expect.stringContaining('bikes: another pull request ahead in the queue'),
    });
    await passOther(first);
    await eventually('the first to be merged', () => isMerged(one), world);
    expect(await isMerged(two)).toBe(false);
    await tagged(world, 'bikes@v1.3.0');
    await gateOf(world, two, 'success');
    await enqueue(two);
    await passOther(await groupOf(two));
    await eventually('the second to be merged', () => isMerged(two), world);
    expect(await tagNames(world, 'bikes@')).toHaveLength(4);
  });
});
