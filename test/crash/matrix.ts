import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Flow, flowNamed } from './flows.ts';
import { differences, explain, type NormalForm, normalForm, readWorld, stableTokens } from './normal-form.ts';
import type { Reached, Target } from './points.ts';
import { type AppUnderTest, appUnderTest, isSettled, isUp, openCopy, until } from './world.ts';

/** A flow without a crash: what it came to, and where it ended. */
export type Recording = { flow: Flow; reached: Reached[]; stable: Set<string>; expected: NormalForm };

export type Verdict =
  | { kind: 'same'; killed: Target[]; ms: number }
  /** The flow came to an end without coming to any target. */
  | { kind: 'not-reached'; ms: number }
  | { kind: 'different'; killed: Target[]; differences: string[]; ms: number }
  | { kind: 'fault'; note: string; ms: number };

/** Longer than the five seconds for which reconciling leaves a young comment to its webhook. */
const PATIENCE_MS = 12_000;

/**
 * Plays flows without a crash, twice each: what is the same both times has to be the same after a crash. The
 * worlds that they leave lie in `folder`, and crashes start from their copies.
 */
export function createRecorder(folder: string) {
  const known = new Map<string, Promise<Recording>>();
  mkdirSync(folder, { recursive: true });

  async function begin({ from }: Flow): Promise<string | null> {
    if (from === null) return start();
    await record(from);
    return join(folder, from);
  }

  let started: Promise<string> | null = null;
  function start(): Promise<string> {
    started ??= (async () => {
      const world = await openCopy(null);
      await world.close({ keep: true });
      const kept = join(folder, 'start');
      cpSync(world.dir, kept, { recursive: true });
      rmSync(world.dir, { recursive: true, force: true });
      return kept;
    })();
    return started;
  }

  function record(name: string): Promise<Recording> {
    const found = known.get(name) ?? recordFlow(flowNamed(name));
    known.set(name, found);
    return found;
  }

  async function recordFlow(flow: Flow): Promise<Recording> {
    const from = await begin(flow);
    const plays: { world: string[]; reached: Reached[] }[] = [];
    for (const keep of [join(folder, flow.name), null]) {
      plays.push(
        await inWorld({ flow, from, targets: [], keep }, async ({ world, app }) => ({
          world: await readWorld(world.dir),
          reached: app.trace().reached,
        })),
      );
    }
    const stable = stableTokens(plays.map(({ world }) => world));
    const [first, second] = plays.map(({ world }) => normalForm(world, stable));
    const { missing, extra } = differences(first ?? [], second ?? []);
    if (missing.length + extra.length > 0) {
      const told = explain({ missing, extra }).join('\n');
      throw new Error(`${flow.name} ends differently without any crash:\n${told}`);
    }
    return { flow, reached: plays[0]?.reached ?? [], stable, expected: first ?? [] };
  }

  /** Plays the flow, kills the app at each target, starts it again, and compares where it ends. */
  async function crash(name: string, targets: Target[]): Promise<Verdict> {
    const { flow, stable, expected } = await record(name);
    const from = await begin(flow);
    const began = Date.now();
    const ms = () => Date.now() - began;
    try {
      return await inWorld({ flow, from, targets, keep: null, expected: same }, async ({ world, app }) => {
        const killed = app.trace().died;
        const { missing, extra } = differences(expected, normalForm(await readWorld(world.dir), stable));
        if (missing.length + extra.length > 0) {
          return { kind: 'different', killed, differences: explain({ missing, extra }), ms: ms() };
        }
        return killed.length === 0 ? { kind: 'not-reached', ms: ms() } : { kind: 'same', killed, ms: ms() };
      });
    } catch (error) {
      return { kind: 'fault', note: error instanceof Error ? error.message : String(error), ms: ms() };
    }

    function same(found: string[]): boolean {
      const { missing, extra } = differences(expected, normalForm(found, stable));
      return missing.length + extra.length === 0;
    }
  }

  return { record, crash };
}

type Play = {
  flow: Flow;
  from: string | null;
  targets: Target[];
  keep: string | null;
  expected?: (world: string[]) => boolean;
};
type Opened = { world: Awaited<ReturnType<typeof openCopy>>; app: AppUnderTest };

async function inWorld<Found>(
  { flow, from, targets, keep, expected }: Play,
  look: (opened: Opened) => Promise<Found>,
): Promise<Found> {
  const world = await openCopy(from);
  const app = appUnderTest(world, targets);
  try {
    Object.assign(world.jobs.findings, structuredClone(flow.findings ?? {}));
    if (!flow.startsLate) app.start();
    // Deliveries that come before it listens are lost, and what they were about is found seconds later.
    if (!flow.startsLate) await until('the app listens', () => isUp(world), { app });
    let hasActed = false;
    const acting = flow.act(world, app).finally(() => {
      hasActed = true;
    });
    await Promise.all([acting, until('people have acted', () => hasActed, { app })]);
    const after = app.trace().rounds;
    let quietSince = Date.now();
    await until(
      'nothing happens any more',
      async () => {
        if (app.trace().quiet === 0) quietSince = Date.now();
        if (!(await isSettled(world, app, { after }))) return false;
        return !expected || Date.now() - quietSince > PATIENCE_MS || expected(await readWorld(world.dir));
      },
      { app },
    );
    return await look({ world, app });
  } finally {
    await app.stop();
    await world.close({ keep: true });
    if (keep !== null) cpSync(world.dir, keep, { recursive: true });
    rmSync(world.dir, { recursive: true, force: true });
  }
}
