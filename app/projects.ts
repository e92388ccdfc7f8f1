import { randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Probot } from 'probot';
import type { AuditKey } from '#lib/formats/audit-key.ts';
import type { RepositoryFacts } from '#lib/github/facts.ts';
import { forge } from '#lib/github/forge.ts';
import { botLogin, installationIds, installedRepositories, isInstalled } from '#lib/github/installations.ts';
import { stateBranch } from '#lib/github/state-branch.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { openStore } from '#lib/store/open.ts';
import type { ArtifactStore } from '#lib/store/store.ts';
import type { Log, Project } from './project.ts';
import { createQueue, type Queue } from './queue.ts';
import type { Settings } from './settings.ts';
import type { Troubles } from './troubles.ts';

/** Before the first policy is read. */
const DEFAULT_PACE_SECONDS = 10;

/** A repository with the queue that its tasks go through. */
export type Workplace = { project: Project; queue: Queue };

export type Projects = ReturnType<typeof createProjects>;

/** The repositories that the app works for, each opened once. */
export function createProjects({
  probot,
  settings,
  ownerId,
  auditKey,
  troubles,
  log,
}: {
  probot: Probot;
  settings: Settings;
  ownerId: string;
  auditKey: AuditKey;
  troubles: Troubles;
  log: Log;
}) {
  const open = new Map<string, Promise<Workplace>>();
  const stores = new Map<string, ArtifactStore>();
  let bot: Promise<string> | null = null;

  function store(name: string): ArtifactStore {
    const url = settings.stores[name];
    if (url === undefined) {
      const variable = `ROUNDHOUSE_STORE_${name.toUpperCase()}`;
      throw new UserError(`the policy names the store "${name}", and ${variable} is not set`, {
        fix: `start the app with ${variable}=file:///absolute/path`,
      });
    }
    const known = stores.get(name) ?? openStore(url);
    stores.set(name, known);
    return known;
  }

  async function login(): Promise<string> {
    bot ??= probot.auth().then(botLogin);
    return bot.catch((error) => {
      bot = null;
      throw error;
    });
  }

  async function create(facts: RepositoryFacts): Promise<Workplace> {
    const octokit = await probot.auth(facts.installation);
    const { owner, repo } = facts;
    const client = forge({ octokit, owner, repo }, Number(settings.appId));
    let pace = settings.pace ?? DEFAULT_PACE_SECONDS;
    const now = () => new Date();
    const project: Project = {
      owner,
      repo,
      defaultBranch: facts.default_branch,
      forge: client,
      state: stateBranch({ trees: client.trees, batchSeconds: () => pace, now, auditKey }),
      bot: await login(),
      ownerId,
      store,
      setPace: (seconds) => {
        pace = settings.pace ?? seconds;
      },
      heard: new Map(),
      troubles,
      now,
      log,
    };
    return { project, queue: createQueue() };
  }

  return {
    async of(facts: RepositoryFacts): Promise<Workplace> {
      const key = `${facts.owner}/${facts.repo}`;
      const known = open.get(key) ?? create(facts);
      open.set(key, known);
      const place = await known.catch((error) => {
        open.delete(key);
        throw error;
      });
      place.project.defaultBranch = facts.default_branch;
      return place;
    },
    /** Whether the app is installed there now: a delivery may be older than the end of an installation. */
    async holds(facts: RepositoryFacts): Promise<boolean> {
      return isInstalled(await probot.auth(), facts);
    },
    /** All repositories of all installations. */
    async all(): Promise<RepositoryFacts[]> {
      const found: RepositoryFacts[] = [];
      for (const installation of await installationIds(await probot.auth())) {
        const repositories = await installedRepositories(await probot.auth(installation));
        found.push(
          ...repositories
            .filter(({ archived }) => !archived)
            .map(({ owner, repo, default_branch }) => ({ owner, repo, default_branch, installation })),
        );
      }
      return found;
    },
    pending: async (): Promise<void> => {
      for (const place of open.values()) await (await place).queue.drained();
    },
  };
}

/** An id that survives restarts, so that a process takes over the claims of the one that was killed. */
export async function readOwnerId(dir: string): Promise<string> {
  await mkdir(dir, { recursive: true });
  const path = join(dir, 'owner');
  const known = await readFile(path, 'utf8').catch(() => '');
  if (/^[0-9a-f-]{36}$/.test(known.trim())) return known.trim();
  const id = randomUUID();
  await writeFile(path, `${id}\n`, { mode: 0o600 });
  return id;
}
