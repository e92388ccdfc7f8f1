import type { ChecklistFacts } from '#lib/lifecycle/checklist/facts.ts';
import { gatesOf } from '#lib/lifecycle/gates.ts';
import { approvalRule } from '#lib/lifecycle/policy-rules.ts';
import type { ApprovalRecord, MonitorRecord } from '#lib/lifecycle/records.ts';
import type { DeploymentRecord } from '#lib/lifecycle/rollout.ts';
import { bikes } from '../formats/bikes.ts';
import { dataResult, digest, evaluateResult, holdout, trainResult } from '../formats/sample-evidence.ts';
import { monitorResult } from '../loop/statements.ts';

export const NOW = new Date('2026-03-01T10:00:00Z');
const AT = '2026-02-27T10:00:00Z';

function approval(login: string, roles: string[], comment: number): ApprovalRecord {
  return {
    kind: 'roundhouse-approval',
    digest: digest('e'),
    comment,
    issue: 1,
    login,
    roles,
    at: AT,
    url: `https://github.com/acme/bikes/issues/1#issuecomment-${comment}`,
  };
}

export function windowRecord(change: Partial<MonitorRecord> = {}): MonitorRecord {
  return {
    kind: 'roundhouse-monitor',
    model: 'bikes',
    environment: 'production',
    as_of: '2012-04-02T06:00:00Z',
    run: { id: 7, attempt: 1 },
    commit: 'a'.repeat(40),
    asked_by: null,
    monitor: digest('b'),
    retrain: digest('c'),
    decay: 'failed',
    drift: 'stable',
    decision: 'open',
    at: AT,
    ...change,
  };
}

const release = (version: string, character: string) => ({
  version,
  candidate: digest(character),
  bundle: digest('6'),
  model: digest('5'),
});

export function rollout(change: Partial<DeploymentRecord> = {}): DeploymentRecord {
  const { strategy } = bikes().operate.deployment;
  const [environment] = bikes().policy.environments;
  if (!environment) throw new Error('the sample policy has no environment');
  const entry = (phase: DeploymentRecord['phase'], run: number) => ({
    at: AT,
    phase,
    verdict: 'passed' as const,
    note: '',
    run,
  });
  return {
    kind: 'roundhouse-deployment',
    n: 2,
    model: 'bikes',
    environment: environment.name,
    commit: 'a'.repeat(40),
    release: release('1.1.0', 'd'),
    previous: release('1.0.0', '0'),
    strategy,
    target: environment.target,
    phase: 'succeeded',
    step: 0,
    step_started_at: null,
    github_deployment: 1,
    rollback: null,
    history: [entry('progressing', 21), entry('succeeded', 22)],
    ...change,
  };
}

