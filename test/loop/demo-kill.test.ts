import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Octokit } from 'octokit';
import { afterAll, expect, test } from 'vitest';
import { readMarker } from '#lib/formats/sticky.ts';
import { randomOf } from '#lib/ml/stats/random.ts';
import { bikes } from '../../runners/local/demo/bikes.ts';
import { play } from '../../runners/local/demo/play.ts';
import { terminalTimeline } from '../../runners/local/demo/timeline.ts';
import { pause } from '../../runners/local/fleet.ts';
import type { Local } from '../../runners/local/local.ts';

const SEED = 20_261_123;
/** Where the app dies: with its write done and the answer lost, with the write not begun, or at any moment. */
const KILLS = ['after', 'before', 'after', 'moment', 'after'] as const;
const dir = mkdtempSync(join(tmpdir(), 'roundhouse-kill-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

type Fault = { held: string | null; writes: number };

/** Kills the app with -9 at seeded instants and starts it again, until all kills are done or the story is over. */
async function torment(local: Local, over: () => boolean, killed: string[]): Promise<void> {
  const random = randomOf(SEED);
  for (const when of KILLS) {
    if (when === 'moment') await pause(200 + random.below(1500));
    else await untilHeld(local, { nth: 2 + random.below(14), when }, over);
    if (over()) return;
    const { held } = await local.control<Fault>('GET', 'fault');
    killed.push(`${when}: ${when === 'moment' ? '-' : held}`);
    await local.members.app.stop('SIGKILL');
    await local.members.app.start();
  }
}

async function untilHeld(
  local: Local,
  fault: { nth: number; when: string },
  over: () => boolean,
): Promise<void> {
  await local.control('PUT', 'fault', fault);
  while (!over() && (await local.control<Fault>('GET', 'fault')).held === null) await pause(20);
}

function doubles(keys: string[]): string[] {
  return keys.filter((key, index) => keys.indexOf(key) !== index);
}

test('the app killed with -9 at five seeded instants leaves one of everything', {
  timeout: 600_000,
}, async () => {
  let isOver = false;
  const killed: string[] = [];
  let tormenting: Promise<void> = Promise.resolve();
  const played = await play({
    dir,
    port: 0,
    keep: true,
    timeline: terminalTimeline(process.stderr, true),
    case: bikes({
      variant: 'real',
      quarters: 1,
      edit: (files) =>
        Object.fromEntries(
          Object.entries(files).map(([path, text]) => [path, text.replace(/epochs: \d+/g, 'epochs: 6')]),
        ),
    }),
    onStarted: (local) => {
      tormenting = torment(local, () => isOver, killed);
    },
  }).finally(() => {
    isOver = true;
  });
  await tormenting;
  const { local } = played.stage;
  const octokit = new Octokit({
    auth: local.secrets.tokens['ml-lead'],
    baseUrl: local.apiUrl,
    throttle: { enabled: false },
  });
  const at = { owner: 'acme', repo: 'bikes', per_page: 100 };
  try {
    expect(killed).toHaveLength(KILLS.length);
    expect(killed.filter((line) => /^after: (POST|PATCH)/.test(line)).length).toBeGreaterThan(0);
    expect(played.stage.expectations.missed()).toEqual([]);

    const comments = await octokit.paginate(octokit.rest.issues.listCommentsForRepo, at);
    const byApp = comments.filter(({ user }) => user?.login === 'roundhouse[bot]');
    expect(byApp.length).toBeGreaterThan(3);
    const marked = byApp.map(({ issue_url, body }) => `${issue_url} ${JSON.stringify(readMarker(body))}`);
    expect(doubles(marked), 'comments with one marker').toEqual([]);

    const pulls = await octokit.paginate(octokit.rest.pulls.list, { ...at, state: 'all' });
    expect(doubles(pulls.map(({ head }) => head.ref)), 'pull requests of one branch').toEqual([]);
    const issues = await octokit.paginate(octokit.rest.issues.listForRepo, {
      ...at,
      state: 'all',
      creator: 'roundhouse[bot]',
    });
    expect(doubles(issues.map(({ title }) => title)), 'issues').toEqual([]);

    const releases = await octokit.paginate(octokit.rest.repos.listReleases, at);
    expect(releases.map(({ tag_name, draft }) => ({ tag_name, draft }))).toEqual([
      { tag_name: 'bikes@v1.0.0', draft: false },
    ]);
    expect(doubles(releases.flatMap(({ assets }) => assets.map(({ name }) => name))), 'assets').toEqual([]);
    const { data: tags } = await octokit.rest.git.listMatchingRefs({
      owner: 'acme',
      repo: 'bikes',
      ref: 'tags/bikes',
    });
    expect(tags.map(({ ref }) => ref).filter((ref) => ref.includes('@v'))).toEqual([
      'refs/tags/bikes@v1.0.0',
    ]);
    expect(tags.filter(({ ref }) => ref.includes('#production'))).toHaveLength(1);
    const deployments = await octokit.paginate(octokit.rest.repos.listDeployments, at);
    expect(deployments, 'deployments').toHaveLength(1);
  } finally {
    await played.stop();
  }
});
