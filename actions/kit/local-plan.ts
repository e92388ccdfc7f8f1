import type { ModelFiles } from '#lib/formats/config.ts';
import { codeDigest, configDigest, gatesDigest, policyDigest, problemDigest } from '#lib/formats/digests.ts';
import { bundleSchema, type Reference, referenceSchema } from '#lib/lifecycle/bundle.ts';
import type { ModelLock } from '#lib/lifecycle/locks.ts';
import type { Champion, InputDigests, JobPlan, Part } from '#lib/lifecycle/plan.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import type { Store } from '#lib/store/store.ts';
import type { OpenDeps } from './deps.ts';
import { git, treeFiles } from './git.ts';
import { loadModelFiles } from './model-folder.ts';
import { lockAt, readRegistry } from './registered.ts';

const NO_COMMIT = '0'.repeat(40);

/**
 * The plan of a plain checkout, where no app dispatches one: the champion is what the base's lock names, as
 * far as this machine's store holds its bundle.
 */
export async function localPlan({
  model,
  base,
  deps,
}: {
  model: string;
  base: string;
  deps: OpenDeps;
}): Promise<JobPlan> {
  const files = loadModelFiles(deps.workspace, model);
  const head = (await git(deps.workspace, 'rev-parse', 'HEAD'))?.trim() ?? NO_COMMIT;
  const digests = await inputDigests(deps.workspace, files);
  const incumbent = await findChampion({ model, base, digests, deps });
  return {
    kind: 'roundhouse-plan',
    version: 1,
    repository: '',
    pull_request: 0,
    model,
    base: incumbent?.champion.commit ?? head,
    head,
    merge: head,
    digests,
    champion: incumbent?.champion ?? null,
    anchor: incumbent?.anchor ?? null,
    looks: {},
    candidates: files.model.candidates.map(({ name }, index) => ({ index, name })),
    accepted: null,
  };
}

export async function inputDigests(
  workspace: string,
  { model, data, problem, policy }: ModelFiles,
): Promise<InputDigests> {
  const tree = await treeFiles(workspace);
  return {
    code: codeDigest(tree, { model: problem.model, code: model.code }),
    config: configDigest(model, data),
    gates: gatesDigest(problem, data),
    policy: policyDigest(policy),
    problem: problemDigest(problem),
  };
}

type Incumbent = { champion: Champion; anchor: Part };

/**
 * The newest lock in the base's history that other inputs than the present ones led to: a commit of the locks
 * that were just made does not turn a candidate into its own champion.
 */
async function findChampion({
  model,
  base,
  digests,
  deps,
}: {
  model: string;
  base: string;
  digests: InputDigests;
  deps: OpenDeps;
}): Promise<Incumbent | null> {
  const { workspace } = deps;
  const history = await git(workspace, 'log', '--format=%H', base, '--', `models/${model}/model.lock`);
  for (const commit of (history ?? '').split('\n').filter((line) => line !== '')) {
    const lock = await lockAt({ workspace, model, commit });
    if (lock !== null && !isOf(lock, digests)) return incumbentOf({ model, base, commit, lock, deps });
  }
  return null;
}

function isOf(lock: ModelLock, { code, config, gates, policy }: InputDigests): boolean {
  return lock.code === code && lock.config === config && lock.gates === gates && lock.policy === policy;
}

async function incumbentOf({
  model,
  base,
  commit,
  lock,
  deps,
}: {
  model: string;
  base: string;
  commit: string;
  lock: ModelLock;
  deps: OpenDeps;
}): Promise<Incumbent | null> {
  const reference = await readReference(deps.store, lock.bundle);
  if (reference === null) {
    deps.progress.warn(
      `the champion that ${base} locks is not in this store, so nothing is compared with it`,
    );
    return null;
  }
  return {
    champion: championOf({ lock, commit, reference, version: await versionOf(deps.workspace, model, lock) }),
    anchor: reference.anchor,
  };
}

function championOf({
  lock,
  commit,
  reference,
  version,
}: {
  lock: ModelLock;
  commit: string;
  reference: Reference;
  version: string;
}): Champion {
  return {
    version,
    commit,
    candidate: lock.candidate,
    bundle: lock.bundle,
    model: lock.model,
    seen: reference.seen,
    reference: reference.metrics,
  };
}

/** `reference.json` of a bundle, or null where the store does not hold the bundle. */
export async function readReference(store: Store, bundle: Digest): Promise<Reference | null> {
  if (!(await store.has(bundle))) return null;
  const manifest = bundleSchema.parse(JSON.parse(Buffer.from(await store.get(bundle)).toString('utf8')));
  const file = manifest.files.find(({ name }) => name === 'reference.json');
  if (file === undefined) return null;
  return referenceSchema.parse(JSON.parse(Buffer.from(await store.get(file.digest)).toString('utf8')));
}

/** The version that was registered with the lock's candidate; 0.0.0 where none was. */
async function versionOf(workspace: string, model: string, lock: ModelLock): Promise<string> {
  const { versions } = await readRegistry(workspace, model);
  return versions.find(({ candidate }) => candidate === lock.candidate)?.version ?? '0.0.0';
}
