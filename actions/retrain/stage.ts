import type { StageContext } from '../kit/context.ts';
import { openGitHub } from '../kit/github.ts';
import { loadModelFolder } from '../kit/model-folder.ts';
import { readRegistry } from '../kit/registered.ts';
import type { StageResult } from '../kit/stage.ts';
import { main } from './main.ts';
import { openRetraining, openRetrainings } from './open-pull.ts';

/**
 * Stage 6: is the decay that monitoring found worth a retraining? The window of the present data.yml ends when
 * the last retraining was decided (the first version's is no retraining), so the checkout alone tells the cooldown. With a token the step opens the
 * pull request itself; without one the app does.
 */
export async function retrainStage(context: StageContext): Promise<StageResult<'retrain'>> {
  const { deps, model } = context;
  const { data } = loadModelFolder(deps.workspace, model);
  const monitor = context.evidence.require('monitor');
  const { versions } = await readRegistry(deps.workspace, model);
  const isFirst = versions.length === 1;
  const lastOpened = data.window === 'all' || isFirst ? null : data.window.until;
  const token = context.option('token');
  const github = token === '' ? null : await openGitHub({ token, env: deps.env });
  const openPullRequests =
    github === null ? 0 : await openRetrainings(github, { model, asOf: monitor.predicate.result.as_of });
  const result = await main({ model, monitor, lastOpened, openPullRequests }, deps);
  if (github === null) return result;
  const pull = await openRetraining(github, {
    statement: result.statement,
    monitor,
    workspace: deps.workspace,
  });
  if (pull === null) return result;
  deps.progress.note(`pull request: ${pull.url}`);
  return { ...result, outputs: { ...result.outputs, 'pull-request': pull.url } };
}
