import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { R, startWorld, type World } from '../loop/app-world.ts';
import type { Target } from './points.ts';
import { LIMIT_MS, type ProcessUnderTest, processUnderTest, wholeProgram } from './process-under-test.ts';

/** Rounds of reconciling without an effect that make a world settled. */
const QUIET_ROUNDS = 3;
/** Reconciling every quarter of a second instead of every two. */
const HURRY = 8;

export type AppUnderTest = ProcessUnderTest;

const wholeApp = wholeProgram('app', 'app/process.ts');

/** The app as a process that dies at each of the targets. */
export function appUnderTest(
  world: World,
  targets: Target[],
  { env = world.env as Record<string, string>, port = world.port, name = 'app' } = {},
): AppUnderTest {
  return processUnderTest({
    ...{ name, dir: world.dir, program: wholeApp, args: ['--port', String(port)] },
    ...{ env: { CRASH_HURRY: String(HURRY), ...env }, targets, output: world.log },
  });
}

/** A copy of the world that a story left in `from`; null = a repository with its first commit. */
export async function openCopy(from: string | null): Promise<World> {
  return Object.assign(await startWorld({ from }), { limitMs: LIMIT_MS });
}

/**
 * Nothing is under way: no run, no delivery, no rollout, nothing in the journal, and rounds in which the app did
 * nothing, all of them after that many rounds had passed.
 */
export async function isSettled(
  world: World,
  app: Pick<AppUnderTest, 'trace'>,
  { port = world.port, after = 0 } = {},
): Promise<boolean> {
  const isQuiet = () => Math.min(app.trace().quiet, app.trace().rounds - after) > QUIET_ROUNDS;
  return isQuiet() && (await isIdle(world, port)) && !isRollingOut(world) && isQuiet();
}

/** Between two steps of a rollout nothing runs, for seconds: records of phase pending, progressing or promoting. */
function isRollingOut({ dir }: World): boolean {
  const repository = join(dir, 'github', 'repos', R.owner, `${R.repo}.git`);
  const phase = '^  "phase": "p(ending|rogressing|romoting)"';
  const { status, stderr } = spawnSync(
    'git',
    ['-C', repository, 'grep', '-qE', phase, 'roundhouse', '--', 'deployments'],
    { encoding: 'utf8' },
  );
  if (status === 128 && !/unable to resolve revision/.test(stderr)) throw new Error(stderr);
  return status === 0;
}

export async function isUp({ port }: Pick<World, 'port'>): Promise<boolean> {
  const health = await fetch(`http://127.0.0.1:${port}/health`).catch(() => null);
  return health !== null;
}

async function isIdle(world: World, port: number): Promise<boolean> {
  const answer = await fetch(`${world.github.url}/_local/idle`, {
    headers: { 'x-roundhouse-local': world.secrets.control },
  });
  const idle = (await answer.json()) as { runs_open: number; deliveries_pending: number };
  if (idle.runs_open > 0 || idle.deliveries_pending > 0) return false;
  const health = await fetch(`http://127.0.0.1:${port}/health`).catch(() => null);
  const told = (await health?.json().catch(() => null)) as { waiting?: number } | null;
  return told?.waiting === 0;
}
