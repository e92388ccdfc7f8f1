import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  approveLine,
  BOT,
  bikesFiles,
  commentsOf,
  eventually,
  gateOf,
  openPull,
  R,
  replyTo,
  say,
  startDefined,
  type World,
} from './app-world.ts';

let world: World;
beforeAll(async () => {
  world = await startDefined();
}, 240_000);
afterAll(() => world.close());

async function sticky(pull: number): Promise<string> {
  const found = (await commentsOf(world, pull)).find(({ body }) =>
    body.startsWith('<!-- roundhouse:pull-request'),
  );
  return found?.body ?? '';
}

let branches = 0;
/** A pull request whose model nobody has seen yet. */
async function newModel(change: (files: Record<string, string>) => void = () => {}): Promise<number> {
  branches += 1;
  const files = bikesFiles({ seed: branches });
  change(files);
  return openPull(world, 'data-scientist', { branch: `model-${branches}`, files });
}

describe('what the app refuses', { timeout: 240_000 }, () => {
  it('says at once that no model is touched, and nothing else', async () => {
    const pull = await openPull(world, 'data-scientist', { branch: 'docs', files: { 'NOTES.md': 'hello' } });
    const { title, checks } = await gateOf(world, pull, 'success');
    expect(title).toBe('no model touched');
    expect(checks.map(({ name }) => name).sort()).toEqual(
      ['approval', 'data', 'gate', 'model'].map((name) => `roundhouse/${name}`),
    );
    expect(await commentsOf(world, pull)).toEqual([]);
  });

  it('names file and line of a broken configuration, and runs nothing', async () => {
    const before = world.jobs.runs.length;
    const pull = await newModel((files) => {
      files['models/bikes/data.yml'] = `${files['models/bikes/data.yml']}\nsplt: 1\n`;
    });
    await gateOf(world, pull, 'failure');
    const body = await eventually(
      'the fault',
      async () => /models.bikes.data\.yml:\d+:\d+.*/.exec(await sticky(pull))?.[0],
    );
    expect(body).toContain('splt');
    expect(world.jobs.runs).toHaveLength(before);
  });

  it('does not count approvals of the wrong people, of edited or quoted comments, of other digests', async () => {
    const pull = await newModel();
    await gateOf(world, pull, 'action_required');
    const line = await approveLine(world, pull);
    expect(await replyTo(world, await say(world, 'visitor', pull, line), pull)).toContain('write permission');
    expect(await replyTo(world, await say(world, 'data-scientist', pull, line), pull)).toContain('author');
    expect(await replyTo(world, await say(world, 'product-owner', pull, line), pull)).toContain('role');
    const other = await say(world, 'ml-lead', pull, `/approve ${'0'.repeat(16)}`);
    expect(await replyTo(world, other, pull)).toContain('no digest that waits here');
    expect(await replyTo(world, await say(world, 'ml-lead', pull, '/aprove 1'), pull)).toContain('/approve');
    await say(world, 'ml-lead', pull, `> ${line}`);
    await say(world, 'ml-lead', pull, `\`\`\`\n${line}\n\`\`\``);
    const late = await say(world, 'ml-lead', pull, 'looks good');
    const { rest } = world.as('ml-lead');
    await rest.issues.updateComment({ ...R, comment_id: late, body: line });
    await replyTo(world, await say(world, 'ml-lead', pull, '/help'), pull);
    expect((await gateOf(world, pull, 'action_required')).title).toContain('0 of 1');
    await say(world, 'ml-lead', pull, line);
    await gateOf(world, pull, 'success');
  });

  it('counts what was said while it was down, but not what was edited then', async () => {
    const pull = await newModel();
    await gateOf(world, pull, 'action_required');
    const line = await approveLine(world, pull);
    await world.stopApp();
    const { rest } = world.as('ml-lead');
    const edited = await say(world, 'ml-lead', pull, 'let me think');
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await rest.issues.updateComment({ ...R, comment_id: edited, body: line });
    await world.startApp();
    await replyTo(world, await say(world, 'product-owner', pull, '/help'), pull);
    expect((await gateOf(world, pull, 'action_required')).title).toContain('0 of 1');
    await world.stopApp();
    await say(world, 'ml-lead', pull, line);
    await world.startApp();
    await gateOf(world, pull, 'success');
  });

  it('holds, says who holds, and lets go', async () => {
    const pull = await newModel();
    await gateOf(world, pull, 'action_required');
    await say(world, 'ml-lead', pull, '/object the holdout is too short');
    expect((await gateOf(world, pull, 'failure')).title).toContain('held by ml-lead');
    // The comment is written after the checks.
    const shows = async () => (await sticky(pull)).includes('the holdout is too short');
    await eventually('the reason in the comment', shows, world);
    expect(await replyTo(world, await say(world, 'visitor', pull, '/unhold'), pull)).toContain(
      'write permission',
    );
    await say(world, 'ml-lead', pull, '/unhold');
    await gateOf(world, pull, 'action_required');
  });

  it('obeys in a locked conversation where it cannot speak, and goes on', async () => {
    const { rest } = world.as('ml-lead');
    const pull = await openPull(world, 'data-scientist', { branch: 'locked', files: { 'L.md': 'l' } });
    await gateOf(world, pull, 'success');
    await rest.issues.lock({ ...R, issue_number: pull });
    await say(world, 'ml-lead', pull, '/help');
    await eventually('the note in the log', async () =>
      world.log.some((line) => line.includes('not answered: the conversation is locked')),
    );
    await say(world, 'ml-lead', pull, '/hold');
    await gateOf(world, pull, 'failure');
    expect((await commentsOf(world, pull)).filter(({ author }) => author === BOT)).toEqual([]);
    expect(world.log.some((line) => line.includes('a delivery failed'))).toBe(false);
  });

  it('stops data that break their contract and candidates that fail a gate, without locks', async () => {
    world.jobs.findings.data = 'failed';
    const broken = await newModel();
    expect((await gateOf(world, broken, 'failure')).title).toContain('break 1 rules');
    world.jobs.findings.data = 'passed';
    world.jobs.findings.gates = 'failed';
    const worse = await newModel();
    expect((await gateOf(world, worse, 'failure')).title).toContain('stopped by mae');
    world.jobs.findings.gates = 'passed';
    const { data } = await world.as('ml-lead').rest.pulls.listCommits({ ...R, pull_number: worse });
    expect(data).toHaveLength(1);
  });

  it('tells a fault, and tries again when somebody asks', async () => {
    world.jobs.findings.faults.add('roundhouse.yml');
    const pull = await newModel();
    expect((await gateOf(world, pull, 'failure')).title).toContain(
      'could not finish: the run ended with failure',
    );
    world.jobs.findings.faults.clear();
    await say(world, 'data-scientist', pull, '/plan');
    await gateOf(world, pull, 'action_required');
  });

  it('asks again for a run that lost its runner, says so, and stops after three tries', async () => {
    world.jobs.findings.lost.set('roundhouse.yml', 2);
    const before = world.jobs.runs.length;
    const pull = await newModel();
    await gateOf(world, pull, 'action_required');
    const files = () => world.jobs.runs.slice(before).map(({ workflow }) => workflow.path.split('/').at(-1));
    expect(files()).toEqual([
      'roundhouse.yml',
      'roundhouse.yml',
      'roundhouse.yml',
      'roundhouse-evaluate.yml',
    ]);

    world.jobs.findings.lost.set('roundhouse.yml', 9);
    world.jobs.findings.held.add('roundhouse.yml');
    const third = await newModel();
    await eventually('the first try', async () => world.jobs.runs.length === before + 5, world);
    world.jobs.findings.held.clear();
    expect((await gateOf(world, third, 'failure')).title).toContain('the runner was lost, again and again');
    expect(world.jobs.runs).toHaveLength(before + 7);
    world.jobs.findings.lost.clear();
    await say(world, 'data-scientist', third, '/plan');
    await gateOf(world, third, 'action_required');
  });

  it('does not take evidence that was made for another plan', async () => {
    world.jobs.findings.forge = (name, statement) =>
      name.startsWith('evidence-evaluate')
        ? { ...statement, predicate: { ...statement.predicate, plan: `sha256:${'e'.repeat(64)}` } }
        : statement;
    const pull = await newModel();
    expect((await gateOf(world, pull, 'failure')).title).toContain('it was made for');
    world.jobs.findings.forge = (_name, statement) => statement;
  });

  it('does not take the evidence of a run that a writer started by hand', async () => {
    world.jobs.findings.gates = 'failed';
    const pull = await newModel();
    await gateOf(world, pull, 'failure');
    world.jobs.findings.gates = 'passed';
    const judged = world.jobs.runs.findLast(({ workflow }) =>
      workflow.path.endsWith('roundhouse-evaluate.yml'),
    );
    const before = world.jobs.runs.length;
    await world.as('data-scientist').rest.actions.createWorkflowDispatch({
      ...R,
      workflow_id: 'roundhouse-evaluate.yml',
      ref: 'main',
      inputs: judged?.inputs ?? {},
    });
    await eventually('the run', async () => world.jobs.runs.length > before, world);
    await replyTo(world, await say(world, 'data-scientist', pull, '/help'), pull);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect((await gateOf(world, pull, 'failure')).title).toContain('stopped by mae');
  });

  it('trains with other parameters by a commit, and neither trains nor judges the same twice', async () => {
    const pull = await newModel();
    const { head } = await gateOf(world, pull, 'action_required');
    const before = world.jobs.runs.length;
    expect(await replyTo(world, await say(world, 'visitor', pull, '/train seed=77'), pull)).toContain(
      'write permission',
    );
    const answer = async (line: string) => replyTo(world, await say(world, 'ml-lead', pull, line), pull);
    expect(await answer('/evaluate')).toContain('judged already');
    expect(await answer('/train')).toContain('trained already');
    expect(await answer('/train depth=3')).toContain('no candidate has a parameter');
    expect(world.jobs.runs).toHaveLength(before);
    expect(await answer('/train seed=77')).toContain('seed = 77');
    const again = await eventually('the new candidate', async () => {
      const gate = await gateOf(world, pull, 'action_required');
      return gate.head === head ? null : gate;
    });
    expect(world.jobs.runs).toHaveLength(before + 2);
    expect(again.title).toContain('0 of 1');
    expect(
      await replyTo(world, await say(world, 'ml-lead', pull, await approveLine(world, pull)), pull),
    ).toMatch(/caused|author/);
  });

  it('does not register what was merged without approval, and says so', async () => {
    const pull = await newModel();
    const { head } = await gateOf(world, pull, 'action_required');
    const { rest } = world.as('ml-lead');
    await rest.pulls.merge({ ...R, pull_number: pull, sha: head });
    const issue = await eventually(
      'the issue about it',
      async () =>
        (await rest.issues.listForRepo({ ...R, creator: BOT })).data.find(
          ({ pull_request, title }) => !pull_request && title.includes('not what was approved'),
        ),
      world,
    );
    expect(issue.title).toContain('not what was approved');
    expect(issue.body).toContain('1 more approval of the candidate by ml-lead');
    expect((await rest.git.listMatchingRefs({ ...R, ref: 'tags/bikes' })).data).toEqual([]);
  });
});
