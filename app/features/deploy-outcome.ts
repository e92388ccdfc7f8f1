import { hexOf } from '#lib/formats/digest.ts';
import { render } from '#lib/formats/markdown.ts';
import { printTagName, renderTagMessage } from '#lib/formats/registry-tags.ts';
import type { FreezeRecord } from '#lib/lifecycle/records.ts';
import type { DeploymentRecord } from '#lib/lifecycle/rollout.ts';
import { type ModelHistory, readHistory } from '#lib/records/model-history.ts';
import { loadTemplate } from '../../templates/load.ts';
import { isOver } from '../deploy-decision.ts';
import { readFreezes } from '../freezes.ts';
import { issueOnce } from '../issue-once.ts';
import type { MainTree } from '../main-tree.ts';
import type { ModelTree } from '../model-tree.ts';
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
  const freeze = await freezeBehind(project, record);
  if (record.phase !== 'succeeded') {
    if (record.github_deployment !== null) {
      await reportState(
        project,
        record.github_deployment,
        'failure',
        record.history.at(-1)?.note ?? record.phase,
      );
    }
    await (freeze ? tellRollback(project, freeze) : openIncident(project, record));
    const failed = { ...record, failed: record.release, serving: record.previous };
    if (!record.rollback) await proposeRevert({ project, main, history, record: failed, freeze });
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
  if (!freeze || !record.previous) return;
  await tellRollback(project, freeze);
  const replaced = { ...record, failed: record.previous, serving: record.release };
  if (freeze.environment === record.environment)
    await proposeRevert({ project, main, history, record: replaced, freeze });
}

/** The `/rollback` that a rollout carries out, or that ended it. */
async function freezeBehind(project: Project, record: DeploymentRecord): Promise<FreezeRecord | null> {
  const { model, environment, n, rollback, phase } = record;
  const isCarriedOut = rollback !== null && phase === 'succeeded';
  const freezes = await readFreezes(project, model);
  return (
    freezes.find((freeze) =>
      isCarriedOut
        ? freeze.comment === rollback.comment
        : freeze.environment === environment && freeze.ends === n,
    ) ?? null
  );
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
  const said = {
    kind: 'roundhouse-tag',
    model: record.model,
    version,
    environment,
    candidate,
    bundle,
    commit: record.commit,
  } as const;
  const message = renderTagMessage(event, said, await project.state.auditHead());
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

function openIncident(project: Project, record: DeploymentRecord): Promise<void> {
  const { model, environment, n } = record;
  return incident(project, { model, key: `${model}/${environment}/${n}` }, () => ({
    title: `${model} v${record.release.version} in ${environment} was ${record.phase}`,
    body: render(loadTemplate('comments/incident.hbs'), {
      model,
      environment,
      n,
      version: record.release.version,
      candidate: hexOf(record.release.candidate).slice(0, 16),
      previous: record.previous?.version ?? null,
      phase: record.phase,
      paused: record.phase === 'paused',
      history: record.history,
    }),
  }));
}

/** One issue for a `/rollback`, however many environments went back. */
function tellRollback(project: Project, freeze: FreezeRecord): Promise<void> {
  const { model, version, environment, comment } = freeze;
  // No environment has a colon in its name.
  return incident(project, { model, key: `${model}/:rollback/${comment}` }, () => ({
    title: `${model} v${version} in ${environment} was rolled back by ${freeze.login}`,
    body: render(loadTemplate('comments/rollback.hbs'), {
      ...freeze,
      to: freeze.to.version,
      digest: hexOf(freeze.candidate).slice(0, 16),
    }),
  }));
}

function incident(
  project: Project,
  { model, key }: { model: string; key: string },
  text: () => { title: string; body: string },
): Promise<void> {
  return issueOnce(project, { model, key: `incident:${key}`, marker: { kind: 'incident', key }, text });
}
