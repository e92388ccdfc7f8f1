import type { StageContext } from '../kit/context.ts';
import { loadModelFolder } from '../kit/model-folder.ts';
import type { StageResult } from '../kit/stage.ts';
import { main } from './main.ts';

/**
 * Stage 6: is the decay that monitoring found worth a retraining? The window of the present data.yml ends when
 * the last retraining was decided, so the checkout alone tells the cooldown.
 */
export async function retrainStage(context: StageContext): Promise<StageResult<'retrain'>> {
  const { data } = loadModelFolder(context.deps.workspace, context.model);
  const monitor = context.evidence.require('monitor');
  const lastOpened = data.window === 'all' ? null : data.window.until;
  const openPullRequests = Number(context.option('open-pull-requests') || '0');
  return main({ model: context.model, monitor, lastOpened, openPullRequests }, context.deps);
}
