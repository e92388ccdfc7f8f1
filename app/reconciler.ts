import { reconcileProject } from './features/reconcile.ts';
import type { Projects } from './projects.ts';

/** Looks at every repository in turn; remembers from when on comments have to be read. */
export function createReconciler(projects: Projects): () => Promise<void> {
  const seen = new Map<string, Date>();
  return async () => {
    const failures: unknown[] = [];
    for (const facts of await projects.all()) {
      const name = `${facts.owner}/${facts.repo}`;
      const { project, queue } = await projects.of(facts);
      const look = queue.run('reconcile', async () => {
        await project.state.refresh();
        seen.set(name, await reconcileProject(project, seen.get(name) ?? null));
      });
      await look.catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw new AggregateError(failures, 'reconciling failed');
  };
}
