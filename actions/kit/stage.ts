import type { EvidenceStage, RunIdentity, Statement } from '#lib/lifecycle/evidence.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import type { Verdict } from '#lib/lifecycle/verdict.ts';
import type { Store } from '#lib/store/store.ts';

/** Progress of long work, for a person at a terminal or in a job log. */
export type Progress = {
  phase(name: string): void;
  /** Share done of the present phase; shown with rate and estimate. */
  update(done: number, total: number, unit: string): void;
  note(text: string): void;
  warn(text: string): void;
};

/**
 * Where a stage's outputs go and where it finds the outputs of the stage before it. With a plan in an
 * untrusted run that is the run's quarantine (`incoming/<run>-<attempt>/<name>`), else the store itself:
 * the mains need not know which.
 */
export type Exchange = {
  /** `name` is a path of plain segments such as `train/full.parquet`; it becomes the subject's name. */
  putFile(name: string, path: string): Promise<Digest>;
  put(name: string, bytes: Uint8Array | string): Promise<Digest>;
  /** Verified bytes, found under the name in quarantine or by digest in the store. */
  getFile(name: string, digest: Digest, path: string): Promise<string>;
  get(name: string, digest: Digest): Promise<Uint8Array>;
};

/** What every main gets. A main reads no environment variable, clock or working directory by itself. */
export type StageDeps = {
  /** Root of the checkout that is judged: absolute. */
  workspace: string;
  store: Store;
  exchange: Exchange;
  /** Root folder of the prediction log; null where none is configured. */
  logs: string | null;
  /** GitHub time or the data time that the runner was given (ROUNDHOUSE_NOW). */
  now: () => Date;
  run: RunIdentity;
  /** A private, empty folder that is removed afterwards. */
  scratch: string;
  progress: Progress;
};

/** What every main gives back: values, never text for GitHub. */
export type StageResult<Stage extends EvidenceStage> = {
  statement: Statement<Stage>;
  verdict: Verdict;
  /** Digest of what the stage was given, kept beside its evidence; absent where no later stage asks for it. */
  inputs?: Digest;
  /** Outputs of the Action step. */
  outputs: Record<string, string>;
};
