import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  advance,
  type DeploymentRecord,
  deploymentRecordSchema,
  nextAction,
} from '#lib/lifecycle/rollout.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import type { StageContext } from '../kit/context.ts';
import type { Environment } from '../kit/deps.ts';
import { git } from '../kit/git.ts';
import { openGitHub, permitted, type StepGitHub } from '../kit/github.ts';
import { loadLocks, loadModelFolder, loadPolicy } from '../kit/model-folder.ts';
import type { StageResult } from '../kit/stage.ts';
import { deploymentName, recordDeployment } from './github-deployment.ts';
import { main } from './main.ts';
import { standingOf, versionOf } from './plain-version.ts';
import { openTarget } from './target.ts';
import { supervisorToken } from './token.ts';

const POLL_MS = 500;

/**
 * Without the app: the whole rollout in one go, from what the target serves now to what the locks name. Run
 * again it finds its version in force and only checks it; a rollout that was cut short begins again. Records are
 * kept in `.roundhouse/deployments/`, for people to read and so that no number is given twice.
 */
export async function rollOut(context: StageContext): Promise<StageResult<'deploy'>> {
  const { deps, model } = context;
  const { wanted, records, github } = await openRollOut(context);
  const { environment } = wanted;
  let record = records.save(wanted);
  for (;;) {
    const next = nextAction(record, new Date().toISOString());
    if (next === 'wait') {
      await sleep(POLL_MS);
      continue;
    }
    const action = next === 'none' ? 'start' : next;
    const recordDigest = await deps.store.put(JSON.stringify(record));
    const result = await main(
      { model, environment, action, record, recordDigest },
      { ...deps, supervisorToken: supervisorToken(context) },
    );
    const found = result.statement.predicate.result;
    record = records.save(advance(record, found, new Date().toISOString(), null));
    if (github !== null) await tell(github, record, deps.env);
    deps.progress.note(
      `${record.phase}${record.phase === 'progressing' ? `, step ${record.step + 1}` : ''}: ${result.verdict}`,
    );
    if (next === 'none' || nextAction(record, new Date().toISOString()) === 'none') return result;
  }
}

/** The rollout that `rollOut` would begin, as a value: the target is asked what it serves, and nothing is written. */
export async function planRollOut(context: StageContext): Promise<DeploymentRecord> {
  return (await openRollOut(context)).wanted;
}

async function openRollOut(context: StageContext) {
  const { deps, model } = context;
  const environment = environmentOf(context);
  const records = recordFolder(deps.workspace, model, environment);
  const token = context.option('token');
  const github = token === '' ? null : await openGitHub({ token, env: deps.env });
  const known = await permitted('deployments: write', async () =>
    github === null ? [] : github.forge.deployments.list(deploymentName({ model, environment })),
  );
  const numbers = known.map(({ n }) => n ?? 0);
  const wanted = await wantedRecord(context, { environment, taken: Math.max(records.newest(), ...numbers) });
  return { wanted, records, github };
}

/** Every change of phase becomes a status of the GitHub deployment. */
function tell(github: StepGitHub, record: DeploymentRecord, env: Environment): Promise<void> {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = env;
  const url = `${server}/${repository}/actions/runs/${run}`;
  return permitted('deployments: write', () => recordDeployment(github, record, url));
}

function environmentOf({ option, deps, model }: StageContext): string {
  const { operate } = loadModelFolder(deps.workspace, model);
  const asked = option('environment');
  const environment = asked || operate.deployment.environments[0];
  if (environment !== undefined && operate.deployment.environments.includes(environment)) return environment;
  throw new UserError(
    `models/${model}/operate.yml deploys to ${operate.deployment.environments.join(', ')}, not to "${asked}"`,
    { fix: 'name one of those with --environment' },
  );
}

/** From what serves now to what the locks name; `taken` is the highest number of a rollout that is known. */
async function wantedRecord(
  context: StageContext,
  { environment: name, taken }: { environment: string; taken: number },
): Promise<DeploymentRecord> {
  const { deps, model } = context;
  const locks = loadLocks(deps.workspace, model);
  if (locks === null)
    throw new UserError(`models/${model} has no model.lock`, {
      fix: 'run the stages and `roundhouse card` first: it writes the locks',
    });
  const environment = loadPolicy(deps.workspace).environments.find((known) => known.name === name);
  if (environment === undefined)
    throw new UserError(`.github/roundhouse.yml has no environment "${name}"`, {
      fix: 'add it under environments:',
    });
  const { operate } = loadModelFolder(deps.workspace, model);
  const { candidate, bundle, model: bytes } = locks.model;
  const { url } = environment.target;
  const target = openTarget({ url, token: supervisorToken(context), model, environment: name, fetch });
  const served = (await target.state())?.versions ?? [];
  const { n, previous, isInForce } = standingOf({ served, candidate, taken });
  return deploymentRecordSchema.parse({
    kind: 'roundhouse-deployment',
    n,
    model,
    environment: name,
    commit: (await git(deps.workspace, 'rev-parse', 'HEAD'))?.trim() ?? '',
    release: { version: versionOf(n), candidate, bundle, model: bytes },
    previous,
    strategy: operate.deployment.strategy,
    target: environment.target,
    phase: isInForce ? 'succeeded' : 'pending',
    step: 0,
    step_started_at: null,
    github_deployment: null,
    history: [],
  });
}

function recordFolder(workspace: string, model: string, environment: string) {
  const folder = join(workspace, '.roundhouse', 'deployments', model, environment);
  return {
    /** The highest number of a rollout that this checkout knows; 0 = none. */
    newest(): number {
      if (!existsSync(folder)) return 0;
      return Math.max(0, ...readdirSync(folder).map((name) => Number(/^(\d+)\.json$/.exec(name)?.[1] ?? 0)));
    },
    save(record: DeploymentRecord): DeploymentRecord {
      mkdirSync(folder, { recursive: true });
      const path = join(folder, `${record.n}.json`);
      writeFileSync(`${path}.tmp`, `${JSON.stringify(record, null, 2)}\n`);
      renameSync(`${path}.tmp`, path);
      return record;
    },
  };
}
