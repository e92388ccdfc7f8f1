import { readMarker } from '#lib/formats/sticky.ts';
import { modelsTouched } from '#lib/lifecycle/plan-decision.ts';
import type { CommandSetting } from './command.ts';
import type { MainTree } from './main-tree.ts';
import type { ModelTree } from './model-tree.ts';

/** What a command is about where it names no model or environment: what its issue or pull request is about. */
export type Here = { model: string | null; environment: string | null };

/** An incident or a problem is about one model, and a pull request that touches one too. */
export async function modelHere(
  { project, comment, isPull }: CommandSetting,
  { models }: MainTree,
): Promise<Here> {
  if (isPull) {
    const [touched, ...others] = modelsTouched(await project.forge.pulls.paths(comment.issue));
    return { model: others.length === 0 ? (touched ?? null) : null, environment: null };
  }
  const issue = await project.forge.issues.get(comment.issue);
  const marker = issue?.author.login === project.bot ? readMarker(issue.body) : null;
  const [model, environment] = marker?.kind === 'incident' ? marker.key.split('/') : [];
  if (model !== undefined) {
    return { model, environment: environment?.startsWith(':') ? null : (environment ?? null) };
  }
  const defined = models.find(({ problem }) => problem.issue === comment.issue);
  return { model: defined?.name ?? null, environment: null };
}

/** The model that is named, else the one that is meant here, else the only one; text = why there is none. */
export function modelAsked(
  { models }: MainTree,
  { named, here, example }: { named: string | null; here: Here; example: (model: string) => string },
): ModelTree | string {
  const wanted = named ?? here.model;
  const found = models.filter(({ name }) => wanted === null || name === wanted);
  const [model, ...others] = found;
  if (model && others.length === 0) return model;
  if (models.length === 0) return 'there is no model here yet';
  const choices = models.map(({ name }) => `\`${example(name)}\``).join(', ');
  return model ? `which model? ${choices}` : `there is no model ${wanted}: ${choices}`;
}
