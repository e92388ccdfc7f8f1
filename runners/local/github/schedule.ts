import { CronExpressionParser } from 'cron-parser';
import { ACTIONS_BOT } from './auth.ts';
import { type Hub, localNow } from './hub.ts';
import type { Repository } from './rows/repository.ts';
import { createRun } from './runs.ts';
import { readCommit } from './shapes/commit.ts';
import { withSender, workflowFiles } from './workflow-events.ts';
import { schedules } from './workflow-file.ts';

/** The last time a cron line was due in (from, to], or undefined. Cron lines are read in UTC or their time zone. */
export function lastDue(options: { cron: string; timezone: string; from: Date; to: Date }): Date | undefined {
  const { cron, timezone, from, to } = options;
  try {
    // `prev` is strictly before its start: one millisecond later includes `to` itself.
    const times = CronExpressionParser.parse(cron, { currentDate: new Date(to.getTime() + 1), tz: timezone });
    const due = times.prev().toDate();
    return due > from ? due : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Fire what became due between the former local time and `to`. Of several occurrences of one line that were
 * passed over only the latest fires, as GitHub does not replay schedules. Default branch only.
 */
export async function advanceClock(hub: Hub, to: Date): Promise<number> {
  const from = new Date(localNow(hub));
  hub.db.put('counters', 'clock', { value: to.toISOString() });
  let fired = 0;
  for (const repo of hub.db.all('repositories')) fired += await fireSchedules(hub, repo, { from, to });
  await hub.db.committed();
  return fired;
}

async function fireSchedules(hub: Hub, repo: Repository, window: { from: Date; to: Date }): Promise<number> {
  const ref = `refs/heads/${repo.default_branch}`;
  const tip = await readCommit(hub.git(repo), ref);
  if (!tip) return 0;
  let fired = 0;
  for (const file of await workflowFiles(hub, repo, tip.sha)) {
    const known = hub.db.find('workflows', (one) => one.repository_id === repo.id && one.path === file.path);
    if (known?.state === 'disabled_manually') continue;
    for (const line of schedules(file)) {
      const due = lastDue({ ...line, ...window });
      if (!due) continue;
      const payload = { schedule: line.cron, workflow: file.path };
      await createRun(hub, {
        ...{ repo, file, event: 'schedule', actor: ACTIONS_BOT, ref, sha: tip.sha, title: file.name },
        ...{
          event_payload: withSender({ hub, repo, sender: ACTIONS_BOT }, payload),
          base_ref: '',
          head_ref: '',
        },
        ...{ head_branch: repo.default_branch, head_sha: tip.sha },
      });
      hub.log(`${repo.owner}/${repo.name}: ${file.path} fired for ${due.toISOString()}`);
      fired += 1;
    }
  }
  return fired;
}

const TICK_MS = 30_000;

/** Without a set clock schedules follow the wall clock; with one they fire only when it is moved. */
export function startWallClock(hub: Hub): { stop(): void } {
  let last = new Date();
  const timer = setInterval(() => {
    if (hub.db.get('counters', 'clock')) return;
    const window = { from: last, to: new Date() };
    last = window.to;
    for (const repo of hub.db.all('repositories')) {
      fireSchedules(hub, repo, window).catch((error) => hub.log(`schedule: ${String(error)}`));
    }
  }, TICK_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
