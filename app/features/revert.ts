import { render } from '#lib/formats/markdown.ts';
import type { Change } from '#lib/github/trees.ts';
import type { FreezeRecord } from '#lib/lifecycle/records.ts';
import type { DeploymentRecord, Release } from '#lib/lifecycle/rollout.ts';
import type { ModelHistory } from '#lib/records/model-history.ts';
import { loadTemplate } from '../../templates/load.ts';
import type { MainTree } from '../main-tree.ts';
import { readTree, type Tree } from '../model-tree.ts';
import { once } from '../once.ts';
import type { Project } from '../project.ts';

/**
 * After a rollback the locks still ask for the version that failed. The revert brings the model's folder, and
 * nothing else, back to what serves: its candidate was judged and approved, so its gate is green at once.
 */
export async function proposeRevert({
  project,
  main,
  history,
  record,
  freeze,
}: {
  project: Project;
  main: MainTree;
  history: ModelHistory;
  /** The rollout with what failed, and what serves in its place. */
  record: DeploymentRecord & { failed: Release; serving: Release | null };
  /** The `/rollback` behind it; null = the rollout failed by itself. */
  freeze: FreezeRecord | null;
}): Promise<void> {
  const { forge, defaultBranch } = project;
  const { model, failed } = record;
  const locked = main.models.find(({ name }) => name === model)?.locks?.model.candidate;
  const serving = history.registry.versions.find(({ version }) => version === record.serving?.version);
  if (locked !== failed.candidate || !serving) return;
  // A version can be rolled back more than once: each time has a branch of its own.
  const branch = `roundhouse-revert-${model}-v${failed.version}${freeze ? `-${record.n}` : ''}`;
  const findPull = async () => (await forge.pulls.list({ state: 'all', head: branch }))[0]?.number;
  await once(project, {
    key: `revert:${branch}:${record.n}`,
    find: async () => String((await findPull()) ?? '') || null,
    make: async () => {
      const commit = await forge.trees.write({
        parent: main.head,
        message: `Revert ${model} to v${serving.version}`,
        changes: changesTo(main.tree, await readTree(forge.trees, serving.commit), model),
      });
      await forge.trees.createRef(`heads/${branch}`, commit);
      const pull = await forge.pulls.create({
        title: `Revert ${model} to v${serving.version}`,
        body: render(loadTemplate('comments/revert.hbs'), {
          model,
          environment: record.environment,
          failed: failed.version,
          serving: serving.version,
          by: freeze?.login ?? null,
          note: freeze ? '' : (record.history.at(-1)?.note ?? ''),
        }),
        head: branch,
        base: defaultBranch,
      });
      return String(pull.number);
    },
    told: (number) => ({
      event: 'pull request opened',
      actor: project.bot,
      subject: `#${number}: revert ${model} to v${serving.version}`,
      model,
    }),
  });
}

/** Notes of what was changed and decided stay: they are history, and no version is made of them. */
function changesTo(now: Tree, then: Tree, model: string): Change[] {
  const isReverted = (path: string) =>
    path.startsWith(`models/${model}/`) && !/^models\/[^/]+\/(changes|decisions)\//.test(path);
  const removed = [...now.files.keys()].filter((path) => isReverted(path) && !then.files.has(path));
  const restored = [...then.files.values()].filter(
    ({ path, sha }) => isReverted(path) && now.files.get(path)?.sha !== sha,
  );
  return [
    ...removed.map((path) => ({ path, text: null })),
    ...restored.map(({ path, sha }) => ({ path, blob: sha })),
  ];
}
