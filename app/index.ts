import type { Probot } from 'probot';
import { type Happening, happeningOf } from '#lib/github/facts.ts';
import { comments } from './features/comments.ts';
import { dashboard } from './features/dashboard.ts';
import { dashboardBoxes } from './features/dashboard-boxes.ts';
import { mergeGroup } from './features/merge-group.ts';
import { problem } from './features/problem.ts';
import { pullRequest } from './features/pull-request.ts';
import { defaultBranch } from './features/reconcile.ts';
import type { On } from './on.ts';
import type { Projects } from './projects.ts';

/** Registers every feature with Probot, and nothing else. */
export async function registerFeatures(probot: Probot, projects: Projects): Promise<void> {
  await probot.load((app) => {
    const on: On = ({ events, kind, key, hear, handle }) => {
      type Wanted = Parameters<typeof handle>[1];
      const kinds: Happening['kind'][] = Array.isArray(kind) ? kind : [kind];
      const isWanted = (happening: Happening | null): happening is Wanted =>
        happening !== null && kinds.includes(happening.kind);
      app.on(events as Parameters<typeof app.on>[0], async ({ name, payload }) => {
        const happening = happeningOf(name, payload);
        if (!isWanted(happening)) return;
        try {
          const { project, queue } = await projects.of(happening);
          hear?.(project, happening);
          await queue.run(key(happening), async () => {
            await project.state.refresh();
            await handle(project, happening);
          });
        } catch (error) {
          // Another try would fail alike: there is nobody to work for any more.
          if (await projects.holds(happening)) throw error;
        }
      });
    };
    problem(on);
    pullRequest(on);
    comments(on);
    mergeGroup(on);
    defaultBranch(on);
    dashboardBoxes(on);
    dashboard(on);
  });
}
