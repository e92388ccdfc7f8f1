import type { Octokit } from 'octokit';
import type { Read } from '../lifecycle/doctor.ts';
import { statusOf } from './repository.ts';

/** One who asks GitHub about itself: a person's token, or an installation of the app. */
export type Asker = { octokit: Octokit; who: string };

/** What the first who may know is told; else why nobody was. */
export async function readAs<Value>(
  askers: readonly Asker[],
  ask: (octokit: Octokit, asker: Asker) => Promise<Value>,
): Promise<Read<Value>> {
  const refusals: string[] = [];
  for (const asker of askers) {
    try {
      return { value: await ask(asker.octokit, asker) };
    } catch (error) {
      if (statusOf(error) === null || isUnanswered(error)) throw error;
      refusals.push(refusalOf(error, asker));
    }
  }
  return { unread: refusals.length === 0 ? 'no credentials to ask with' : refusals.join('; ') };
}

/** Octokit gives status 500 to what was never answered, and no response. */
export function isUnanswered(error: unknown): boolean {
  return statusOf(error) !== null && (error as { response?: unknown }).response === undefined;
}

/** GitHub names the permissions that would do in a header. */
function refusalOf(error: unknown, { who }: Asker): string {
  const { response } = error as { response?: { headers?: Record<string, string | undefined> } };
  const needs = response?.headers?.['x-accepted-github-permissions'];
  return `${who} may not read it (${statusOf(error)}${needs ? `, it needs ${needs}` : ''})`;
}
