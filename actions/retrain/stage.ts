import type { Forge } from '#lib/github/forge.ts';
import type { StageContext } from '../kit/context.ts';
import { openGitHub, permitted } from '../kit/github.ts';
import { loadModelFolder } from '../kit/model-folder.ts';
import type { StageResult } from '../kit/stage.ts';
import { main } from './main.ts';
import { openRetraining, pastRetrainings } from './open-pull.ts';

/**
 * Stage 6: is the decay that monitoring found worth a retraining? With a token the step opens the pull request
 * itself; without one the app does.
 */
export async function retrainStage(context: StageContext): Promise<StageResult<'retrain'>> {
  const token = context.option('token');
  if (token === '') return decide(context, { open: 0, lastDay: null });
  const { forge } = await openGitHub({ token, env: context.deps.env });
  return permitted('contents: write, pull-requests: write', () => decideAndOpen(context, forge));
}

async function decideAndOpen(context: StageContext, forge: Forge): Promise<StageResult<'retrain'>> {
  const { deps, model } = context;
  const monitor = context.evidence.require('monitor');
  const day = monitor.predicate.result.as_of.slice(0, 10);
  const result = await decide(context, await pastRetrainings(forge, { model, day }));
  const { statement } = result;
  const pull = await openRetraining(forge, { statement, monitor, workspace: deps.workspace }, deps.env);
  if (pull === null) return result;
  deps.progress.note(`pull request: ${pull.url}`);
  return { ...result, outputs: { ...result.outputs, 'pull-request': pull.url } };
}

/** The window of the present data.yml ends when the last merged retraining was decided: it starts the cooldown too. */
function decide(
  { deps, model, evidence, option }: StageContext,
  { open, lastDay }: { open: number; lastDay: string | null },
): Promise<StageResult<'retrain'>> {
  const { data } = loadModelFolder(deps.workspace, model);
  const days = [
    ...(data.window === 'all' ? [] : [data.window.until]),
    ...(lastDay === null ? [] : [`${lastDay}T00:00:00.000Z`]),
  ];
  const lastOpened = days.toSorted((one, other) => Date.parse(one) - Date.parse(other)).at(-1) ?? null;
  const askedBy = option('asked_by') === '' ? null : option('asked_by');
  const monitor = evidence.require('monitor');
  return main({ model, monitor, lastOpened, openPullRequests: open, askedBy }, deps);
}
