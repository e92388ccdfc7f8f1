import type { WorkflowRun } from '#lib/github/runs.ts';
import { type MonitorRecord, monitorRecordSchema, type RequestRecord } from '#lib/lifecycle/records.ts';
import { monitorRecords, readRecord, recordPath, recordText } from '#lib/records/records.ts';
import { allOf } from '../all-of.ts';
import { type Handler, type Outcome, refused } from '../command.ts';
import {
  EvidenceRefused,
  refusalOfRun,
  refusalOfScheduledRun,
  type Taken,
  takeStatement,
} from '../evidence.ts';
import { type MainTree, readMain } from '../main-tree.ts';
import { isDone, once } from '../once.ts';
import type { Project } from '../project.ts';
import { requestOfRun, requestRun } from '../request.ts';
import { syncHealth } from './health.ts';
import { syncRetraining } from './retrain.ts';

export const MONITOR_WORKFLOW = 'roundhouse-monitor.yml';
const ARTIFACT = /^evidence-monitor-(\d+)-(\d+)$/;

/** Takes what monitor jobs found, keeps the health issues, opens what retraining asks for. */
export async function syncMonitor(project: Project, main: MainTree): Promise<void> {
  for (const run of await project.forge.runs.list({ workflow: MONITOR_WORKFLOW })) {
    if (run.status !== 'completed') continue;
    const key = `monitor-run:${run.id}-${run.attempt}`;
    if (await isDone(project, key)) continue;
    const request = run.event === 'schedule' ? null : await requestOfRun(project, run);
    // Whoever dispatched it is about to say that it is this one.
    if (request !== null && request.run === null) continue;
    await once(project, {
      ...{ key, find: async () => null },
      make: () => takeRun({ project, main, run, request }),
    });
  }
  await allOf(
    main.models.map(
      ({ name }) =>
        () =>
          followLatest(project, main, name),
    ),
  );
}

async function followLatest(project: Project, main: MainTree, model: string): Promise<void> {
  const records = await monitorRecords(project.state, { model });
  const latest = records.at(-1);
  if (!latest) return;
  await syncHealth(project, latest);
  // What somebody asked for that day holds beside what the schedule found.
  const day = latest.as_of.slice(0, 10);
  const asked = records.filter(({ as_of, asked_by }) => asked_by !== null && as_of.startsWith(day));
  for (const record of new Set([latest, ...asked])) await syncRetraining(project, main, record);
}

/** `/retrain`: looks now, and opens a pull request whatever the triggers say. */
export const retrain: Handler<'retrain'> = async ({ project, comment }, { model }) => {
  const main = await readMain(project);
  const served = (main?.models ?? []).filter(({ locks }) => locks !== null);
  const named = served.filter((one) => (model ?? one.name) === one.name);
  const here = served.filter(({ problem }) => model === null && problem.issue === comment.issue);
  const [chosen, ...others] = here.length > 0 ? here : named;
  if (chosen === undefined || others.length > 0) {
    const names = served.map(({ name }) => `\`/retrain ${name}\``).join(', ');
    return refused(names === '' ? 'no model has a version yet' : `which model? ${names}`);
  }
  const asked_by = comment.author.login;
  return lookNow(project, { model: chosen.name, asked_by, cause: `comment-${comment.id}` });
};

/** Has the monitor look at a model once for this cause, whatever the triggers say. */
export async function lookNow(
  project: Project,
  { model, asked_by, cause }: { model: string; asked_by: string; cause: string },
): Promise<Outcome> {
  const key = `monitor:${model}:${cause}`;
  const running = await lookUnderWay(project, { model, asked_by, key });
  if (running !== null) return { ok: true, text: `${model}: run ${running} looks already, as you asked` };
  await requestRun(project, {
    key,
    asked_by,
    model,
    pull_request: null,
    workflow: MONITOR_WORKFLOW,
    ref: project.defaultBranch,
    inputs: { model, asked_by },
  });
  return {
    ok: true,
    text: `${model}: the monitor looks now; a retraining pull request follows, unless one is open already`,
  };
}

/** A run for another command of the same person that has not ended: it finds what a second one would. */
async function lookUnderWay(
  project: Project,
  { model, asked_by, key }: { model: string; asked_by: string; key: string },
): Promise<number | null> {
  for (const run of await project.forge.runs.list({
    workflow: MONITOR_WORKFLOW,
    event: 'workflow_dispatch',
  })) {
    if (run.status === 'completed') continue;
    const request = await requestOfRun(project, run);
    if (request?.model === model && request.asked_by === asked_by && request.key !== key) return run.id;
  }
  return null;
}

type FoundRun = {
  project: Project;
  main: MainTree;
  run: WorkflowRun;
  /** Null for one of the schedule, and for one that somebody else has dispatched. */
  request: RequestRecord | null;
};

