import { webOf } from '#lib/formats/page.ts';
import { orNull } from '#lib/github/repository.ts';
import { lineageOf } from '#lib/lifecycle/lineage.ts';
import { findCandidates } from '#lib/records/find-candidate.ts';
import { type FileSource, readLineage } from '#lib/records/lineage.ts';
import { renderLineage } from '../../templates/lineage.ts';
import { DONE, type Handler, refused } from '../command.ts';
import { readTree } from '../model-tree.ts';
import type { Project } from '../project.ts';

/** Chains in one reply: with more models than that somebody has to say which. */
const MOST = 4;

/** `/why`: the chain of evidence behind a version, or behind the newest one of each model. */
export const why: Handler<'why'> = async ({ project, comment }, asked) => {
  const { state: records, forge } = project;
  const { candidates, why: reason } = await findCandidates({ records, tags: forge.tags }, asked);
  if (reason !== null) return refused(reason);
  if (candidates.length > MOST) {
    const models = candidates.map(({ history }) => history.model);
    return refused(`say which model, such as /why ${models[0]}: there are ${models.join(', ')}`);
  }
  const from = { records, fileAt: filesOf(project) };
  const web = webOf(comment.url);
  const shown: string[] = [];
  for (const found of candidates) {
    const lineage = lineageOf(await readLineage(from, found));
    shown.push(renderLineage(lineage, { web, named: found.named }));
  }
  return { ...DONE, shown: shown.join('\n') };
};

function filesOf({ forge }: Project): FileSource {
  return async (commit, path) => {
    const tree = await orNull(readTree(forge.trees, commit));
    return tree === null ? null : tree.read(path);
  };
}
