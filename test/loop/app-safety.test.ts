import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  approveLine,
  BOT,
  bikesFiles,
  commentsOf,
  commitFiles,
  contentOf,
  eventually,
  gateOf,
  openPull,
  R,
  say,
  startDefined,
  tagNames,
  type World,
} from './app-world.ts';

let world: World;
beforeAll(async () => {
  world = await startDefined();
}, 240_000);
afterAll(() => world.close());

/** A commit of these files on a branch of its own; null removes a path. */
async function pushBranch(branch: string, from: string, files: Record<string, string | null>): Promise<void> {
  const { rest } = world.as('data-scientist');
  const { data: parent } = await rest.git.getRef({ ...R, ref: `heads/${from}` });
  const sha = await commitFiles(rest.git, { parent: parent.object.sha, files, message: branch });
  await rest.git.createRef({ ...R, ref: `refs/heads/${branch}`, sha });
}

async function propose(head: string, base: string): Promise<number> {
  const { rest } = world.as('data-scientist');
  return (await rest.pulls.create({ ...R, title: head, head, base, body: '' })).data.number;
}

/** Merged by a person although the gate is red: no ruleset stands in the way here. */
async function mergeAllTheSame(pull: number): Promise<void> {
  const { rest } = world.as('ml-lead');
  const { data } = await rest.pulls.get({ ...R, pull_number: pull });
  await rest.pulls.merge({ ...R, pull_number: pull, sha: data.head.sha });
}

async function issueAbout(what: string): Promise<string> {
  const { rest } = world.as('ml-lead');
  return eventually(
    `an issue with ${what}`,
    async () =>
      (await rest.issues.listForRepo({ ...R, creator: BOT, state: 'all' })).data.find(
        ({ pull_request, body }) => !pull_request && body?.includes(what),
      )?.body,
    world,
  );
}

/** The lines to paste from the questions about one subject, oldest first. */
async function questions(subject: string, pull: number): Promise<string[]> {
  const asked = (await commentsOf(world, pull)).filter(({ body }) => body.includes(`the ${subject} of`));
  return asked.flatMap(({ body }) => /^\/approve [0-9a-f]{16,}$/m.exec(body)?.[0] ?? []);
}

async function lineOf(subject: string, pull: number): Promise<string> {
  const newest = async () => (await questions(subject, pull)).at(-1);
  return eventually(`the question about the ${subject}`, newest, world);
}