/** A model with all the evidence that Roundhouse can write today: a second version, from a retraining. */
export function fullFacts(): ChecklistFacts {
  const files = bikes();
  const part = (from: string, until: string) => ({ ...holdout().part, from, until });
  const trained = part('2011-01-01T00:00:00Z', '2011-12-02T23:00:00Z');
  const inputs = Object.keys(files.data.inputs).map((name) => ({
    name,
    datatype: 'FP32' as const,
    shape: [-1, 1],
  }));
  const [gate] = evaluateResult().gates;
  if (!gate) throw new Error('the sample evaluation has no gate');
  const names = gatesOf(files.problem).map(({ name }) => name);
  const search = files.model.candidates.map(({ name }, index) => ({
    index,
    name,
    metric: 'mae' as const,
    value: 40 - index,
  }));
  const [comparison] = holdout().comparisons;
  if (!comparison) throw new Error('the sample holdout has no comparison');
  const belowZero = { estimate: -60.3, lower: -66.1, upper: -54.2 };
  const evaluate = evaluateResult({
    search,
    signature: { ...evaluateResult().signature, inputs },
    gates: [
      ...names.map((name) => ({ ...gate, name })),
      { ...gate, name: 'served as trained', kind: 'skew', actual: '0 of 600 rows differ' },
    ],
    recent: holdout({
      comparisons: files.problem.success.map(({ metric }) => ({
        ...comparison,
        metric,
        candidate_minus_trivial: belowZero,
      })),
    }),
  });
  const data = dataResult({
    sources: files.data.sources.map(({ name, kind }) => ({
      name,
      kind,
      content: digest('8'),
      object: digest('8'),
      rows: 17379,
    })),
    parts: { ...dataResult().parts, train: trained, validation: trained },
  });
  const version = { version: '1.1.0', candidate: digest('d') };
  const window = windowRecord();
  const sampleDrift = {
    column: 'temp',
    role: 'input' as const,
    verdict: 'stable' as const,
    psi: { estimate: 0.01, lower: 0, upper: 0.02 },
    psi_null: 0.05,
    ks: null,
    p: 0.5,
    missing: { reference: 0, current: 0 },
    seasonal: false,
  };
  return {
    model: 'bikes',
    problem: files.problem,
    problemDigest: digest('e'),
    data: files.data,
    config: files.model,
    operate: files.operate,
    approval: approvalRule(files.policy, 'problem'),
    approvals: Array.from({ length: files.policy.approvals.problem.required }, (_, at) =>
      approval(`person-${at}`, files.policy.approvals.problem.roles, 100 + at),
    ),
    hold: null,
    lock: {
      version: 1,
      candidate: digest('d'),
      data: data.output.content,
      code: digest('1'),
      config: digest('2'),
      gates: digest('3'),
      policy: digest('4'),
      evaluation: digest('f'),
      model: digest('5'),
      twin: digest('4'),
      refit: 'full',
      bundle: digest('6'),
      trainer: 'mlp',
      metrics: { mae: 38.4 },
      window: null,
    },
    documents: ['models/bikes/MODEL_CARD.md', 'models/bikes/changes/dddddddddddd.md'],
    newest: {
      registration: {
        kind: 'roundhouse-registration',
        model: 'bikes',
        ...version,
        bundle: digest('6'),
        commit: 'a'.repeat(40),
        at: AT,
      },
      isFirst: false,
      record: {
        kind: 'roundhouse-run',
        stage: 'evaluate',
        model: 'bikes',
        pull_request: 4,
        request_id: 'abcdef01',
        digests: {
          code: digest('1'),
          config: digest('2'),
          gates: digest('3'),
          policy: digest('4'),
          problem: digest('e'),
        },
        champion: digest('0'),
        plan: digest('7'),
        base: null,
        run: { id: 12, attempt: 1 },
        at: AT,
        accepted: { run: { id: 11, attempt: 1 }, data: digest('9'), train: search.map(() => digest('a')) },
        evaluate: digest('f'),
        candidate: digest('d'),
      },
      data,
      train: search.map(({ index, name }) =>
        trainResult({ candidate: { index, name, trainer: 'mlp', params: {} } }),
      ),
      evaluate,
    },
    rollouts: [rollout({ n: 1, phase: 'rolled-back', history: rolledBackHistory(AT) }), rollout()],
    windows: [
      {
        record: window,
        result: {
          ...monitorResult(window.as_of, 'failed'),
          drift: [sampleDrift],
          value: { unit: 'USD', served: { estimate: 40_000, lower: 38_000, upper: 42_000 } },
        },
      },
    ],
    retrainings: [{ window, pull: 4 }],
    judged: [{ pull: 4, candidate: digest('d'), evaluate: digest('f') }],
    versions: [{ version: '1.0.0', candidate: digest('0') }, version],
    schedule: 86_400_000,
  };
}

export function rolledBackHistory(at: string): DeploymentRecord['history'] {
  return [
    { at, phase: 'progressing', verdict: 'passed', note: '', run: 18 },
    { at, phase: 'rolled-back', verdict: 'failed', note: 'errors: 7 %', run: 19 },
  ];
}
