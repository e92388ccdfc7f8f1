import { zipSync } from 'fflate';
import { digestOf } from '#lib/formats/digest.ts';
import type { Statement } from '#lib/lifecycle/evidence.ts';
import { jobPlanSchema } from '#lib/lifecycle/plan.ts';
import { type DeployAction, deploymentRecordSchema } from '#lib/lifecycle/rollout.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import type { Store } from '#lib/store/store.ts';
import type { ClaimedRun, JobState } from '../../runners/local/protocol.ts';
import {
  dataResult,
  deployResult,
  evaluateResult,
  monitorResult,
  type Run,
  retrainResult,
  statementOf,
  trainResult,
} from './statements.ts';

function failedJob(message: string): JobState {
  const now = new Date().toISOString();
  return {
    key: 'job',
    name: 'job',
    labels: [],
    status: 'completed',
    conclusion: 'failure',
    started_at: now,
    completed_at: now,
    runner_name: 'fake',
    steps: [],
    annotations: [{ level: 'failure', message }],
    summary: '',
  };
}

/** What the jobs find next. */
export type Findings = {
  data: 'passed' | 'failed';
  gates: 'passed' | 'inconclusive' | 'failed';
  decay: 'passed' | 'inconclusive' | 'failed';
  retrain: boolean;
  /** failed: canary steps are rolled back. */
  canary: 'passed' | 'failed';
  /** Jobs that end red, by workflow file name. */
  faults: Set<string>;
  /** How often the runner of the next runs is lost, by workflow file name. */
  lost: Map<string, number>;
  /** Holds every run back while true. */
  paused: boolean;
  /** Keeps runs of these workflow files back while the others go on. */
  held: Set<string>;
  /** Changes evidence before it is uploaded, by artifact name. */
  forge: (name: string, statement: Statement) => unknown;
};

export type FakeJobs = {
  findings: Findings;
  runs: ClaimedRun[];
  /** Names of the artifacts handed over, oldest first. */
  uploaded: string[];
  stop(): Promise<void>;
};

/**
 * Stands in for the job runner: takes every dispatched run of the local GitHub and uploads hand-made evidence
 * under the names that the workflows use.
 */
