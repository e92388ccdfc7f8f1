import { type ModelFiles, parseConfig, parseModelFiles } from '#lib/formats/config.ts';
import { codeDigest, configDigest, gatesDigest, policyDigest, problemDigest } from '#lib/formats/digests.ts';
import type { TreeEntry, Trees } from '#lib/github/trees.ts';
import type { DataLock, ModelLock } from '#lib/lifecycle/locks.ts';
import type { InputDigests } from '#lib/lifecycle/plan.ts';
import type { Policy } from '#lib/lifecycle/policy.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';

export const POLICY_FILE = '.github/roundhouse.yml';

/** A model's folder in one tree of the repository. */
export type ModelTree = ModelFiles & {
  name: string;
  digests: InputDigests;
  locks: { data: DataLock; model: ModelLock } | null;
  /** No sources or no candidates yet: no stage is planned. */
  draft: boolean;
};

/** Files of a commit, by path. */
export type Tree = { sha: string; files: Map<string, TreeEntry>; read(path: string): Promise<string | null> };

export async function readTree(trees: Trees, sha: string): Promise<Tree> {
  const files = new Map((await trees.files(sha)).map((entry) => [entry.path, entry]));
  return {
    sha,
    files,
    async read(path) {
      const entry = files.get(path);
      if (!entry) return null;
      if (entry.size > 1024 * 1024) throw new UserError(`${path} is over 1 MB`, { fix: 'make it smaller' });
      return trees.text(entry.sha);
    },
  };
}

export function modelsOf(tree: Tree): string[] {
  const names = [...tree.files.keys()].flatMap(
    (path) => /^models\/([^/]+)\/problem\.yml$/.exec(path)?.[1] ?? [],
  );
  return names.sort();
}

export async function readPolicy(tree: Tree): Promise<{ policy: Policy; text: string }> {
  const text = await required(tree, POLICY_FILE);
  return { policy: parseConfig('policy', { file: POLICY_FILE, text }), text };
}

/** Parses a model's files; the policy is the base branch's, whatever the tree says. Throws a UserError with all faults. */
export async function readModel(tree: Tree, name: string, policyText: string): Promise<ModelTree> {
  const folder = `models/${name}`;
  const texts = { policy: { file: POLICY_FILE, text: policyText } };
  const read = async (kind: string) => {
    const file = `${folder}/${kind}.yml`;
    return { file, text: await required(tree, file) };
  };
  const files = parseModelFiles(name, {
    ...texts,
    problem: await read('problem'),
    data: await read('data'),
    model: await read('model'),
    operate: await read('operate'),
  });
  const listed = [...tree.files.values()].map(({ path, sha }) => ({ path, blob: sha }));
  return {
    ...files,
    name,
    digests: {
      code: codeDigest(listed, { model: name, code: files.model.code }),
      config: configDigest(files.model, files.data),
      gates: gatesDigest(files.problem, files.data),
      policy: policyDigest(files.policy),
      problem: problemDigest(files.problem),
    },
    locks: await readLocks(tree, name),
    draft: files.data.sources.length === 0 || files.model.candidates.length === 0,
  };
}

/** Both locks, or null where one is missing or is no lock: a lock is a claim, and a broken one claims nothing. */
export async function readLocks(tree: Tree, name: string): Promise<ModelTree['locks']> {
  const [dataFile, modelFile] = [`models/${name}/data.lock`, `models/${name}/model.lock`];
  const [data, model] = [await tree.read(dataFile), await tree.read(modelFile)];
  if (data === null || model === null) return null;
  try {
    return {
      data: parseConfig('data-lock', { file: dataFile, text: data }),
      model: parseConfig('model-lock', { file: modelFile, text: model }),
    };
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

async function required(tree: Tree, file: string): Promise<string> {
  const text = await tree.read(file);
  if (text !== null) return text;
  throw new UserError(`${file} is missing`, { fix: 'add it; `roundhouse init` writes a first one' });
}
