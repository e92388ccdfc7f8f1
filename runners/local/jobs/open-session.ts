import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createJobLog } from './job-log.ts';
import type { JobPlan } from './job-plan.ts';
import { createMasks } from './masks.ts';
import { tokenPermissions } from './permissions.ts';
import type { Session } from './session.ts';

/** Makes the job's folders, token, masks and log. */
export async function openSession(
  plan: JobPlan,
  signals: { stop: AbortSignal; end: AbortSignal },
): Promise<Session> {
  const { host, run, job, state } = plan;
  const root = join(host.folder, 'work', `${run.id}-${run.attempt}-${state.key}`);
  const folders = {
    root,
    workspace: join(root, run.repository.name, run.repository.name),
    temp: join(root, '_temp'),
    home: join(root, '_home'),
    tools: join(host.folder, 'tools'),
  };
  rmSync(root, { recursive: true, force: true });
  for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true });
  // Without it node would read the package.json of whatever project the folder lies in.
  writeFileSync(join(root, 'package.json'), '{}\n');
  const eventPath = join(folders.temp, 'event.json');
  writeFileSync(eventPath, JSON.stringify(run.event_payload ?? {}));

  const permissions = tokenPermissions({
    job: job.permissions,
    workflow: plan.workflow.permissions,
    defaults: run.default_permissions,
  });
  const token = await host.control.token(run.id, permissions);
  const masks = createMasks();
  for (const secret of [token, ...Object.values(run.secrets)]) masks.add(secret);
  const log = createJobLog({
    masks,
    now: () => new Date(),
    send: (text) => host.control.log(run.id, state.key, text),
  });
  const session: Session = {
    host,
    run,
    state,
    folders,
    contexts: {
      ...plan.contexts,
      github: {
        ...plan.contexts.github,
        token,
        job: job.id,
        workspace: folders.workspace,
        event_path: eventPath,
      },
      secrets: { ...run.secrets, GITHUB_TOKEN: token },
    },
    inputs: plan.contexts.inputs,
    defaults: new Map([...plan.workflow.defaults, ...job.defaults]),
    env: {},
    path: [],
    token,
    log,
    masks,
    changed: plan.changed,
    ...signals,
    posts: [],
    actionState: new Map(),
    announced: new Set(),
    tracking: `${trackingPrefix(host.folder)}${run.id}-${run.attempt}-${state.key}-${randomBytes(6).toString('hex')}`,
    sessions: new Set(),
  };
  log.line(`Current runner: ${host.name}, node ${process.version}`);
  log.line(
    `GITHUB_TOKEN permissions: ${
      Object.entries(permissions)
        .map(([name, level]) => `${name}: ${level}`)
        .join(', ') || 'none'
    }`,
  );
  return session;
}

/** The mark of all processes that jobs of this runner's folder ever start. */
export function trackingPrefix(folder: string): string {
  return `roundhouse:${Buffer.from(folder).toString('base64url')}:`;
}
