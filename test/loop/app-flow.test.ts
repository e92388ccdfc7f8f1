import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAuditEntries } from '#lib/records/audit-log.ts';
import { anchorsOnGitHub } from '../../actions/audit/anchors.ts';
import { verifyAudit } from '../../actions/audit/verify.ts';
import { withCheckoutRecords } from '../../actions/kit/checkout-records.ts';
import {
  approveLine,
  BOT,
  commentsOf,
  defineBikes,
  eventually,
  firstModel,
  gateOf,
  merge,
  openPull,
  R,
  say,
  startWorld,
  type World,
} from './app-world.ts';

describe('the app in the local GitHub, from problem to retraining', { timeout: 240_000 }, () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
    // fact 19: what is released is frozen from the first version on.
    await world.control('/repos/acme/bikes', { immutable_releases: true }, 'PATCH');
    await world.startApp();
  });
  afterAll(() => world.close());

  async function tags(): Promise<string[]> {
    const { data } = await world.as('ml-lead').rest.git.listMatchingRefs({ ...R, ref: 'tags/bikes' });
    return data.map(({ ref }) => ref.slice('refs/tags/'.length));
  }

  it('turns an approved problem issue into a merged definition', async () => {
    const { issue, pull } = await defineBikes(world);
    const [shown, counted, ...others] = (await commentsOf(world, issue)).filter(
      ({ author }) => author === BOT,
    );
    expect(others).toEqual([]);
    expect(shown?.body).toContain(`#${pull}`);
    expect(counted?.body).toMatch(/✅ `\/approve`: it is on record[\s\S]*`audit: \d+ sha256:/);
    const { data } = await world.as('ml-lead').rest.repos.getContent({ ...R, path: 'models/bikes' });
    const names = Array.isArray(data) ? data.map(({ name }) => name) : [];
    expect(names).toEqual(['PROBLEM.md', 'data.yml', 'model.yml', 'operate.yml', 'problem.yml']);
  });

  it('trains, judges, locks, asks, registers and deploys a first model', async () => {
    const { pull } = await firstModel(world);
    const mine = (await commentsOf(world, pull)).filter(({ author }) => author === BOT);
    expect(mine.map(({ body }) => /<!-- roundhouse:(\S+)/.exec(body)?.[1])).toEqual([
      'pull-request',
      'ask',
      'reply',
    ]);
    const commits = await world.as('ml-lead').rest.pulls.listCommits({ ...R, pull_number: pull });
    expect(commits.data.map(({ author }) => author?.login)).toEqual(['data-scientist', BOT]);
    const release = await eventually(
      'the release',
      async () => (await world.as('ml-lead').rest.repos.listReleases(R)).data.find(({ draft }) => !draft),
      world,
    );
    expect(release).toMatchObject({ tag_name: 'bikes@v1.0.0', immutable: true });
    expect(release.assets.map(({ name }) => name).sort()).toEqual([
      'MODEL_CARD.md',
      'audit-head.json',
      'bundle.json',
      'model.onnx',
    ]);
    const made = await eventually(
      'the tags of the deployment',
      async () => {
        const names = await tags();
        return names.length === 3 && names;
      },
      world,
    );
    expect(made).toEqual(['bikes#champion#2', 'bikes#production#1', 'bikes@v1.0.0']);
    const [last] = (await commentsOf(world, pull)).filter(({ author }) => author === BOT);
    expect(last?.body).toContain('may be merged');
  });

  it('says why a version is what it is, and what served when, to whoever asks', async () => {
    const asking = { ...R, title: 'What serves?', body: 'Asking for an auditor.' };
    const { number } = (await world.as('product-owner').rest.issues.create(asking)).data;
    await say(world, 'product-owner', number, '/why bikes v1.0.0\n/history production\n/why 3.0.0');
    const { body } = await eventually(
      'the answer',
      async () => (await commentsOf(world, number)).find(({ author }) => author === BOT),
      world,
    );
    expect(body).toMatch(
      /✅ `\/why`[\s\S]*flowchart LR[\s\S]*\| evaluation \|[\s\S]*\| approval by ml-lead \|/,
    );
    expect(body).toMatch(
      /✅ `\/history`[\s\S]*\| production \| bikes v1\.0\.0 \|[^\n]*\| now \|[^\n]*\| ml-lead \|/,
    );
    expect(body).toMatch(/❌ `\/why`: no v3\.0\.0 of bikes is registered; nearest: v1\.0\.0/);
    expect(body).not.toContain('missing');
  });
  /** The file on the branch of the retraining, and the one of the pull request that the issue led to. */
  async function decided(): Promise<string[]> {
    const texts: string[] = [];
    for (const [path, branch] of [
      ['0001-keep-the-window.md', 'roundhouse-retrain-bikes-2027-04-01'],
      ['0002-closes-1-visitor.md', 'roundhouse-decide-bikes-2'],
    ]) {
      const file = { ...R, path: `models/bikes/decisions/${path}`, ref: `refs/heads/${branch}` };
      const found = await eventually(
        `${path} on ${branch}`,
        async () =>
          world
            .as('ml-lead')
            .rest.repos.getContent(file)
            .catch(() => null),
        world,
      );
      texts.push(Buffer.from('content' in found.data ? found.data.content : '', 'base64').toString());
    }
    const head = 'acme:roundhouse-decide-bikes-2';
    const list = async () => (await world.as('ml-lead').rest.pulls.list({ ...R, head })).data[0];
    await gateOf(world, (await eventually('its pull request', list, world)).number, 'success');
    return texts;
  }

  it('judges code outside of the model folder that the code digest covers', async () => {
    await eventually('v1.0.0 in force', async () => (await tags()).includes('bikes#champion#2'), world);
    const before = world.jobs.runs.length;
    const files = { 'package-lock.json': '{"lockfileVersion":3}' };
    const pull = await openPull(world, 'data-scientist', { branch: 'packages', files });
    await gateOf(world, pull, 'action_required');
    const runs = world.jobs.runs.slice(before).map(({ workflow }) => workflow.path.split('/').at(-1));
    expect(runs).toEqual(['roundhouse.yml', 'roundhouse-evaluate.yml']);
    await world.as('ml-lead').rest.pulls.update({ ...R, pull_number: pull, state: 'closed' });
  });

  it('opens a retraining pull request from monitor evidence, which goes the same way', async () => {
    Object.assign(world.jobs.findings, { decay: 'failed', retrain: true });
    await world.control('/clock', { now: '2027-04-01T06:00:00Z' });
    const pull = await eventually(
      'the retraining pull request',
      async () => {
        const { data } = await world.as('ml-lead').rest.pulls.list({ ...R, state: 'open' });
        return data.find(({ head }) => head.ref.startsWith('roundhouse-retrain-bikes-'));
      },
      world,
    );
    expect(pull.user?.login).toBe(BOT);
    world.jobs.findings.gates = 'inconclusive';
    const asked = await gateOf(world, pull.number, 'action_required');
    expect(asked.title).toContain('0 of 2 approvals');
    const line = await approveLine(world, pull.number);
    const ran = world.jobs.runs.length;
    await say(world, 'ml-lead', pull.number, '/decide keep the window. A shorter one forgot the winter');
    await say(world, 'ml-lead', 1, '/decide bikes: closes #1, @visitor');
    const [onBranch, onIssue] = await decided();
    expect(onBranch).toContain('# 1. keep the window\n');
    expect(onBranch).toContain('by `ml-lead`');
    expect(onIssue).toContain('closes #\u200b1, @\u200bvisitor');
    await gateOf(world, pull.number, 'action_required');
    expect(world.jobs.runs).toHaveLength(ran);
    await say(world, 'ml-lead', pull.number, line);
    await say(world, 'product-owner', pull.number, line);
    await merge(world, 'ml-lead', pull.number);
    await eventually(
      'the second rollout',
      async () => {
        const refs = await world.as('ml-lead').rest.git.listMatchingRefs({ ...R, ref: 'tags/bikes#' });
        return refs.data.some(({ ref }) => ref === 'refs/tags/bikes#champion#4');
      },
      world,
    );
    const { data } = await world.as('ml-lead').rest.issues.listForRepo({ ...R, creator: BOT });
    const titles = data.flatMap(({ title, pull_request }) => (pull_request ? [] : [title]));
    expect(titles).toContain('bikes: the error on labels is outside its bounds');
    // Of the six tasks the five whose stages lie behind the model have closed by themselves.
    expect(titles.filter((title) => title.startsWith('bikes: retr'))).toEqual(['bikes: retraining']);
    expect(titles).not.toContain('bikes: monitoring');
  });

  it('opens one that a person asks for within the cooldown, and does not count their own approval', async () => {
    Object.assign(world.jobs.findings, { decay: 'passed', retrain: false });
    await world.control('/clock', { now: '2027-04-05T06:00:00Z' });
    await say(world, 'product-owner', 1, '/retrain');
    const pull = await eventually(
      'the retraining pull request that was asked for',
      async () => {
        const { data } = await world.as('ml-lead').rest.pulls.list({ ...R, state: 'open' });
        return data.find(({ head }) => head.ref === 'roundhouse-retrain-bikes-2027-04-05');
      },
      world,
    );
    expect(pull.user?.login).toBe(BOT);
    await gateOf(world, pull.number, 'action_required');
    await say(world, 'product-owner', pull.number, await approveLine(world, pull.number));
    const reply = await eventually(
      'the refusal',
      async () =>
        (await commentsOf(world, pull.number)).find(
          ({ author, body }) => author === BOT && body.includes('❌') && body.includes('/approve'),
        ),
      world,
    );
    expect(reply.body).toMatch(/caused|asked/);
  });

  it('leaves an audit log that tags, releases, deployments and replies vouch for', async () => {
    const workspace = join(world.dir, 'github', 'repos', R.owner, `${R.repo}.git`);
    const env = {
      GITHUB_API_URL: `${world.github.url}/api/v3`,
      GITHUB_TOKEN: world.secrets.tokens['ml-lead'],
    };
    const anchors = await anchorsOnGitHub({ workspace, env, repository: 'acme/bikes' });
    const kinds = new Set(anchors.map(({ where }) => where.split(' ')[0]));
    expect([...kinds].sort()).toEqual(['comment', 'deployment', 'release']);
    const report = await verifyAudit(workspace, anchors);
    expect(report.faults).toEqual([]);
    expect(report).toMatchObject({ standing: 'anchored', tags: 6, anchors: 6 + anchors.length });
    // A reply is said before it is written down.
    const effects = await eventually(
      'the entry of the refusal',
      async () => {
        const told = await withCheckoutRecords(workspace, readAuditEntries);
        const events = told.filter((entry) => entry.class === 'effect').map(({ event }) => event);
        return events.includes('command refused') && new Set(events);
      },
      world,
    );
    for (const event of [
      'approved',
      'deployment created',
      'dispatched',
      'evidence taken',
      'issue opened',
      'pull request opened',
      'registered',
      'release published',
      'rollout succeeded',
    ])
      expect(effects).toContain(event);
  });
});
