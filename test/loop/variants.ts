import type { Octokit } from 'octokit';
import { ensureSecrets } from '../../runners/local/github/secrets.ts';
import {
  BOT,
  bikesFiles,
  commentsOf,
  commitFiles,
  eventually,
  pushToMain,
  R,
  type World,
} from './app-world.ts';

/** What a test needs beside the usual repository: another environment, another policy, a fork. */

const POLICY = '.github/roundhouse.yml';
const PRODUCTION = 'environments:\n  - name: production\n';
const STAGING = `environments:
  - name: staging
    target: { kind: process, url: "http://127.0.0.1:1/" }
  - name: production
    promotes_from: staging
`;
const TERMS = 'standing_approvals: [{ model: bikes, max_versions: 2, expires: P90D }]\n';

const FORK = { owner: 'outsider', repo: R.repo } as const;

/** A merge deploys to staging; production is promoted to. */
export async function addStaging(world: World): Promise<void> {
  await pushToMain(world, POLICY, (text) => text.replace(PRODUCTION, STAGING));
}

/** The first model, for both environments. */
export function stagedFiles(): Record<string, string> {
  const files = bikesFiles();
  const path = 'models/bikes/operate.yml';
  const both = 'environments: [staging, production]';
  return { ...files, [path]: (files[path] ?? '').replace('environments: [production]', both) };
}

export async function allowStandingApproval(world: World): Promise<void> {
  await pushToMain(world, POLICY, (text) => `${text}\n${TERMS}`);
}

/** The line that approves the procedure; the comment is written after the checks. */
export async function procedureLine(world: World, pull: number): Promise<string> {
  return eventually(
    `the line that approves the procedure on #${pull}`,
    async () => {
      const mine = (await commentsOf(world, pull)).filter(({ author }) => author === BOT);
      return mine
        .map(({ body }) => /procedure[\s\S]*?(\/approve [0-9a-f]{16})/.exec(body)?.[1])
        .find(Boolean);
    },
    world,
  );
}

/** Makes the repository public, with the fork of somebody who may nothing here. */
export async function openFork(world: World): Promise<Octokit> {
  const people = [{ login: FORK.owner, role: 'none' }];
  await world.control('/seed', { owner: R.owner, repository: R.repo, people });
  await world.control(`/repos/${R.owner}/${R.repo}`, { private: false }, 'PATCH');
  Object.assign(world.secrets.tokens, (await ensureSecrets(world.dir)).tokens);
  const outsider = world.as(FORK.owner);
  await outsider.rest.repos.createFork(R);
  return outsider;
}

/** One more commit on the fork's branch `topic`. */
export async function pushToFork({ rest }: Octokit, files: Record<string, string>): Promise<string> {
  const { git } = rest;
  const known = await git.getRef({ ...FORK, ref: 'heads/topic' }).catch(() => null);
  const tip = known ?? (await git.getRef({ ...FORK, ref: 'heads/main' }));
  const parent = tip.data.object.sha;
  const sha = await commitFiles(git, { repository: FORK, parent, files, message: 'Model' });
  if (known) await git.updateRef({ ...FORK, ref: 'heads/topic', sha });
  else await git.createRef({ ...FORK, ref: 'refs/heads/topic', sha });
  return sha;
}

/** The pull request of the fork's branch. */
export async function openForkPull({ rest }: Octokit): Promise<number> {
  const head = `${FORK.owner}:topic`;
  const { data } = await rest.pulls.create({ ...R, title: 'A model', head, base: 'main', body: '' });
  return data.number;
}
