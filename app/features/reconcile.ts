import type { CommentFacts } from '#lib/github/facts.ts';
import { STATE_BRANCH } from '#lib/github/state-branch.ts';
import { allOf } from '../all-of.ts';
import { reason } from '../log.ts';
import { readMain } from '../main-tree.ts';
import type { On } from '../on.ts';
import type { Project } from '../project.ts';
import { giveUpComment, handleComment } from './comments.ts';
import { syncDashboards } from './dashboard.ts';
import { syncDeployments } from './deploy.ts';
import { syncMergeGroups } from './merge-group.ts';
import { syncMonitor } from './monitor.ts';
import { PROBLEM_LABEL, syncProblem } from './problem.ts';
import { syncStages } from './problem-tracking.ts';
import { syncOpenPullRequests } from './pull-request.ts';
import { syncRegistry } from './register.ts';

/** Comments are looked for this much further back than the last time: clocks and listings lag. */
const OVERLAP_MS = 5 * 60_000;
const WEBHOOK_FIRST_MS = 5_000;

export function defaultBranch(on: On): void {
  on({
    events: ['push'],
    kind: 'push',
    key: ({ ref }) => `push:${ref}`,
    handle: async (project, { ref }) => {
      const branch = /^refs\/heads\/(.+)$/.exec(ref)?.[1];
      if (branch === undefined || branch === STATE_BRANCH) return;
      if (branch !== project.defaultBranch) return syncOpenPullRequests(project, branch);
      await allOf([() => syncDefaultBranch(project), () => syncOpenPullRequests(project)]);
    },
  });
  on({
    events: ['workflow_run.completed'],
    kind: 'run',
    key: () => 'default-branch',
    handle: syncDefaultBranch,
  });
}

/** What the default branch says becomes versions, releases and deployments; what monitors found becomes records. */
export async function syncDefaultBranch(project: Project): Promise<void> {
  const main = await readMain(project);
  if (!main) return;
  await allOf([
    () => syncRegistry(project, main),
    () => syncDeployments(project, main),
    () => syncMonitor(project, main),
    () => syncStages(project, main),
  ]);
}

/**
 * Finishes what was left, from what GitHub says now: the same steps as on events, since every one of them
 * converges. One that fails doesn't keep the others back. Returns when it began, for the next look at comments.
 */
export async function reconcileProject(project: Project, since: Date): Promise<Date> {
  const began = project.now();
  await allOf([
    () => readComments(project, new Date(since.getTime() - OVERLAP_MS)),
    () => syncProblems(project),
    () => syncOpenPullRequests(project),
    () => syncDefaultBranch(project),
    () => syncMergeGroups(project),
    () => syncDashboards(project),
  ]);
  return began;
}

/**
 * Every comment since then, also those whose delivery came: it may have been given up, and what is done already
 * isn't done again. One that was heard says what it said when it was created; another that was edited is no
 * command; and a young one is left to its webhook.
 */
async function readComments(project: Project, since: Date): Promise<void> {
  const until = project.now().getTime() - WEBHOOK_FIRST_MS;
  const steps: (() => Promise<void>)[] = [];
  for (const listed of await project.forge.comments.since(since)) {
    const comment = project.heard.get(listed.id) ?? (listed.edited ? null : listed);
    const created = Date.parse(listed.created_at);
    if (comment === null || created < since.getTime() || created > until) continue;
    project.heard.set(comment.id, comment);
    steps.push(() => tryComment(project, comment));
  }
  await allOf(steps);
  for (const [id, { created_at }] of project.heard) {
    if (Date.parse(created_at) < since.getTime()) project.heard.delete(id);
  }
}

/** One that fails is tried again at the next looks, and given up at last: the looks go on without it. */
async function tryComment(project: Project, comment: CommentFacts): Promise<void> {
  const { troubles, owner, repo } = project;
  const name = `${owner}/${repo}#${comment.issue} comment ${comment.id}`;
  try {
    await handleComment(project, comment);
    troubles.succeeded(name);
  } catch (error) {
    if (!troubles.failed(name)) throw error;
    const why = reason(error);
    await giveUpComment(project, comment, why);
    troubles.giveUp(name, why);
  }
}

async function syncProblems(project: Project): Promise<void> {
  const open = await project.forge.issues.list({ state: 'open', labels: PROBLEM_LABEL });
  await allOf(
    open.map(
      ({ number }) =>
        () =>
          syncProblem(project, number),
    ),
  );
}
