import { printAnchor } from '#lib/formats/audit-log.ts';
import { hexOf } from '#lib/formats/digest.ts';
import type { Environment } from '#lib/lifecycle/policy.ts';
import type { RequestRecord } from '#lib/lifecycle/records.ts';
import {
  advance,
  type DeployAction,
  type DeploymentRecord,
  deploymentRecordSchema,
  nextAction,
} from '#lib/lifecycle/rollout.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { evaluationOf, readEvidence, readHistory } from '#lib/records/model-history.ts';
import { recordPath, recordText } from '#lib/records/records.ts';
import { allOf } from '../all-of.ts';
import { decideDeployment, isOver, pausedByFaults, resumed } from '../deploy-decision.ts';
import { EvidenceRefused, refusalOfRun, takeStatement } from '../evidence.ts';
import { inForce, readFreezes } from '../freezes.ts';
import type { MainTree } from '../main-tree.ts';
import type { ModelTree } from '../model-tree.ts';
import { once } from '../once.ts';
import type { Project } from '../project.ts';
import { lastPromotion } from '../promotions.ts';
import { readRequest, requestRun, settleRequest } from '../request.ts';
import { readDeployments, reportState } from '../rollouts.ts';
import { announceOutcome } from './deploy-outcome.ts';

export const DEPLOY_WORKFLOW = 'roundhouse-deploy.yml';

/** A job that faults (the target is unreachable) is tried this often before the rollout is given up. */
const TRIES = 3;

type Where = { project: Project; main: MainTree; model: ModelTree; environment: Environment };

/** What a person asks to try again; null = all of them. */
type Again = { model: string | null; environment: string | null };

/** Brings every environment of every model one step nearer to what the default branch's locks say. */
export async function syncDeployments(
  project: Project,
  main: MainTree,
  again: Again | null = null,
): Promise<void> {
  await allOf(main.models.map((model) => () => convergeModel({ project, main, model }, again)));
}

/** In the order of the chain. An environment with `promotes_from` waits for a person's `/promote`. */
async function convergeModel(
  { project, main, model }: Omit<Where, 'environment'>,
  again: Again | null,
): Promise<void> {
  const isAsked = again !== null && (again.model ?? model.name) === model.name;
  for (const name of model.operate.deployment.environments) {
    const environment = main.policy.environments.find((entry) => entry.name === name);
    if (!environment) continue;
    const asked = isAsked && (again.environment ?? name) === name;
    await converge({ project, main, model, environment }, asked);
  }
}

async function converge(where: Where, again: boolean): Promise<void> {
  const { project, model, environment } = where;
  const history = await readHistory(project.state, project.forge.tags, model.name);
  const records = await readDeployments(project, model.name, environment.name);
  const registered = history.registry.versions.filter(({ state }) => state === 'registered');
  const wantedHere =
    environment.promotes_from === null
      ? model.locks?.model
      : await lastPromotion(project, model.name, environment.name);
  const desired = registered.find(({ candidate }) => candidate === wantedHere?.candidate) ?? null;
  const plan = decideDeployment({
    desired,
    records,
    frozen: inForce(await readFreezes(project, model.name)),
    again,
  });
  if (plan.kind === 'continue') return drive(where, plan.record);
  if (plan.kind === 'end') return drive(where, plan.record, 'rollback');
  if (plan.kind === 'resume') {
    const record = resumed(plan.record, project.now().toISOString());
    if (await saveRecord(project, plan.record, record, 'rollout resumed')) await drive(where, record);
    return;
  }
  const last = records.at(-1);
  if (plan.kind === 'none') {
    if (last) await announceOutcome({ ...where, record: last, history });
    return;
  }
  const { rollback } = plan;
  const wanted = rollback ? registered.find(({ version }) => version === rollback.to.version) : desired;
  const evaluation = wanted && evaluationOf(history, wanted.candidate);
  if (!wanted || !evaluation) return;
  const { served } = (await readEvidence(project.state, 'evaluate', evaluation.evaluate)).predicate.result;
  const { version, candidate, bundle, commit } = wanted;
  const record: DeploymentRecord = {
    kind: 'roundhouse-deployment',
    n: plan.n,
    model: model.name,
    environment: environment.name,
    commit,
    release: { version, candidate, bundle, model: served },
    previous: plan.previous,
    strategy: model.operate.deployment.strategy,
    target: environment.target,
    phase: 'pending',
    step: 0,
    step_started_at: null,
    github_deployment: null,
    rollback: rollback && { login: rollback.login, comment: rollback.comment },
    history: [],
  };
  if (await beginRollout(project, record)) await drive(where, record);
}

/** The number is the claim: of two that begin a rollout at once, one wins. */
async function beginRollout(project: Project, record: DeploymentRecord): Promise<boolean> {
  const path = recordPath.deployment(record.model, record.environment, record.n);
  const outcome = await project.state.write({
    changes: [{ path, text: recordText(record) }],
    fresh: [path],
    audit: {
      event: 'rollout begun',
      actor: project.bot,
      subject: `${record.model} v${record.release.version} in ${record.environment}`,
      model: record.model,
      digest: record.release.candidate,
    },
  });
  return outcome.kind === 'written';
}

/** One step of a rollout: takes the evidence of the last job, or dispatches the next one. */
async function drive(where: Where, found: DeploymentRecord, asked?: DeployAction): Promise<void> {
  const { project, main } = where;
  const record = await withGitHubDeployment(project, found);
  if (record === null) return;
  const { key, request, tries } = await lastTry(project, record);
  if (request && request.settled === null) return take(where, record, request);
  if (request && tries >= TRIES) return giveUp(project, record, request);
  const action = asked ?? nextAction(record, project.now().toISOString());
  if (action === 'wait' || action === 'none') return;
  await dispatch({ project, main, record, action, key });
}

