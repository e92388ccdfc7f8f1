import type { ProbotOctokit } from 'probot';

/** An authenticated client and the repository that it speaks about. */
export type Repository = { octokit: ProbotOctokit; owner: string; repo: string };

/** The HTTP status of a refusal by GitHub; null for any other error. */
export function statusOf(error: unknown): number | null {
  if (!(error instanceof Error) || !('status' in error)) return null;
  return typeof error.status === 'number' ? error.status : null;
}

/** GitHub lets an app without the permission `workflows` set no ref to other workflow files than a branch has. */
export function isWorkflowsRefusal(error: unknown): boolean {
  return statusOf(error) === 403 && String(error).includes('workflows');
}

/** What GitHub answers, or null where it says that there is no such thing. */
export async function orNull<Value>(answer: Promise<Value>): Promise<Value | null> {
  try {
    return await answer;
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw error;
  }
}
