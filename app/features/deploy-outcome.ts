import { hexOf } from '#lib/formats/digest.ts';
import { render } from '#lib/formats/markdown.ts';
import { printTagName, renderTagMessage } from '#lib/formats/registry-tags.ts';
import { hasMarker, withMarker } from '#lib/formats/sticky.ts';
import type { DeploymentRecord } from '#lib/lifecycle/rollout.ts';
import { type ModelHistory, readHistory } from '#lib/records/model-history.ts';
import { loadTemplate } from '../../templates/load.ts';
import { isOver } from '../deploy-decision.ts';
import type { MainTree } from '../main-tree.ts';
import type { ModelTree } from '../model-tree.ts';
import { once } from '../once.ts';
import type { Project } from '../project.ts';
import { readDeployments, reportState } from '../rollouts.ts';
import { proposeRevert } from './revert.ts';

/** The alias of the version in force: what the last environment of the chain serves. */
export const CHAMPION = 'champion';

type Outcome = {
  project: Project;
  main: MainTree;
  model: ModelTree;
  record: DeploymentRecord;
  history: ModelHistory;
};

/** Tells what came of a rollout, wherever it is looked for: tags, GitHub's deployment, an incident. */
export async function announceOutcome(outcome: Outcome): Promise<void> {
  const { project, main, model, record, history } = outcome;
  if (record.phase === 'paused') return openIncident(project, record);
  if (!isOver(record)) return;
  if (record.phase !== 'succeeded') {
    if (record.github_deployment !== null) {
      await reportState(
        project,
        record.github_deployment,
        'failure',
        record.history.at(-1)?.note ?? record.phase,
      );
    }
    await openIncident(project, record);
    await proposeRevert({ project, main, history, record });
    return;
  }
  await assign({ project, history, record, environment: record.environment });
  if (model.operate.deployment.environments.at(-1) === record.environment) {
    const later = await readHistory(project.state, project.forge.tags, record.model);
    await assign({ project, history: later, record, environment: CHAMPION });
  }
  if (record.github_deployment !== null) {
    await reportState(project, record.github_deployment, 'success', `v${record.release.version} is served`);
  }
  await retirePrevious(project, record);
}

/** An annotated tag on the commit of branch `roundhouse` that records the event. */
async function assign({
  project,
  history,
  record,
  environment,
}: {
  project: Project;
  history: ModelHistory;
  record: DeploymentRecord;
  environment: string;
}): Promise<void> {
  const { registry } = history;
  const { version, candidate, bundle } = record.release;
  const assigned = registry.assignments.find((entry) => entry.environment === environment);
  const target = await project.state.commit();
  if (assigned?.version === version || target === null) return;
  const event = { kind: 'assign', model: record.model, environment, n: registry.next } as const;
  const message = renderTagMessage(event, {
    kind: 'roundhouse-tag',
    model: record.model,
    version,
    environment,
    candidate,
    bundle,
    commit: record.commit,
  });
  await project.forge.tags.create({ name: printTagName(event), message, target });
}

/** GitHub would make deployments of other models inactive too: we name the one that was replaced. */
async function retirePrevious(project: Project, record: DeploymentRecord): Promise<void> {
  const earlier = (await readDeployments(project, record.model, record.environment)).filter(
    ({ n, phase }) => n < record.n && phase === 'succeeded',
  );
  const previous = earlier.at(-1)?.github_deployment;
  if (previous === null || previous === undefined) return;
  await reportState(project, previous, 'inactive', `replaced by v${record.release.version}`);
}

async function openIncident(project: Project, record: DeploymentRecord): Promise<void> {
  const { model, environment, n } = record;
  const marker = { kind: 'incident', key: `${model}/${environment}/${n}` };
  await once(project, {
    key: `incident:${marker.key}`,
    find: async () => {
      const open = await project.forge.issues.list({ state: 'all' });
      const mine = open.find(({ author, body }) => author.login === project.bot && hasMarker(body, marker));
      return mine ? String(mine.number) : null;
    },
    make: async () => {
      const body = render(loadTemplate('comments/incident.hbs'), {
        model,
        environment,
        n,
        version: record.release.version,
        candidate: hexOf(record.release.candidate).slice(0, 16),
        previous: record.previous?.version ?? null,
        phase: record.phase,
        paused: record.phase === 'paused',
        history: record.history,
      });
      const title = `${model} v${record.release.version} in ${environment} was ${record.phase}`;
      return String((await project.forge.issues.create({ title, body: withMarker(marker, body) })).number);
    },
  });
}
