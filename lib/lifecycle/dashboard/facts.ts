import type { Checklist } from '../checklist/checklist.ts';
import type { ChecklistFacts, Evidence } from '../checklist/facts.ts';
import type { Estimate, EvaluateResult } from '../evidence.ts';
import type { DeploymentRecord } from '../rollout.ts';
import type { Digest } from '../scalars.ts';

/** One question to people that is open. */
export type OpenAsk = {
  subject: string;
  digest: Digest;
  given: string[];
  missing: { count: number; roles: readonly string[] }[];
};

/** An open pull request that changes the model, as its checks stand. */
export type BoardPull = {
  number: number;
  title: string;
  url: string;
  head: string;
  /** What `roundhouse/gate` says on its head. */
  gate: string;
  /** It is the app's own, and asks for a retraining. */
  isRetraining: boolean;
  asks: OpenAsk[];
  hold: { login: string; reason: string } | null;
};

export type BoardVersion = {
  version: string;
  candidate: Digest;
  at: string;
  /** Environments that are assigned to it. */
  serves: string[];
  trainer: string;
  metric: string;
  /** On its own recent holdout. */
  estimate: Estimate | null;
  trivial: Estimate | null;
  verdict: EvaluateResult['verdict'];
};

export type BoardEnvironment = {
  name: string;
  version: string | null;
  rollout: DeploymentRecord | null;
};

export type DashboardFacts = {
  checklist: Checklist;
  facts: ChecklistFacts;
  environments: BoardEnvironment[];
  /** Newest first. */
  versions: BoardVersion[];
  pulls: BoardPull[];
  /** The open health issue. */
  health: number | null;
  /** What was rolled back by a person and may not serve, in a sentence each. */
  frozen: string[];
  /** The version that `model.lock` of the default branch names; null where it is none that is registered. */
  locked: string | null;
};

/** Something that could be done, with the evidence that says so: no evidence, no recommendation. */
export type Recommendation = { text: string; evidence: Evidence };
