import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Statement } from '#lib/lifecycle/evidence.ts';
import { retrainingBranch, retrainingPrefix, retrainingPull } from '../../templates/retraining.ts';
import { git } from '../kit/git.ts';
import type { StepGitHub } from '../kit/github.ts';

type Decided = { statement: Statement<'retrain'>; monitor: Statement<'monitor'>; workspace: string };

/** Retraining pull requests of a model that are open, apart from the one of this window. */
export async function openRetrainings(
  { forge }: StepGitHub,
  { model, asOf }: { model: string; asOf: string },
): Promise<number> {
  const own = retrainingBranch(model, asOf);
  const open = await forge.pulls.list({ state: 'open' });
  return open.filter(({ head }) => head.ref.startsWith(retrainingPrefix(model)) && head.ref !== own).length;
}

/**
 * Without the app: branch, commit and pull request by the token of the step. Run twice, or cut short and run
 * again, it ends with one pull request.
 */
export async function openRetraining(
  { forge }: StepGitHub,
  { statement, monitor, workspace }: Decided,
): Promise<{ url: string } | null> {
  const { model, result: retrain } = statement.predicate;
  const dataYaml = readFileSync(join(workspace, `models/${model}/data.yml`), 'utf8');
  const pull = retrainingPull({ model, monitor: monitor.predicate.result, retrain, dataYaml });
  if (pull === null) return null;
  const [found] = await forge.pulls.list({ state: 'all', head: pull.branch });
  if (found !== undefined) return found;
  const base = (await git(workspace, 'rev-parse', '--abbrev-ref', 'HEAD'))?.trim();
  const parent = (await git(workspace, 'rev-parse', 'HEAD'))?.trim();
  if (base === undefined || parent === undefined)
    throw new Error('the checkout has no commit to start a branch from');
  const commit = await forge.trees.write({
    parent,
    message: pull.commitMessage,
    changes: [{ path: pull.file, text: pull.text }],
  });
  await forge.trees.createRef(`heads/${pull.branch}`, commit);
  return forge.pulls.create({ title: pull.title, body: pull.body, head: pull.branch, base });
}
