import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomOf } from '#lib/ml/stats/random.ts';
import { BOT, defineBikes, eventually, firstModel, R, startWorld, type World } from '../loop/app-world.ts';
import { type Fan, startFan } from '../loop/fan.ts';
import { until } from './process-under-test.ts';
import { type AppUnderTest, appUnderTest, isSettled } from './world.ts';

const SEED = 20_261_123;
const LONGEST_DELAY_MS = 25;

/**
 * Two apps with journals of their own on one repository: every delivery goes to both, each after a while, and
 * each call of theirs waits
 * a while (seeded). One of them is killed twice in mid-flow.
 */
describe('two replicas of the app', () => {
  let world: World;
  let fan: Fan;
  const replicas: { app: AppUnderTest; port: number }[] = [];

  beforeAll(async () => {
    const random = randomOf(SEED);
    const before = () => new Promise<void>((resolve) => setTimeout(resolve, random.below(LONGEST_DELAY_MS)));
    fan = await startFan({ before });
    world = await startWorld({ webhookPort: fan.port });
    for (const [index, name] of ['one', 'two'].entries()) {
      const port = world.port + 1 + index;
      const dir = join(world.dir, name, 'app');
      mkdirSync(dir, { recursive: true });
      const env = {
        ...world.env,
        ROUNDHOUSE_DIR: dir,
        CRASH_HURRY: '1',
        CRASH_JITTER: JSON.stringify({ seed: random.below(2 ** 31), ms: LONGEST_DELAY_MS }),
      };
      const targets =
        name === 'one'
          ? [
              // Each of them writes records; who opens a branch or releases is the other's luck too.
              { key: 'call POST /api/v3/repos/acme/bikes/git/trees', n: null, when: 'after' as const },
              { key: 'call POST /api/v3/repos/acme/bikes/git/refs', n: null, when: 'after' as const },
              { key: 'call POST /api/v3/repos/acme/bikes/releases', n: null, when: 'after' as const },
            ]
          : [];
      const app = appUnderTest(world, targets, { env, port, name });
      replicas.push({ app, port });
      app.start();
      fan.ports.push(port);
    }
  });

  afterAll(async () => {
    for (const { app } of replicas) await app.stop();
    await fan.close();
    await world.close();
  });

  it('leave one of everything', { timeout: 600_000 }, async () => {
    await defineBikes(world);
    const { pull } = await firstModel(world);
    const { rest, paginate } = world.as('ml-lead');
    await eventually(
      'the tags of the deployment',
      async () => (await rest.git.listMatchingRefs({ ...R, ref: 'tags/bikes' })).data.length >= 3,
      { log: world.log, limitMs: 300_000 },
    );
    for (const { app, port } of replicas) {
      await until('both come to rest', () => isSettled(world, app, { port }), { app });
    }

    const tags = (await rest.git.listMatchingRefs({ ...R, ref: 'tags/bikes' })).data.map(({ ref }) => ref);
    expect(tags).toEqual([
      'refs/tags/bikes#champion#2',
      'refs/tags/bikes#production#1',
      'refs/tags/bikes@v1.0.0',
    ]);
    const releases = (await rest.repos.listReleases(R)).data.map(({ tag_name, draft }) => [tag_name, draft]);
    expect(releases).toEqual([['bikes@v1.0.0', false]]);
    expect((await rest.repos.listDeployments(R)).data).toHaveLength(1);
    const pulls = (await rest.pulls.list({ ...R, state: 'all' })).data.map(({ head }) => head.ref);
    expect(pulls.sort()).toEqual(['first-model', 'roundhouse-define-bikes']);
    const issues = await rest.issues.listForRepo({ ...R, state: 'all', creator: BOT });
    const titles = issues.data.filter((issue) => !issue.pull_request).map(({ title }) => title);
    expect(titles.sort()).toEqual([
      'Model dashboard: bikes',
      'bikes: data engineering',
      'bikes: deployment',
      'bikes: from problem to production',
      'bikes: model development',
      'bikes: monitoring',
      'bikes: problem definition',
      'bikes: retraining',
    ]);
    expect((await rest.issues.listMilestones(R)).data.map(({ title }) => title)).toEqual(['bikes']);
    const comments = await paginate(rest.issues.listCommentsForRepo, { ...R, per_page: 100 });
    const markers = comments
      .filter(({ user }) => user?.login === BOT)
      .map(({ body, issue_url }) => `${issue_url.split('/').at(-1)} ${body?.split('\n')[0]}`);
    expect(markers).toEqual([...new Set(markers)]);
    const runs = await paginate(rest.actions.listWorkflowRunsForRepo, { ...R, per_page: 100 });
    const asked = runs.map(({ display_title }) => display_title);
    expect(asked).toEqual([...new Set(asked)]);
    const locks = (await rest.pulls.listCommits({ ...R, pull_number: pull })).data.filter(
      ({ author }) => author?.login === BOT,
    );
    expect(locks).toHaveLength(1);
    expect(replicas[0]?.app.trace().died.length).toBeGreaterThanOrEqual(1);
  });
});
