import { digestOf, hexOf } from '#lib/formats/digest.ts';
import { render } from '#lib/formats/markdown.ts';
import { readMarker } from '#lib/formats/sticky.ts';
import type { BodyEdit } from '#lib/github/facts.ts';
import { decideCommand } from '#lib/lifecycle/command-permission.ts';
import { boxesOf } from '#lib/lifecycle/dashboard/board.ts';
import { type Box, boxId, tickedBox } from '#lib/lifecycle/dashboard/boxes.ts';
import { loadTemplate } from '../../templates/load.ts';
import { readPerson } from '../approvals.ts';
import { type Outcome, refused } from '../command.ts';
import { type MainTree, readMain } from '../main-tree.ts';
import type { On } from '../on.ts';
import { once } from '../once.ts';
import type { Project } from '../project.ts';
import { sayOnce } from '../sticky.ts';
import { readBoard, restoreDashboards } from './dashboard.ts';
import { lookNow } from './monitor.ts';
import { syncPullRequest } from './pull-request.ts';

export function dashboardBoxes(on: On): void {
  on({
    events: ['issues.edited'],
    kind: 'issue',
    key: ({ number, edit }) => `edit:${number}:${edit?.by.login}:${edit?.at}:${edit?.after.length}`,
    handle: async (project, { number, edit }) => {
      if (edit) await handleEdit(project, number, edit);
    },
  });
}

/**
 * A person edited a dashboard. One box ticked and nothing else: that is asked for, by who ticked it. Whatever the
 * edit was, the body comes back to what the app says.
 */
async function handleEdit(project: Project, number: number, edit: BodyEdit): Promise<void> {
  const { author, by, before, after } = edit;
  const marker = readMarker(before);
  if (author.login !== project.bot || marker?.kind !== 'dashboard' || by.type !== 'User') return;
  const ticked = tickedBox(before, after);
  if (ticked !== null) await takeTick(project, { number, model: marker.key, ticked, edit });
  await restoreDashboards(project);
}

type Tick = { number: number; model: string; ticked: string; edit: BodyEdit };

/** The second of the edit names it: a delivery that comes twice, or to two processes, is one tick. */
async function takeTick(project: Project, tick: Tick): Promise<void> {
  const { number, ticked, edit } = tick;
  const key = `box:${number}:${edit.at}:${edit.by.login}:${ticked}`;
  await once(project, {
    key,
    find: async () => null,
    make: async () => {
      const outcome = await obey(project, tick, hexOf(digestOf(key)).slice(0, 16));
      const line = `${ticked}, ticked by ${edit.by.login}`;
      await sayOnce(project.forge.comments, {
        issue: number,
        marker: { kind: 'box', key: hexOf(digestOf(key)).slice(0, 16) },
        bot: project.bot,
        body: () =>
          render(loadTemplate('comments/reply.hbs'), {
            to: edit.by.login,
            replies: [{ shown: '', ...outcome, line }],
          }),
      });
      return `${line}: ${outcome.ok ? 'done' : `refused (${outcome.text})`}`;
    },
  });
}

/**
 * The box has to be one that would be shown now: what a person wrote into the body, and what was bound to a
 * candidate or head that has gone, is none.
 */
async function obey(project: Project, { model, ticked, edit }: Tick, cause: string): Promise<Outcome> {
  const main = await readMain(project);
  const board = main && (await readBoard(project, main, model));
  if (!main || !board) return refused('the default branch has no such model, or no usable policy');
  const refusal = await refusalOf(project, { main, edit, ticked });
  if (refusal !== null) return refused(refusal);
  const box = boxesOf(board).find((one) => boxId(one) === ticked);
  if (!box) return refused('what it was shown for has changed since: tick the box that stands there now');
  return act(project, box, { asked_by: edit.by.login, cause: `box-${cause}` });
}

/** Who may tick is who may type the command. */
async function refusalOf(
  { forge }: Project,
  { main, edit, ticked }: { main: MainTree; edit: BodyEdit; ticked: string },
): Promise<string | null> {
  const { login } = edit.by;
  const person = await readPerson(forge.people, login, main.policy);
  const facts = { login, kind: 'person' as const, ...person, isAuthor: false };
  const decision = ticked.startsWith('retrain ')
    ? decideCommand('retrain', { ...facts, place: 'issue' }, main.policy)
    : decideCommand('plan', { ...facts, place: 'pull request' }, main.policy);
  return decision.kind === 'refused' ? decision.text : null;
}

async function act(
  project: Project,
  box: Box,
  { asked_by, cause }: { asked_by: string; cause: string },
): Promise<Outcome> {
  if (box.action === 'retrain') return lookNow(project, { model: box.model, asked_by, cause });
  await syncPullRequest(project, box.pull, { again: true });
  return { ok: true, text: `#${box.pull} is planned again` };
}
