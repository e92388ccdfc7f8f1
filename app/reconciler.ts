import { reconcileProject } from './features/reconcile.ts';
import type { Looks } from './looks.ts';
import type { Projects } from './projects.ts';

/** How far back the first look of a new installation goes: GitHub keeps deliveries for three days. */
const FIRST_LOOK_MS = 3 * 24 * 3_600_000;

/**
 * Looks at every repository in turn, from the last look without a fault on. One that fails doesn't keep the
 * others back.
 */
export function createReconciler(projects: Pick<Projects, 'all' | 'of'>, looks: Looks): () => Promise<void> {
  return async () => {
    const failures: unknown[] = [];
    for (const facts of await projects.all()) {
      const name = `${facts.owner}/${facts.repo}`;
      const { project, queue } = await projects.of(facts);
      const look = queue.run('reconcile', async () => {
        await project.state.refresh();
        const since = looks.last(name) ?? new Date(project.now().getTime() - FIRST_LOOK_MS);
        await looks.note(name, await reconcileProject(project, since));
      });
      await look.catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw new AggregateError(failures, 'reconciling failed');
  };
}
