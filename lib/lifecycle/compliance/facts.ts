import type { Evidence } from '../checklist/facts.ts';
import type { Data } from '../data.ts';
import type { MonitorResult } from '../evidence.ts';
import type { LineageFacts } from '../lineage.ts';
import type { Model } from '../model.ts';
import type { Operate } from '../operate.ts';
import type { Policy } from '../policy.ts';
import type { Problem } from '../problem.ts';
import type { FreezeRecord, MonitorRecord, RegistrationRecord } from '../records.ts';
import type { DeploymentRecord } from '../rollout.ts';
import type { Digest } from '../scalars.ts';

/** What is on record of one model. Everything may be absent: a pack of an empty repository says so. */
export type ComplianceFacts = {
  model: string | null;
  /** Committed files: those of the model's folder, package locks, and documents by people under `compliance/`. */
  files: { path: string; digest: Digest }[];
  policy: Policy | null;
  problem: { value: Problem; digest: Digest } | null;
  data: Data | null;
  config: Model | null;
  operate: Operate | null;
  /** The chain behind the newest registered version. */
  newest: LineageFacts | null;
  /** Oldest first. */
  versions: RegistrationRecord[];
  rollouts: DeploymentRecord[];
  windows: { record: MonitorRecord; result: MonitorResult | null }[];
  freezes: FreezeRecord[];
  audit: { entries: number; from: string; until: string; path: string } | null;
};

/**
 * Where a heading looks for evidence. `what` is said to be missing where nothing is found; null where nothing is missed
 * then, such as a rollback that nobody needed.
 */
export type Source = { what: string | null; find: (facts: ComplianceFacts) => Evidence[] };

/**
 * A heading of a framework, with its number there. `outside`: what no record of Roundhouse can show, so that it is
 * missing until somebody adds a document.
 */
export type Heading = { id: string; title: string; sources: readonly Source[]; outside: readonly string[] };

export type Framework = {
  id: string;
  name: string;
  /** Where the headings' numbers and names come from. */
  text: string;
  url: string;
  groups: readonly { title: string; headings: readonly Heading[] }[];
};
