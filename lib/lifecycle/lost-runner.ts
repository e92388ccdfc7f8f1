/** A job that was neither passed over nor successful, and what its annotations say. */
export type FailedJob = { name: string; notes: string[] };

/** A run whose runner was lost is asked for again until it was tried this often. */
export const RUNNER_TRIES = 3;

/**
 * What annotations of a job say whose runner went away: GitHub's words for self-hosted and hosted runners
 * ("The self-hosted runner: X lost communication with the server.", "The runner has received a shutdown
 * signal."), and those of the job runner of `roundhouse local`.
 */
const LOST =
  /lost communication with the server|runner has received a shutdown signal|^The runner was lost\.$/;

/**
 * Whether a run failed because its runner went away: every job that failed says so, or none had begun. What the
 * user's code or a verdict has failed is not tried again by itself.
 */
export function isRunnerLost({
  conclusion,
  failed,
}: {
  /** Of the run. */
  conclusion: string | null;
  failed: readonly FailedJob[];
}): boolean {
  return conclusion === 'failure' && failed.every(({ notes }) => notes.some((note) => LOST.test(note)));
}
