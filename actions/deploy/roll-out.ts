import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  advance,
  type DeploymentRecord,
  deploymentRecordSchema,
  nextAction,
  type Release,
} from '#lib/lifecycle/rollout.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import type { StageContext } from '../kit/context.ts';
import { git } from '../kit/git.ts';
import { openGitHub } from '../kit/github.ts';
import { loadLocks, loadModelFolder, loadPolicy } from '../kit/model-folder.ts';
import type { StageResult } from '../kit/stage.ts';
import { recordDeployment } from './github-deployment.ts';
import { main } from './main.ts';
import { supervisorToken } from './token.ts';

const POLL_MS = 500;

/**
 * Without the app: the whole rollout in one go, with its record kept in `.roundhouse/deployments/`. A rollout
 * that was cut short is taken up again; one that is over for the same bytes is not repeated.
 */
export async function rollOut(context: StageContext): Promise<StageResult<'deploy'>> {
  const { deps, model } = context;
  const records = recordFolder(deps.workspace, model, environmentOf(context));
  const tell = await teller(context);
  let record = records.newest();
  const wanted = await wantedRecord(context, record);
  if (record === null || record.release.candidate !== wanted.release.candidate || isFailed(record))
    record = records.save(wanted);
  for (;;) {
    const next = nextAction(record, new Date().toISOString());
    if (next === 'wait') {
      await sleep(POLL_MS);
      continue;
    }
    const action = next === 'none' ? 'start' : next;
    const recordDigest = await deps.store.put(JSON.stringify(record));
    const result = await main(
      { model, environment: record.environment, action, record, recordDigest },
      { ...deps, supervisorToken: supervisorToken(context) },
    );
    const found = result.statement.predicate.result;
    record = records.save(advance(record, found, new Date().toISOString(), null));
    await tell(record);
    deps.progress.note(
      `${record.phase}${record.phase === 'progressing' ? `, step ${record.step + 1}` : ''}: ${result.verdict}`,
    );
    if (next === 'none' || nextAction(record, new Date().toISOString()) === 'none') return result;
  }
}

/** With a token every change of phase is told to GitHub. */
async function teller({ option, deps }: StageContext): Promise<(record: DeploymentRecord) => Promise<void>> {
  const token = option('token');
  if (token === '') return async () => {};
  const github = await openGitHub({ token, env: deps.env });
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = deps.env;
  return (record) => recordDeployment(github, record, `${server}/${repository}/actions/runs/${run}`);
}

function isFailed({ phase }: DeploymentRecord): boolean {
  return phase === 'aborted' || phase === 'rolled-back' || phase === 'paused';
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

async function wantedRecord(context: StageContext, last: DeploymentRecord | null): Promise<DeploymentRecord> {
  const { deps, model } = context;
  const name = environmentOf(context);
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
  return deploymentRecordSchema.parse({
    kind: 'roundhouse-deployment',
    n: (last?.n ?? 0) + 1,
    model,
    environment: name,
    commit: (await git(deps.workspace, 'rev-parse', 'HEAD'))?.trim() ?? '',
    release: { version: nextVersion(last), candidate, bundle, model: bytes },
    previous: last?.phase === 'succeeded' ? last.release : (last?.previous ?? null),
    strategy: operate.deployment.strategy,
    target: environment.target,
    phase: 'pending',
    step: 0,
    step_started_at: null,
    github_deployment: null,
    history: [],
  });
}

/** Versions of a machine without a registry count up from 0.1.0: they are this machine's own. */
function nextVersion(last: { release: Release } | null): string {
  const minor = last === null ? 0 : Number(last.release.version.split('.')[1]);
  return `0.${minor + 1}.0`;
}

function recordFolder(workspace: string, model: string, environment: string) {
  const folder = join(workspace, '.roundhouse', 'deployments', model, environment);
  mkdirSync(folder, { recursive: true });
  return {
    newest(): DeploymentRecord | null {
      const numbers = readdirSync(folder)
        .flatMap((name) => /^(\d+)\.json$/.exec(name)?.[1] ?? [])
        .map(Number);
      if (numbers.length === 0) return null;
      return deploymentRecordSchema.parse(
        JSON.parse(readFileSync(join(folder, `${Math.max(...numbers)}.json`), 'utf8')),
      );
    },
    save(record: DeploymentRecord): DeploymentRecord {
      const path = join(folder, `${record.n}.json`);
      writeFileSync(`${path}.tmp`, `${JSON.stringify(record, null, 2)}\n`);
      renameSync(`${path}.tmp`, path);
      return record;
    },
  };
}
