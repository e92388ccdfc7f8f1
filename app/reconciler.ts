import { reconcileProject } from './features/reconcile.ts';
import type { Projects } from './projects.ts';

/** How far back the first look of a new installation goes: GitHub keeps deliveries for three days. */
const FIRST_LOOK_MS = 3 * 24 * 3_600_000;

/**
 * Looks at every repository in turn; remembers from when on comments have to be read. A first look goes back
 * to `heardAt`, when the last delivery came to the process before this one.
 */
export function createReconciler(projects: Projects, heardAt: Date | null): () => Promise<void> {
  const first = heardAt ?? new Date(Date.now() - FIRST_LOOK_MS);
  const seen = new Map<string, Date>();
  return async () => {
    const failures: unknown[] = [];
    for (const facts of await projects.all()) {
      const name = `${facts.owner}/${facts.repo}`;
      const { project, queue } = await projects.of(facts);
      const look = queue.run('reconcile', async () => {
        await project.state.refresh();
        seen.set(name, await reconcileProject(project, seen.get(name) ?? first));
      });
      await look.catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw new AggregateError(failures, 'reconciling failed');
  };
}
