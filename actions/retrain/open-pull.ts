import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Forge } from '#lib/github/forge.ts';
import type { Statement } from '#lib/lifecycle/evidence.ts';
import { retrainingDay } from '#lib/lifecycle/retraining-branch.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { type RetrainingPull, retrainingPull } from '../../templates/retraining.ts';
import type { Environment } from '../kit/deps.ts';
import { git } from '../kit/git.ts';

export type PullForge = {
  pulls: Pick<Forge['pulls'], 'list' | 'create'>;
  trees: Pick<Forge['trees'], 'write' | 'createRef' | 'removeRef'>;
};
export type PastRetrainings = { open: number; lastDay: string | null };

/**
 * Retraining pull requests of a model, apart from the one of `day`: how many are open, and the newest day of data
 * time. Their branches tell the cooldown also where one was closed without a merge.
 */
export async function pastRetrainings(
  { pulls }: { pulls: Pick<Forge['pulls'], 'list'> },
  { model, day }: { model: string; day: string },
): Promise<PastRetrainings> {
  const past = (await pulls.list({ state: 'all' })).flatMap(({ head, state }) => {
    const found = head.same_repository ? retrainingDay(model, head.ref) : null;
    return found === null || found === day ? [] : [{ day: found, state }];
  });
  const days = past.map((pull) => pull.day).sort();
  return { open: past.filter(({ state }) => state === 'open').length, lastDay: days.at(-1) ?? null };
}

type Decided = { statement: Statement<'retrain'>; monitor: Statement<'monitor'>; workspace: string };

/**
 * Without the app: branch, commit and pull request by the token of the step. Run twice, or cut short and run
 * again, it ends with one pull request.
 */
export async function openRetraining(
  forge: PullForge,
  { statement, monitor, workspace }: Decided,
  env: Environment,
): Promise<{ url: string } | null> {
  const { model, result: retrain } = statement.predicate;
  const dataYaml = readFileSync(join(workspace, `models/${model}/data.yml`), 'utf8');
  const pull = retrainingPull({ model, monitor: monitor.predicate.result, retrain, dataYaml });
  if (pull === null) return null;
  const [found] = await forge.pulls.list({ state: 'all', head: pull.branch });
  if (found !== undefined) return found;
  const base = baseBranch(env);
  const parent = (await git(workspace, 'rev-parse', 'HEAD'))?.trim();
  if (parent === undefined) throw new Error('the checkout has no commit to start a branch from');
  const commit = await forge.trees.write({
    parent,
    message: pull.commitMessage,
    changes: [{ path: pull.file, text: pull.text }],
  });
  const branch = `heads/${pull.branch}`;
  await forge.trees.createRef(branch, commit);
  return createPull(forge, { pull, branch, base });
}

/** The branch that the workflow runs on: a checkout may be detached and need not know it. */
function baseBranch({ GITHUB_REF_TYPE: kind, GITHUB_REF_NAME: name }: Environment): string {
  if (kind === 'branch' && name) return name;
  throw new UserError('the run is on no branch, so the pull request has no base', {
    fix: 'run retrain on: schedule or workflow_dispatch of the default branch',
  });
}

/** Where GitHub refuses the pull request, its branch goes again: a daily check would leave one a day. */
async function createPull(
  { pulls, trees }: PullForge,
  { pull, branch, base }: { pull: RetrainingPull; branch: string; base: string },
): Promise<{ url: string }> {
  try {
    return await pulls.create({ title: pull.title, body: pull.body, head: pull.branch, base });
  } catch (cause) {
    if (!/not permitted to create or approve pull requests/.test(String(cause))) throw cause;
    await trees.removeRef(branch);
    throw new UserError('this repository does not let workflows open pull requests', {
      fix: 'turn on Settings > Actions > General > "Allow GitHub Actions to create and approve pull requests", or hand over the token of a GitHub App',
      cause,
    });
  }
}
