import { dashboardView } from '#lib/formats/dashboard.ts';
import { render } from '#lib/formats/markdown.ts';
import { hasMarker, withMarker } from '#lib/formats/sticky.ts';
import type { Issue } from '#lib/github/issues.ts';
import { sameBody } from '#lib/lifecycle/dashboard/boxes.ts';
import type { DashboardFacts } from '#lib/lifecycle/dashboard/facts.ts';
import { linkOf } from '#lib/records/places.ts';
import { loadTemplate } from '../../templates/load.ts';
import { allOf } from '../all-of.ts';
import { readDashboard } from '../dashboard-facts.ts';
import { readWaiting, type WaitingPull } from '../dashboard-pulls.ts';
import { type MainTree, readMain } from '../main-tree.ts';
import type { ModelTree } from '../model-tree.ts';
import type { On } from '../on.ts';
import { once } from '../once.ts';
import type { Project } from '../project.ts';

export const DASHBOARD_LABEL = 'ml-dashboard';

/** Everything else that an event leads to is done first: the queue takes tasks in turn, and this one once. */
export function dashboard(on: On): void {
  on({
    events: ['push', 'workflow_run.completed', 'pull_request.opened', 'pull_request.closed'],
    kind: ['push', 'run', 'pull-request'],
    key: () => 'dashboards',
    handle: syncDashboards,
  });
}

/** What the dashboards of a repository were made of last, by this process: the same again is not read again. */
const shown = new WeakMap<Project['state'], string>();

/** One issue per model of the default branch, brought to what is on record; edited only where it says something else. */
export async function syncDashboards(project: Project): Promise<void> {
  const main = await readMain(project);
  if (!main || main.models.length === 0) return;
  const pulls = await readWaiting(project);
  const open = await project.forge.issues.list({ state: 'open' });
  const made = await printOf(project, { main, pulls, open });
  if (shown.get(project.state) === made) return;
  await allOf(main.models.map((model) => () => syncDashboard(project, { main, model, pulls, open })));
  shown.set(project.state, made);
}

/** All that a dashboard depends on, as far as GitHub gives it out cheaply; the day, since evidence grows old. */
async function printOf(
  { state, forge, now }: Project,
  { main, pulls, open }: { main: MainTree; pulls: WaitingPull[]; open: Issue[] },
): Promise<string> {
  const tags = await Promise.all(main.models.map(async ({ name }) => (await forge.tags.list(name)).length));
  const issues = open.filter(({ author }) => author.type !== 'User').map(({ number }) => number);
  return JSON.stringify([
    main.head,
    await state.commit(),
    tags,
    pulls,
    issues,
    now().toISOString().slice(0, 10),
  ]);
}

/** Brings all of them back to what they should say, though nothing that they show has changed. */
export async function restoreDashboards(project: Project): Promise<void> {
  shown.delete(project.state);
  await syncDashboards(project);
}

/** What the dashboard of a model would say now; null where the default branch has no such model. */
export async function readBoard(
  project: Project,
  main: MainTree,
  name: string,
): Promise<DashboardFacts | null> {
  const model = main.models.find((one) => one.name === name);
  if (!model) return null;
  const open = await project.forge.issues.list({ state: 'open' });
  return boardOf(project, { main, model, pulls: await readWaiting(project), open });
}

type About = { main: MainTree; model: ModelTree; pulls: WaitingPull[]; open: Issue[] };

async function syncDashboard(project: Project, about: About): Promise<void> {
  const number = await dashboardIssue(project, about.model);
  if (number !== null) await writeDashboard(project, number, await boardOf(project, about));
}

/** What the dashboard of a model says now. */
async function boardOf(project: Project, { main, model, pulls, open }: About): Promise<DashboardFacts> {
  const marker = { kind: 'health', key: model.name };
  const health = open.find(({ author, body }) => author.login === project.bot && hasMarker(body, marker));
  const mine = pulls.filter(({ models }) => models.includes(model.name));
  return readDashboard(project, {
    main,
    model,
    pulls: mine.map(({ board, asks }) => ({
      ...board,
      asks: asks.filter((ask) => ask.model === null || ask.model === model.name),
    })),
    health: health?.number ?? null,
  });
}

/** The number of the issue, made where there is none. Null while another process is about to make it. */
async function dashboardIssue(project: Project, { name }: ModelTree): Promise<number | null> {
  const { issues } = project.forge;
  const marker = markerOf(name);
  const made = await once(project, {
    key: `dashboard:${name}`,
    find: async () => {
      const found = await issues.list({ state: 'all', labels: DASHBOARD_LABEL });
      const mine = found.filter(
        ({ author, body }) => author.login === project.bot && hasMarker(body, marker),
      );
      return mine.length === 0 ? null : String(Math.min(...mine.map(({ number }) => number)));
    },
    make: async () => {
      const body = withMarker(marker, `The dashboard of \`${name}\` is about to be filled.`);
      const opened = await issues.create({
        title: `Model dashboard: ${name}`,
        body,
        labels: [DASHBOARD_LABEL],
      });
      return String(opened.number);
    },
  });
  return made === null ? null : Number(made);
}

function markerOf(model: string) {
  return { kind: 'dashboard', key: model };
}

/**
 * Read right before it is written, and left alone where it says that already. A person's tick that comes in between
 * is not lost: its delivery says what was ticked.
 */
async function writeDashboard(project: Project, number: number, board: DashboardFacts): Promise<void> {
  const { forge, now, defaultBranch: branch } = project;
  const { model } = board.facts;
  const issue = await forge.issues.get(number);
  if (issue === null) return;
  const repository = issue.url.replace(/\/issues\/\d+$/, '');
  const view = dashboardView(board, (place) => linkOf(place, { model, repository, branch }), now());
  const body = withMarker(markerOf(model), render(loadTemplate('comments/dashboard.hbs'), view));
  if (!sameBody(issue.body, body)) await forge.issues.update(number, { body });
}
