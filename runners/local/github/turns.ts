import type { TurnAnswer, TurnRequest } from '../protocol.ts';
import { enterGroup, runningIn } from './concurrency.ts';
import { branchRefusal, ensureEnvironment } from './environments.ts';
import { type Hub, timestamp } from './hub.ts';
import { addJobStatus, createJobDeployment } from './job-deployments.ts';
import type { Environment } from './rows/deployment.ts';
import type { Run, Turn } from './rows/run.ts';
import { displace, holdJob, jobsOf, repositoryOf } from './runs.ts';

/** How long an environment may let a job wait for its reviewers (GitHub docs, reviewing-deployments). */
const reviewDays = 30;

/** What a job that wants to start is told now. */
export async function takeTurn(hub: Hub, run: Run, key: string, request: TurnRequest): Promise<TurnAnswer> {
  const turn = turnOf(hub, run, key);
  if (run.cancel_requested || run.status === 'completed' || turn.state === 'cancelled')
    return { state: 'cancelled' };
  if (turn.state === 'pending') await joinGroup(hub, run, turn, request);
  if (turnOf(hub, run, key).state === 'waiting') passRules(hub, run, turn);
  const { state, message } = turnOf(hub, run, key);
  if (state === 'refused') return { state, message: message ?? '' };
  if (state === 'cancelled') return { state };
  if (state !== 'ready') return { state: 'wait' };
  const lent = turn.environment_id === null ? undefined : hub.db.get('environments', turn.environment_id);
  return { state: 'go', secrets: (run.from_fork ? null : lent?.secrets) ?? {}, vars: lent?.vars ?? {} };
}

function turnOf(hub: Hub, run: Run, key: string): Turn {
  const id = `${run.id}/${key}`;
  const found = hub.db.get('turns', id);
  if (found?.attempt === run.attempt) return found;
  return hub.db.put('turns', id, {
    ...{ id, run_id: run.id, attempt: run.attempt, repository_id: run.repository_id, key, state: 'pending' },
    ...{ message: null, environment_id: null, deployment_id: null, approved: false, since: null },
  });
}

function change(hub: Hub, turn: Turn, fields: Partial<Turn>): void {
  hub.db.put('turns', turn.id, Object.assign(turn, fields));
}

/** The concurrency group first: a job that waits for its reviewers holds the group's place. */
async function joinGroup(hub: Hub, run: Run, turn: Turn, request: TurnRequest): Promise<void> {
  const { concurrency, environment } = request;
  const place = concurrency ? await enterOwnGroup(hub, run, turn, concurrency) : 'running';
  if (place === 'refused') return;
  if (place === 'waiting') holdJob(hub, run, turn.key, 'pending');
  else if (environment) enterEnvironment(hub, run, turn, environment);
  else letGo(hub, run, turn);
}

async function enterOwnGroup(
  hub: Hub,
  run: Run,
  turn: Turn,
  { group, cancel_in_progress, queue }: NonNullable<TurnRequest['concurrency']>,
): Promise<'running' | 'waiting' | 'refused'> {
  if (runningIn(hub, run.repository_id, group) === String(run.id)) {
    const message = `The job waits for its own workflow: both are in the concurrency group '${group}'.`;
    change(hub, turn, { state: 'refused', message });
    return 'refused';
  }
  const member = { id: turn.id, repository_id: run.repository_id, group, queue };
  const { place, displaced } = enterGroup(hub, { ...member, cancelInProgress: cancel_in_progress });
  await displace(hub, displaced, group);
  if (place !== 'full') return place;
  change(hub, turn, { state: 'cancelled', message: 'The queue of the concurrency group is full.' });
  return 'refused';
}

function letGo(hub: Hub, run: Run, turn: Turn): void {
  change(hub, turn, { state: 'ready' });
  holdJob(hub, run, turn.key, 'queued');
}

function enterEnvironment(
  hub: Hub,
  run: Run,
  turn: Turn,
  wanted: NonNullable<TurnRequest['environment']>,
): void {
  const repo = repositoryOf(hub, run);
  const environment = ensureEnvironment(hub, repo, wanted.name);
  const refusal = branchRefusal(repo, environment, run);
  const job = jobsOf(hub, run).find((one) => one.key === turn.key);
  const context = job && { hub, repo, run, job };
  const made = wanted.deployment && context && !refusal;
  const deployment = made ? createJobDeployment(context, environment) : undefined;
  const held = environment.reviewers.length > 0 || environment.wait_timer > 0;
  if (context && deployment && held) addJobStatus(context, deployment, 'waiting');
  change(hub, turn, {
    ...{ state: refusal ? 'refused' : 'waiting', message: refusal ?? null, environment_id: environment.id },
    ...{ deployment_id: deployment?.id ?? null, since: timestamp() },
    approved: environment.reviewers.length === 0,
  });
}

function passRules(hub: Hub, run: Run, turn: Turn): void {
  const environment = hub.db.get('environments', turn.environment_id ?? 0);
  const waited = Date.now() - Date.parse(turn.since ?? '');
  const timed = waited >= (environment?.wait_timer ?? 0) * 60_000;
  const message = `No reviewer answered within ${reviewDays} days.`;
  if (turn.approved && timed) letGo(hub, run, turn);
  else if (waited > reviewDays * 86_400_000) change(hub, turn, { state: 'refused', message });
  else holdJob(hub, run, turn.key, 'waiting');
}

/** The jobs of a run that an environment holds back. */
export function heldTurns(hub: Hub, run: Run): { turn: Turn; environment: Environment }[] {
  return hub.db
    .filter('turns', (one) => one.run_id === run.id && one.state === 'waiting')
    .flatMap((turn) => {
      const environment = hub.db.get('environments', turn.environment_id ?? 0);
      return environment ? [{ turn, environment }] : [];
    });
}

/** A reviewer's answer: one suffices. */
export function answerTurn(hub: Hub, turn: Turn, answer: 'approved' | 'rejected'): void {
  const rejected = { state: 'refused' as const, message: 'The deployment was rejected by a reviewer.' };
  change(hub, turn, answer === 'approved' ? { approved: true } : rejected);
  hub.wakeRunners();
}
