import { matchesFilters } from './glob.ts';
import type { Repository } from './rows/repository.ts';
import type { Run } from './rows/run.ts';

/**
 * Workflow execution protections: allow-lists of events and of actors. What they don't allow fails with this
 * message (GitHub docs, actions/concepts/about-actions-policies).
 */
export function refusedByProtection(
  repo: Pick<Repository, 'protections'>,
  run: Pick<Run, 'path' | 'event' | 'actor'>,
): string | undefined {
  for (const { workflows, events, actors } of repo.protections ?? []) {
    if (workflows && !matchesFilters(run.path, workflows)) continue;
    const file = `Workflow file: '${run.path}'.`;
    if (events && !events.includes(run.event))
      return `Event '${run.event}' is not allowed to trigger Actions workflows. ${file}`;
    if (actors && !actors.some((login) => login.toLowerCase() === run.actor.toLowerCase()))
      return `Actor '${run.actor}' is not allowed to trigger Actions workflows. ${file}`;
  }
  return undefined;
}