async function dispatch({
  project,
  main,
  record,
  action,
  key,
}: {
  project: Project;
  main: MainTree;
  record: DeploymentRecord;
  action: DeployAction;
  key: string;
}): Promise<void> {
  const { model, environment } = record;
  const object = await project.store(main.policy.store).put(JSON.stringify(record));
  await requestRun(project, {
    key,
    model,
    pull_request: null,
    workflow: DEPLOY_WORKFLOW,
    ref: project.defaultBranch,
    inputs: { model, environment, action, record: hexOf(object) },
  });
}

/** A step may be tried several times: each try is a request of its own, named by the history's length. */
async function lastTry(project: Project, record: DeploymentRecord) {
  const { model, environment, n, history } = record;
  const keyOf = (tried: number) => `deploy:${model}:${environment}:${n}:${history.length}:${tried}`;
  let tries = 0;
  let request: RequestRecord | null = null;
  for (;;) {
    const next = await readRequest(project, keyOf(tries + 1));
    if (!next) return { key: keyOf(tries + 1), request, tries };
    request = next;
    tries += 1;
  }
}

async function take(where: Where, record: DeploymentRecord, asked: RequestRecord): Promise<void> {
  const { project } = where;
  const request = asked.run === null ? await requestRun(project, { ...asked }) : asked;
  const run = request.run === null ? null : await project.forge.runs.get(request.run);
  if (run?.status !== 'completed') return;
  const repository = `${project.owner}/${project.repo}`;
  const settle = (note: string) =>
    settleRequest(project, request, {
      settled: { attempt: run.attempt, outcome: 'fault', note },
      changes: [],
    });
  const refusal = refusalOfRun(run, request, { repository, bot: project.bot, branch: project.defaultBranch });
  if (refusal !== null) return void (await settle(refusal));
  if (run.conclusion !== 'success') return void (await settle(`the run ended with ${run.conclusion}`));
  const plan: Digest = `sha256:${request.inputs.record ?? ''}`;
  try {
    const expected = { repository, model: record.model, plan };
    const taken = await takeStatement(project.forge.artifacts, run, { stage: 'deploy', expected });
    const next = advance(record, taken.statement.predicate.result, project.now().toISOString(), run.id);
    await settleRequest(project, request, {
      settled: { attempt: run.attempt, outcome: 'evidence', note: '' },
      changes: [
        { path: recordPath.evidence(taken.digest), text: taken.text },
        { path: recordPath.deployment(record.model, record.environment, record.n), text: recordText(next) },
      ],
      told: {
        event: `rollout ${next.phase}`,
        subject: `${record.model} v${record.release.version} in ${record.environment}`,
        digest: [record.release.candidate, taken.digest],
      },
    });
    await follow(where, next);
  } catch (error) {
    if (!(error instanceof EvidenceRefused)) throw error;
    await settle(error.message);
  }
}

async function follow(where: Where, record: DeploymentRecord): Promise<void> {
  const { project, model } = where;
  if (!isOver(record) && record.phase !== 'paused') return drive(where, record);
  const history = await readHistory(project.state, project.forge.tags, model.name);
  await announceOutcome({ ...where, record, history });
}

async function giveUp(project: Project, record: DeploymentRecord, request: RequestRecord): Promise<void> {
  const fault = { note: `${TRIES} jobs failed; ${request.settled?.note ?? ''}`, run: request.run };
  await saveRecord(project, record, pausedByFaults(record, project.now().toISOString(), fault), 'given up');
}

/** False where the record is no longer what was read: another process went on with the rollout. */
async function saveRecord(
  project: Project,
  from: DeploymentRecord,
  record: DeploymentRecord,
  event: string,
): Promise<boolean> {
  const path = recordPath.deployment(record.model, record.environment, record.n);
  const text = await project.state.read(path);
  const now = text === null ? null : deploymentRecordSchema.parse(JSON.parse(text));
  if (text === null || recordText(now) !== recordText(from)) return false;
  const outcome = await project.state.write({
    changes: [{ path, text: recordText(record) }],
    expected: [{ path, text }],
    audit: {
      event,
      actor: project.bot,
      subject: `rollout ${record.n} of ${record.model} in ${record.environment}`,
      model: record.model,
    },
  });
  return outcome.kind === 'written';
}

/** GitHub's own deployment of this rollout. Null where another process is at it. */
async function withGitHubDeployment(
  project: Project,
  record: DeploymentRecord,
): Promise<DeploymentRecord | null> {
  if (record.github_deployment !== null) return record;
  const { deployments } = project.forge;
  const environment = `${record.model}/${record.environment}`;
  const made = await once(project, {
    key: `deployment:${environment}/${record.n}`,
    find: async () => {
      const known = (await deployments.list(environment)).find(({ n }) => n === record.n);
      return known ? String(known.id) : null;
    },
    make: async () => {
      const head = await project.state.auditHead();
      const id = await deployments.create({
        environment,
        ref: record.commit,
        description: `${record.model} v${record.release.version}`,
        payload: {
          n: record.n,
          candidate: record.release.candidate,
          ...(head && { audit: printAnchor(head) }),
        },
        production: record.environment === 'production',
      });
      return String(id);
    },
    told: (id) => ({
      event: 'deployment created',
      actor: project.bot,
      subject: `deployment ${id}: ${record.model} v${record.release.version} in ${record.environment}`,
      model: record.model,
      digest: record.release.candidate,
    }),
  });
  if (made === null) return null;
  const next = { ...record, github_deployment: Number(made) };
  await reportState(project, Number(made), 'in_progress', 'rolling out');
  return (await saveRecord(project, record, next, 'deployment made')) ? next : null;
}
