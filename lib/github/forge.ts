import { anchors } from './anchors.ts';
import { artifacts } from './artifacts.ts';
import { checks } from './checks.ts';
import { comments } from './comments.ts';
import { deployments } from './deployments.ts';
import { history } from './history.ts';
import { issues } from './issues.ts';
import { milestones, subIssues } from './milestones.ts';
import { people } from './permissions.ts';
import { pulls } from './pulls.ts';
import { releases } from './releases.ts';
import type { Repository } from './repository.ts';
import { runs } from './runs.ts';
import { tags } from './tags.ts';
import { trees } from './trees.ts';

/** All that can be asked of one repository; a function takes the smallest `Pick` of it. */
export type Forge = ReturnType<typeof forge>;

export function forge(repository: Repository, appId: number | null = null) {
  return {
    anchors: anchors(repository),
    artifacts: artifacts(repository),
    checks: checks(repository, appId),
    comments: comments(repository),
    deployments: deployments(repository),
    history: history(repository),
    issues: issues(repository),
    milestones: milestones(repository),
    people: people(repository),
    pulls: pulls(repository),
    releases: releases(repository),
    runs: runs(repository),
    subIssues: subIssues(repository),
    tags: tags(repository),
    trees: trees(repository),
  };
}