export function startFakeJobs({
  url,
  control,
  store,
}: {
  url: string;
  control: string;
  store: Store;
}): FakeJobs {
  const findings: Findings = {
    data: 'passed',
    gates: 'passed',
    decay: 'passed',
    retrain: false,
    canary: 'passed',
    faults: new Set(),
    lost: new Map(),
    paused: false,
    held: new Set(),
    forge: (_name, statement) => statement,
  };
  const runs: ClaimedRun[] = [];
  const uploaded: string[] = [];
  let stopped = false;

  async function call(
    method: string,
    path: string,
    body: string | ArrayBuffer,
    type: string,
  ): Promise<Response> {
    const headers = { 'x-roundhouse-local': control, 'content-type': type };
    return fetch(`${url}/_local${path}`, { method, headers, body });
  }

  async function upload(run: Run, name: string, statement: Statement): Promise<void> {
    const text = JSON.stringify(findings.forge(name, statement), null, 2);
    const zip = zipSync({ 'statement.json': Buffer.from(text) });
    const answer = await call(
      'PUT',
      `/runs/${run.id}/artifacts/${name}`,
      zip.slice().buffer,
      'application/zip',
    );
    if (answer.status !== 201) throw new Error(`artifact ${name}: ${answer.status}`);
    uploaded.push(name);
  }

  async function work(claimed: ClaimedRun): Promise<void> {
    const run = {
      id: claimed.id,
      attempt: claimed.attempt,
      repository: `${claimed.repository.owner}/${claimed.repository.name}`,
    };
    const file = fileOf(claimed);
    const fails = findings.faults.has(file) || (findings.lost.get(file) ?? 0) > 0;
    if (!fails) await evidence(file, claimed, run);
    const lost = findings.lost.get(file) ?? 0;
    findings.lost.set(file, Math.max(0, lost - 1));
    const jobs = fails ? [failedJob(lost > 0 ? 'The runner was lost.' : 'exit code 1')] : [];
    const update = { status: 'completed', conclusion: fails ? 'failure' : 'success', jobs };
    await call('PATCH', `/runs/${run.id}`, JSON.stringify(update), 'application/json');
  }

  async function evidence(file: string, claimed: ClaimedRun, run: Run): Promise<void> {
    const at = run.attempt;
    if (file === 'roundhouse-deploy.yml') return deploy(claimed, run);
    if (file === 'roundhouse-monitor.yml') return monitor(claimed, run);
    const plan: Digest = `sha256:${claimed.inputs.plan}`;
    const job = jobPlanSchema.parse(JSON.parse(Buffer.from(await store.get(plan)).toString()));
    const about = { model: job.model, plan, run };
    if (file === 'roundhouse-evaluate.yml') {
      const result = await evaluateResult(job, store, findings.gates);
      return upload(run, `evidence-evaluate-${at}`, statementOf('evaluate', { ...about, result }));
    }
    const result = dataResult(job, findings.data);
    await upload(run, `evidence-data-${at}`, statementOf('data', { ...about, result }));
    if (result.contract.verdict === 'failed') return;
    for (const { index } of job.candidates) {
      const trained = statementOf('train', { ...about, result: trainResult(job, index) });
      await upload(run, `evidence-train-${index}-${at}`, trained);
    }
  }

  async function deploy({ inputs }: ClaimedRun, run: Run): Promise<void> {
    const plan: Digest = `sha256:${inputs.record}`;
    const record = deploymentRecordSchema.parse(JSON.parse(Buffer.from(await store.get(plan)).toString()));
    const result = deployResult(record, inputs.action as DeployAction, findings.canary);
    const statement = statementOf('deploy', { model: record.model, plan, run, result });
    await upload(run, `evidence-deploy-${run.attempt}`, statement);
  }

  async function monitor(claimed: ClaimedRun, run: Run): Promise<void> {
    const as_of = claimed.inputs.as_of || claimed.now;
    const about = { model: 'bikes', plan: null, run };
    const seen = statementOf('monitor', { ...about, result: monitorResult(as_of, findings.decay) });
    const digest = digestOf(JSON.stringify(seen, null, 2));
    await upload(run, `evidence-monitor-0-${run.attempt}`, seen);
    const asked_by = claimed.inputs.asked_by || null;
    const result = retrainResult(as_of, digest, { triggered: findings.retrain, asked_by });
    await upload(run, `evidence-retrain-0-${run.attempt}`, statementOf('retrain', { ...about, result }));
  }

  /** As a runner does that hears of it while its job is under way. */
  async function endCancelled(claimed: ClaimedRun): Promise<boolean> {
    const headers = { 'x-roundhouse-local': control };
    const answer = await fetch(`${url}/_local/runs/${claimed.id}/state`, { headers });
    if (!((await answer.json()) as { cancelled: boolean }).cancelled) return false;
    const update = { status: 'completed', conclusion: 'cancelled', jobs: [] };
    await call('PATCH', `/runs/${claimed.id}`, JSON.stringify(update), 'application/json');
    return true;
  }

  const fileOf = ({ workflow }: ClaimedRun) => workflow.path.split('/').at(-1) ?? '';

  async function loop(): Promise<void> {
    const waiting: ClaimedRun[] = [];
    while (!stopped) {
      const free = waiting.findIndex((claimed) => !findings.held.has(fileOf(claimed)));
      for (const claimed of free < 0 ? [] : waiting.splice(free, 1)) await work(claimed);
      for (const claimed of [...waiting]) {
        if (await endCancelled(claimed)) waiting.splice(waiting.indexOf(claimed), 1);
      }
      if (findings.paused) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        continue;
      }
      const ask = JSON.stringify({ runner: 'fake', labels: [], wait_ms: 100 });
      const answer = await call('POST', '/runner/claim', ask, 'application/json');
      if (answer.status !== 200) continue;
      const claimed = (await answer.json()) as ClaimedRun;
      runs.push(claimed);
      if (findings.held.has(fileOf(claimed))) waiting.push(claimed);
      else await work(claimed);
    }
  }

  const running = loop();
  return {
    findings,
    runs,
    uploaded,
    async stop() {
      stopped = true;
      await running;
    },
  };
}
