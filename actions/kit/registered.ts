import { parseConfig } from '#lib/formats/config.ts';
import { registryTag } from '#lib/formats/registry-tags.ts';
import type { ModelLock } from '#lib/lifecycle/locks.ts';
import { foldRegistry, type Registry } from '#lib/lifecycle/registry.ts';
import { checkoutTags } from './checkout-records.ts';
import { git } from './git.ts';

/** The registry as a checkout with tags shows it. A job can't see the evidence behind a tag: the app has judged that. */
export async function readRegistry(workspace: string, model: string): Promise<Registry> {
  const tags = await checkoutTags(workspace).list(model);
  return foldRegistry(
    model,
    tags.map(({ name, message }) => registryTag(name, message)),
    () => true,
  );
}

/** model.lock as a commit has it; null where the commit or the file is missing. */
export async function lockAt({
  workspace,
  model,
  commit,
}: {
  workspace: string;
  model: string;
  commit: string;
}): Promise<ModelLock | null> {
  const file = `models/${model}/model.lock`;
  const text = await git(workspace, 'show', `${commit}:${file}`);
  return text === null ? null : parseConfig('model-lock', { file, text });
}
