import { render } from '#lib/formats/markdown.ts';
import { hasMarker, type Marker, withMarker } from '#lib/formats/sticky.ts';
import type { Issue } from '#lib/github/issues.ts';
import type { Problem } from '#lib/lifecycle/problem.ts';
import { deploymentRecordSchema } from '#lib/lifecycle/rollout.ts';
import { type StageFacts, shortStage } from '#lib/lifecycle/stage.ts';
import { lastDate, type StageTask, stagesDone, stageTasks } from '#lib/lifecycle/tracking.ts';
import { readHistory } from '#lib/records/model-history.ts';
import { listRecords, monitorRecords, recordPath } from '#lib/records/records.ts';
import { loadTemplate } from '../../templates/load.ts';
import { allOf } from '../all-of.ts';
import type { MainTree } from '../main-tree.ts';
import type { ModelTree } from '../model-tree.ts';
import { isDone, once } from '../once.ts';
import type { Project } from '../project.ts';

type Asked = Pick<Problem, 'model' | 'issue'>;

function trackingKey({ model, issue }: Asked): string {
  return `tracking:${model}:${issue}`;
}

/**
 * Milestone, tracking issue and a task for each stage, under one claim: each is looked for before it is made, so
 * that a crash anywhere leaves one of each. The number of the tracking issue; null while another process is at it.
 */
export async function trackProblem(
  project: Project,
  { problem, pull }: { problem: Problem; pull: number },
): Promise<number | null> {
  const number = await once(project, {
    key: trackingKey(problem),
    find: async () => null,
    make: async () => String(await openTracking(project, problem, pull)),
    told: (opened) => ({
      event: 'tracking issue opened',
      actor: project.bot,
      subject: `#${opened}: ${problem.model}, with its milestone and a task per stage`,
      model: problem.model,
    }),
  });
  return number === null ? null : Number(number);
}

async function openTracking(project: Project, problem: Problem, pull: number): Promise<number> {
  const { forge } = project;
  const { model, issue } = problem;
  const due = lastDate(problem);
  const milestone = await forge.milestones.ensure({
    title: model,
    description: `From problem to production, as asked for in #${issue}`,
    due,
  });
  const known = await ourIssues(project, model);
  const open = async (marker: Marker, wanted: { title: string; body: string; labels: string[] }) => {
    const found = known.find(({ body }) => hasMarker(body, marker));
    const { title, labels } = wanted;
    return (
      found ??
      forge.issues.create({
        title,
        labels,
        body: withMarker(marker, wanted.body),
        milestone: milestone.number,
      })
    );
  };
  const tasks = stageTasks(problem);
  const opened: { task: StageTask; issue: Issue }[] = [];
  for (const task of tasks) {
    const body = render(loadTemplate('comments/stage-task.hbs'), task);
    const labels = [labelOf(model), `stage:${task.short}`];
    const made = await open(taskMarker(problem, task.short), {
      title: `${model}: ${task.stage}`,
      body,
      labels,
    });
    opened.push({ task, issue: made });
  }
  const body = (asList: boolean) =>
    render(loadTemplate('comments/tracking.hbs'), {
      ...{ model, issue, pull, due, asList },
      tasks: opened.map(({ task, issue: { number } }) => ({ ...task, number })),
    });
  const marker = { kind: 'tracking', key: `${model}/${issue}` };
  const title = `${model}: from problem to production`;
  const tracking = await open(marker, { title, body: body(false), labels: [labelOf(model)] });
  await forge.issues.addLabels(issue, [labelOf(model)]);
  await forge.issues.update(issue, { milestone: milestone.number });
  const linked = await link(
    project,
    tracking.number,
    opened.map((one) => one.issue.id),
  );
  if (!linked) await forge.issues.update(tracking.number, { body: withMarker(marker, body(true)) });
  return tracking.number;
}

/** Makes the tasks sub-issues; false where this GitHub has none: then a list in the body does. */
async function link({ forge }: Project, parent: number, children: number[]): Promise<boolean> {
  const known = await forge.subIssues.list(parent);
  if (known === null) return false;
  for (const child of children.filter((id) => !known.includes(id))) {
    if (!(await forge.subIssues.add(parent, child))) return false;
  }
  return true;
}

function labelOf(model: string): string {
  return `model:${model}`;
}

function taskMarker({ model, issue }: Asked, short: string): Marker {
  return { kind: 'stage-task', key: `${model}/${issue}/${short}` };
}

/** What the app opened for a model, the lowest number first. */
async function ourIssues({ forge, bot }: Project, model: string): Promise<Issue[]> {
  const found = await forge.issues.list({ state: 'all', labels: labelOf(model) });
  return found.filter(({ author }) => author.login === bot).toSorted((a, b) => a.number - b.number);
}

/** Closes the tasks of stages that lie behind a model, each once: who opens one again has a reason. */
export async function syncStages(project: Project, main: MainTree): Promise<void> {
  await allOf(main.models.map((model) => () => closeStages(project, model)));
}

async function closeStages(project: Project, { name, problem, operate }: ModelTree): Promise<void> {
  if (problem.issue === 0 || !(await isDone(project, trackingKey(problem)))) return;
  const facts = await stageFacts(project, name, operate.deployment.environments.at(-1) ?? '');
  for (const stage of stagesDone(facts)) {
    await once(project, {
      key: `stage:${name}:${problem.issue}:${shortStage(stage)}`,
      find: async () => null,
      make: async () => {
        const marker = taskMarker(problem, shortStage(stage));
        const task = (await ourIssues(project, name)).find(({ body }) => hasMarker(body, marker));
        if (task?.state === 'open') await project.forge.issues.update(task.number, { state: 'closed' });
        return task ? String(task.number) : 'no task';
      },
      told: (task) => ({
        event: 'stage reached',
        actor: project.bot,
        subject: `${stage} of ${name}, #${task}`,
        model: name,
      }),
    });
  }
}

/** The model is on the default branch, where nothing comes unapproved. */
async function stageFacts({ state, forge }: Project, model: string, last: string): Promise<StageFacts> {
  const { runs, registry } = await readHistory(state, forge.tags, model);
  const rollouts = await listRecords(state, recordPath.deployments(model, last), deploymentRecordSchema);
  const windows = await monitorRecords(state, { model });
  return {
    defined: true,
    dataReady: runs.some((run) => run.stage === 'evaluate' || run.train.length > 0),
    registered: registry.versions.length > 0,
    serving: rollouts.some(({ phase }) => phase === 'succeeded'),
    retraining: windows.some(({ decision }) => decision === 'open'),
  };
}