describe('what a writer tries', { timeout: 240_000 }, () => {
  // Need 7.
  it("judges what is proposed to a branch of a writer's own by the default branch's workflows, for itself alone", async () => {
    const files = bikesFiles({ seed: 101 });
    const policy = await contentOf(world, '.github/roundhouse.yml');
    const own = policy.replace(
      'model: { required: 1, roles: [ml-lead] }',
      'model: { required: 1, roles: [product-owner] }',
    );
    expect(own).not.toBe(policy);
    const workflow = '.github/workflows/roundhouse.yml';
    await pushBranch('evil', 'main', { [workflow]: 'my own workflow', '.github/roundhouse.yml': own });
    await pushBranch('evil-head', 'evil', files);
    const evil = await propose('evil-head', 'evil');
    const asked = await gateOf(world, evil, 'action_required');
    expect(asked.title).toContain('1 by product-owner');
    const before = world.jobs.runs.length;
    expect(world.jobs.runs.slice(-2).map(({ workflow: { path }, ref_name }) => [path, ref_name])).toEqual(
      ['roundhouse.yml', 'roundhouse-evaluate.yml'].map((name) => [`.github/workflows/${name}`, 'main']),
    );
    const honest = await openPull(world, 'data-scientist', { branch: 'honest', files });
    await gateOf(world, honest, 'action_required');
    const paths = world.jobs.runs.slice(before).map(({ workflow: { path } }) => path.split('/').at(-1));
    expect(paths).toEqual(['roundhouse.yml', 'roundhouse-evaluate.yml']);
  });

  it('plans the others while one pull request has no policy to go by', async () => {
    await pushBranch('old', 'main', { '.github/roundhouse.yml': null });
    await pushBranch('docs', 'old', { 'NOTES.md': 'hello' });
    world.jobs.findings.paused = true;
    const older = await openPull(world, 'data-scientist', {
      branch: 'older',
      files: bikesFiles({ seed: 102 }),
    });
    await eventually('its comment', async () => (await commentsOf(world, older)).length > 0, world);
    const docs = await propose('docs', 'old');
    world.jobs.findings.paused = false;
    await gateOf(world, older, 'action_required');
    await gateOf(world, docs, 'success');
  });

  it('asks the approvers of the problem before a model is deleted', async () => {
    const gone = Object.fromEntries(
      ['PROBLEM.md', 'data.yml', 'model.yml', 'operate.yml', 'problem.yml'].map((name) => [
        `models/bikes/${name}`,
        null,
      ]),
    );
    await pushBranch('gone', 'main', gone);
    const pull = await propose('gone', 'main');
    expect((await gateOf(world, pull, 'action_required')).title).toContain('0 of 1');
    await say(world, 'ml-lead', pull, await approveLine(world, pull));
    expect((await gateOf(world, pull, 'success')).title).toBe('may be merged');
  });

  it('does not register a candidate whose problem nobody approved', async () => {
    const text = await contentOf(world, 'models/bikes/problem.yml');
    const loose = text.replace(/threshold: [\d.]+/, 'threshold: 99999');
    expect(loose).not.toBe(text);
    const files = { ...bikesFiles({ seed: 103 }), 'models/bikes/problem.yml': loose };
    const pull = await openPull(world, 'data-scientist', { branch: 'loose', files });
    const line = await lineOf('candidate', pull);
    await say(world, 'ml-lead', pull, line);
    await eventually(
      '1 of 2',
      async () => (await gateOf(world, pull, 'action_required')).title.includes('1 of 2'),
      world,
    );
    await mergeAllTheSame(pull);
    expect(await issueAbout('1 more approval of the problem')).not.toContain('of the candidate');
    expect(await tagNames(world, 'bikes@')).toEqual([]);
  });

  it('asks for it again where a later one builds on it, registers it then, and nothing that is held', async () => {
    const pull = await openPull(world, 'data-scientist', {
      branch: 'later',
      files: bikesFiles({ seed: 104 }),
    });
    await eventually(
      '0 of 2',
      async () => (await gateOf(world, pull, 'action_required')).title.includes('0 of 2'),
      world,
    );
    await say(world, 'ml-lead', pull, await lineOf('problem', pull));
    await eventually('the first version', async () => (await tagNames(world, 'bikes@')).length === 1, world);
    const compared = async () => (await questions('candidate', pull)).length === 2;
    await eventually('the question after the comparison with it', compared, world);
    await say(world, 'ml-lead', pull, await lineOf('candidate', pull));
    await gateOf(world, pull, 'success');
    await say(world, 'product-owner', pull, '/hold');
    await gateOf(world, pull, 'failure');
    await mergeAllTheSame(pull);
    await issueAbout('product-owner holds it');
    expect(await tagNames(world, 'bikes@')).toEqual(['bikes@v1.0.0']);
    await say(world, 'product-owner', pull, '/unhold');
    await eventually(
      'the next',
      async () => (await tagNames(world, 'bikes@')).includes('bikes@v1.1.0'),
      world,
    );
  });

  it('says what is wrong with the policy, where models are touched', async () => {
    const { rest } = world.as('ml-lead');
    const { data } = await rest.repos.getContent({ ...R, path: '.github/roundhouse.yml' });
    await rest.repos.createOrUpdateFileContents({
      ...R,
      path: '.github/roundhouse.yml',
      message: 'break it',
      content: Buffer.from('version: 1\nrols: {}\n').toString('base64'),
      sha: 'sha' in data ? data.sha : '',
    });
    const model = await openPull(world, 'data-scientist', {
      branch: 'model',
      files: bikesFiles({ seed: 105 }),
    });
    expect((await gateOf(world, model, 'failure')).title).toBe('the policy of main cannot be read');
    await eventually(
      'the fault',
      async () => (await commentsOf(world, model)).some(({ body }) => body.includes('roundhouse.yml:2:1')),
      world,
    );
    const docs = await openPull(world, 'data-scientist', { branch: 'readme', files: { 'B.md': 'b' } });
    expect((await gateOf(world, docs, 'success')).title).toBe('no model touched');
  });
});
