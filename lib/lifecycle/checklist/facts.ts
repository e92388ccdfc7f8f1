import type { Data } from '../data.ts';
import type { DataResult } from '../data-evidence.ts';
import type { EvaluateResult, MonitorResult, TrainResult } from '../evidence.ts';
import type { ModelLock } from '../locks.ts';
import type { Model } from '../model.ts';
import type { Operate } from '../operate.ts';
import type { ApprovalRule } from '../policy-rules.ts';
import type { Problem } from '../problem.ts';
import type {
  ApprovalRecord,
  EvaluateRecord,
  HoldRecord,
  MonitorRecord,
  RegistrationRecord,
} from '../records.ts';
import type { DeploymentRecord } from '../rollout.ts';
import type { Digest } from '../scalars.ts';

/** Where evidence lies: a record on branch `roundhouse`, a file of the default branch, or a page of the repository. */
export type Place =
  | { kind: 'evidence'; digest: Digest }
  | { kind: 'registration'; version: string }
  | { kind: 'deployment'; environment: string; n: number }
  | { kind: 'window'; record: MonitorRecord }
  | { kind: 'record'; path: string }
  | { kind: 'file'; path: string }
  | { kind: 'pull-request'; number: number }
  | { kind: 'url'; url: string };

export type Evidence = { text: string; at: Place; digest: Digest | null };

/** The newest registered version, with what it was judged on. */
export type NewestVersion = {
  registration: RegistrationRecord;
  /** It came after another version, so there was something to compare it with. */
  isFirst: boolean;
  record: EvaluateRecord;
  data: DataResult;
  train: TrainResult[];
  evaluate: EvaluateResult;
};

/** Everything that the rules read. Files are those of the default branch. */
export type ChecklistFacts = {
  model: string;
  problem: Problem;
  /** Digest of problem.yml; what people approved is named by it. */
  problemDigest: Digest;
  data: Data;
  config: Model;
  operate: Operate;
  /** The rule of the policy for a problem. */
  approval: ApprovalRule;
  /** Approvals of that digest that are on record. */
  approvals: ApprovalRecord[];
  /** What the problem's issue was held for last, or that the hold was lifted. */
  hold: HoldRecord | null;
  lock: ModelLock | null;
  /** Documents of the model's folder that name the candidate of model.lock. */
  documents: string[];
  newest: NewestVersion | null;
  /** Rollouts into the last environment of the chain, oldest first. */
  rollouts: DeploymentRecord[];
  /** Newest last. `result` is read for the newest ones only. */
  windows: { record: MonitorRecord; result: MonitorResult | null }[];
  /** Pull requests that were opened because a window asked for a retraining. */
  retrainings: { window: MonitorRecord; pull: number }[];
  /** Evaluations on record, by pull request. */
  judged: { pull: number; candidate: Digest; evaluate: Digest }[];
  /** Registered versions, oldest first. */
  versions: { version: string; candidate: Digest }[];
  /** Longest time between two looks of the monitor's schedule, in ms; null where no schedule can be read. */
  schedule: number | null;
};

/** What a rule found. An item is true when there is evidence and nothing is missing. */
export type Found = { evidence: Evidence[]; missing: string[] };

export type Item = {
  id: string;
  title: string;
  /** When it is true, in one sentence. */
  rule: string;
  check: (facts: ChecklistFacts, now: Date) => Found;
};

/** Said of what no part of Roundhouse writes yet: the item stays false until one does. */
export function notRecorded(what: string): string {
  return `${what}: not recorded by Roundhouse yet`;
}

export function nothing(missing: string): Found {
  return { evidence: [], missing: [missing] };
}

export const NO_VERSION = 'no version is registered yet';

export function evaluation({ record }: Pick<NewestVersion, 'record'>, text: string): Evidence {
  return { text, at: { kind: 'evidence', digest: record.evaluate }, digest: record.evaluate };
}

export function dataEvidence({ record }: Pick<NewestVersion, 'record'>, text: string): Evidence {
  const digest = record.accepted.data;
  return { text, at: { kind: 'evidence', digest }, digest };
}

export function rolloutEvidence({ environment, n, release }: DeploymentRecord, text: string): Evidence {
  return { text, at: { kind: 'deployment', environment, n }, digest: release.candidate };
}

export function windowEvidence(record: MonitorRecord, text: string): Evidence {
  return { text, at: { kind: 'window', record }, digest: record.monitor };
}

/** Whole days between two instants. */
export function daysSince(at: string, now: Date): number {
  return Math.floor((now.getTime() - Date.parse(at)) / 86_400_000);
}
