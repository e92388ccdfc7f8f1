import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasMarker, replaceSection, withMarker } from '#lib/formats/sticky.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { lockStateOf, renderLockNote } from '../../templates/lock-note.ts';
import type { StepResult } from '../kit/action.ts';
import type { StageContext } from '../kit/context.ts';
import { openGitHub, permitted } from '../kit/github.ts';
import { evaluated } from '../kit/judged.ts';
import { loadLocks } from '../kit/model-folder.ts';
import { planned } from '../kit/planned.ts';
import { main } from './main.ts';

/**
 * The card for the job summary; with a token, as this model's section of the pull request's one comment. Where
 * no app writes the locks, it says too whether the lock in the checkout names what was judged.
 */
export async function modelCardStage(context: StageContext): Promise<StepResult> {
  const { plan, planDigest } = await planned(context);
  const { section, card, candidate } = await main(
    { model: context.model, plan, ...(await evaluated(context, plan)) },
    context.deps,
  );
  const path = join(context.deps.env.RUNNER_TEMP ?? context.deps.scratch, 'MODEL_CARD.md');
  writeFileSync(path, card);
  if (planDigest !== null) return { outputs: { card: path }, summary: section };

  const locked = loadLocks(context.deps.workspace, context.model)?.model.candidate ?? null;
  const summary = `${section.trimEnd()}\n\n${renderLockNote({ locked, candidate })}`;
  const token = context.option('token');
  if (token !== '') await postSection(context, token, summary);
  return { outputs: { card: path, lock: lockStateOf({ locked, candidate }) }, summary };
}

const MARKER = { kind: 'plain-steps', key: 'card' };

/** Without the app: one comment for all models, a section each, edited in place. */
async function postSection(context: StageContext, token: string, section: string): Promise<void> {
  const { forge, login } = await openGitHub({ token, env: context.deps.env });
  const issue = pullRequestNumber(context);
  await permitted('pull-requests: write', async () => {
    const mine = (await forge.comments.list(issue)).filter(
      ({ author, body }) => author.login === login && hasMarker(body, MARKER),
    );
    const [kept] = mine.toSorted((one, other) => one.id - other.id);
    const body = replaceSection(kept?.body ?? withMarker(MARKER, '## Roundhouse\n'), context.model, section);
    if (kept === undefined) {
      if ((await forge.comments.create(issue, body)) === 'said') return;
      const fix = 'unlock it, or leave out the input token: the card is in the summary too';
      throw new UserError(`the conversation of #${issue} is locked`, { fix });
    }
    if (kept.body !== body) await forge.comments.update(kept.id, body);
  });
}

function pullRequestNumber({ option, deps }: StageContext): number {
  const asked = option('pull-request') || (/^refs\/pull\/(\d+)\//.exec(deps.env.GITHUB_REF ?? '')?.[1] ?? '');
  if (/^\d+$/.test(asked)) return Number(asked);
  throw new UserError('there is no pull request to write the card to', {
    fix: 'run the step on pull_request, or give its number as the input pull-request',
  });
}
