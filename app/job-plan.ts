import type { JobPlan } from '#lib/lifecycle/plan.ts';
import { countLooks, readAnchor } from '#lib/records/model-history.ts';
import type { Work } from './standing.ts';

/** The object that a job reads to know what it is asked for. Without candidates the data are built, and no more. */
export async function jobPlan(
  work: Work,
  accepted: JobPlan['accepted'],
  { trains = true } = {},
): Promise<JobPlan> {
  const { project, facts, model, champion, history } = work;
  if (facts.merge.state !== 'ready') throw new Error('a stage was planned without a merge to judge');
  return {
    kind: 'roundhouse-plan',
    version: 1,
    repository: `${project.owner}/${project.repo}`,
    pull_request: facts.pull.number,
    model: model.name,
    base: facts.merge.base,
    head: facts.pull.head.sha,
    merge: facts.merge.sha,
    digests: model.merged.digests,
    champion,
    anchor: await readAnchor(project.state, history),
    looks: await countLooks(project.state, history),
    candidates: trains ? model.merged.model.candidates.map(({ name }, index) => ({ index, name })) : [],
    accepted,
  };
}
