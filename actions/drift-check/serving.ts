import type { Reference } from '#lib/lifecycle/bundle.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { type LoadedBundle, loadBundle } from '#lib/store/bundle.ts';
import { readReference } from '../kit/local-plan.ts';
import { loadLocks } from '../kit/model-folder.ts';
import { readRegistry } from '../kit/registered.ts';
import type { StageDeps } from '../kit/stage.ts';

export type Serving = { bundle: LoadedBundle; reference: Reference };

/** The release that an environment serves, with every byte verified. */
export async function loadServing(
  { model, environment }: { model: string; environment: string },
  { workspace, store, progress }: Pick<StageDeps, 'workspace' | 'store' | 'progress'>,
): Promise<Serving> {
  const release = (await assigned(workspace, { model, environment })) ?? locked(workspace, model);
  progress.note(`${environment} serves ${release.what}`);
  const loaded = await loadBundle({ store, digest: release.bundle, model: release.model });
  if (loaded.kind === 'refused') throw new Error(loaded.message);
  const reference = await readReference(store, release.bundle);
  if (reference === null) throw new Error(`the bundle ${release.bundle} has no reference.json`);
  return { bundle: loaded.bundle, reference };
}

/** Null `model`: the bundle's digest alone says which bytes are meant. */
type Release = { what: string; bundle: Digest; model: Digest | null };

/**
 * After a rollback, and while a rollout is under way, main's lock names a version that does not serve: the
 * registry's newest assignment does. Null in a checkout without tags.
 */
async function assigned(
  workspace: string,
  { model, environment }: { model: string; environment: string },
): Promise<Release | null> {
  const { assignments, versions } = await readRegistry(workspace, model);
  const assignment = assignments.find((known) => known.environment === environment);
  const found = versions.find(({ version }) => version === assignment?.version);
  return found ? { what: `v${found.version}`, bundle: found.bundle, model: null } : null;
}

function locked(workspace: string, model: string): Release {
  const locks = loadLocks(workspace, model);
  if (locks === null) {
    throw new UserError(`${model} has no model.lock, so nothing of it can be in force`, {
      fix: 'merge a model first; monitoring runs on the default branch',
    });
  }
  return { what: 'what model.lock names', bundle: locks.model.bundle, model: locks.model.model };
}