async function takeRun({ project, main, run, request }: FoundRun): Promise<string> {
  const refusal = refusalOf(project, run, request);
  if (refusal !== null) return refusal;
  if (run.conclusion !== 'success') return `the run ended with ${run.conclusion}`;
  const outcomes: string[] = [];
  for (const { name } of await project.forge.artifacts.list(run.id)) {
    const [, index, attempt] = ARTIFACT.exec(name) ?? [];
    if (index === undefined || Number(attempt) !== run.attempt) continue;
    const asked_by = request?.asked_by ?? null;
    outcomes.push(await takeModel({ project, main, run, index: Number(index), asked_by }));
  }
  return outcomes.join('; ') || 'no evidence';
}

/** The schedule on the default branch counts, and what the app dispatched itself. */
function refusalOf(project: Project, run: WorkflowRun, request: RequestRecord | null): string | null {
  const repository = `${project.owner}/${project.repo}`;
  if (run.event === 'schedule') {
    return refusalOfScheduledRun(run, {
      repository,
      branch: project.defaultBranch,
      workflow: MONITOR_WORKFLOW,
    });
  }
  if (request?.workflow !== MONITOR_WORKFLOW)
    return `run ${run.id} was dispatched by ${run.actor}, not by the app`;
  return refusalOfRun(run, request, { repository, bot: project.bot, branch: project.defaultBranch });
}

type ModelRun = {
  project: Project;
  main: MainTree;
  run: WorkflowRun;
  /** Of the model in the job's matrix. */
  index: number;
  asked_by: string | null;
};

async function takeModel({ project, main, run, index, asked_by }: ModelRun): Promise<string> {
  const { artifacts } = project.forge;
  const repository = `${project.owner}/${project.repo}`;
  try {
    const model = main.models.map(({ name }) => name);
    const monitor = await takeOfOneOf(model, (name) =>
      takeStatement(artifacts, run, {
        stage: 'monitor',
        index,
        expected: { repository, model: name, plan: null },
      }),
    );
    const expected = { repository, model: monitor.statement.predicate.model, plan: null };
    const retrain = await takeStatement(artifacts, run, { stage: 'retrain', index, expected });
    if (retrain.statement.predicate.result.monitor !== monitor.digest) {
      return 'the retraining decision was made on other evidence';
    }
    if (retrain.statement.predicate.result.asked_by !== asked_by) {
      return 'the retraining decision names somebody who did not ask';
    }
    return await record({ project, run, asked_by, monitor, retrain });
  } catch (error) {
    if (error instanceof EvidenceRefused) return error.message;
    throw error;
  }
}

async function takeOfOneOf<Value>(names: string[], take: (name: string) => Promise<Value>): Promise<Value> {
  let refused: unknown = new EvidenceRefused('the default branch has no models');
  for (const name of names) {
    try {
      return await take(name);
    } catch (error) {
      if (!(error instanceof EvidenceRefused)) throw error;
      refused = error;
    }
  }
  throw refused;
}

/** One window, once: a second look at the same day changes nothing. */
async function record({
  project,
  run,
  asked_by,
  monitor,
  retrain,
}: Pick<ModelRun, 'project' | 'run' | 'asked_by'> & {
  monitor: Taken<'monitor'>;
  retrain: Taken<'retrain'>;
}): Promise<string> {
  const { model, result } = monitor.statement.predicate;
  const path =
    asked_by === null
      ? recordPath.monitor(model, result.as_of)
      : recordPath.monitorAsked(model, result.as_of, run.id);
  const value: MonitorRecord = {
    kind: 'roundhouse-monitor',
    model,
    environment: result.environment,
    as_of: result.as_of,
    run: { id: run.id, attempt: run.attempt },
    commit: run.head_sha,
    asked_by,
    monitor: monitor.digest,
    retrain: retrain.digest,
    decay: result.decay,
    drift: result.drift_verdict,
    decision: retrain.statement.predicate.result.decision,
    at: project.now().toISOString(),
  };
  const outcome = await project.state.write({
    changes: [
      { path, text: recordText(value) },
      { path: recordPath.evidence(monitor.digest), text: monitor.text },
      { path: recordPath.evidence(retrain.digest), text: retrain.text },
    ],
    fresh: [path],
    audit: {
      event: 'monitored',
      actor: project.bot,
      subject: `${model} as of ${result.as_of}`,
      model,
      digest: [monitor.digest, retrain.digest],
      verdict: result.decay,
    },
  });
  if (outcome.kind === 'written') return `${model}: recorded`;
  // By this very run, right before a crash?
  const there = await readRecord(project.state, path, monitorRecordSchema);
  const isThisRun = there?.run.id === run.id && there.run.attempt === run.attempt;
  return isThisRun ? `${model}: recorded` : `${model}: this window is on record already`;
}
