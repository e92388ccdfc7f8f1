/** The branch of one window. */
export function retrainingBranch(model: string, asOf: string): string {
  return `roundhouse-retrain-${model}-${asOf.slice(0, 10)}`;
}

/** The key of the claim whose outcome is the number of its pull request. */
export function retrainingClaim(model: string, asOf: string): string {
  return `retrain:${retrainingBranch(model, asOf)}`;
}

/** Model and day of data time that a retraining branch names; null where the branch is no such one. */
export function retrainingWindow(branch: string): { model: string; day: string } | null {
  const [, model, day] = /^roundhouse-retrain-(.+)-(\d{4}-\d{2}-\d{2})$/.exec(branch) ?? [];
  return model === undefined || day === undefined ? null : { model, day };
}

/** The day of a model's retraining branch, or null where the branch is no such one. */
export function retrainingDay(model: string, branch: string): string | null {
  const window = retrainingWindow(branch);
  return window?.model === model ? window.day : null;
}
