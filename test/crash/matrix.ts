import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { R, type World } from '../loop/app-world.ts';
import type { Flow } from './flow.ts';
import { findFrom, flowNamed } from './flows.ts';
import { readWorld } from './normal-form.ts';
import type { Reached, Target } from './points.ts';
import { until } from './process-under-test.ts';
import { type Ending, judge, judgeBeside, type Recording, recordTwice, type Verdict } from './verdict.ts';
import { type AppUnderTest, appUnderTest, isSettled, isUp, openCopy } from './world.ts';

/** Longer than the five seconds for which reconciling leaves a young comment to its webhook. */
const PATIENCE_MS = 12_000;

/** Plays flows of the app. The worlds that they leave lie in `folder`, and crashes start from their copies. */
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
      const kept = join(folder, 'start');
      if (existsSync(kept)) return kept;
      const world = await openCopy(null);
      await world.close({ keep: true });
      cpSync(world.dir, kept, { recursive: true });
      rmSync(world.dir, { recursive: true, force: true });
      return kept;
    })();
    return started;
  }

  function record(name: string): Promise<Recording> {
    const found = known.get(name) ?? readKept(name) ?? recordFlow(flowNamed(name));
    known.set(name, found);
    return found;
  }

  /** What an earlier recorder left in the folder. */
  function readKept(name: string): Promise<Recording> | null {
    const path = join(folder, `${name}.json`);
    if (!existsSync(path)) return null;
    const { reached, stable, expected } = JSON.parse(readFileSync(path, 'utf8'));
    return Promise.resolve({ reached, stable: new Set(stable), expected });
  }

  async function recordFlow(flow: Flow): Promise<Recording> {
    const from = await begin(flow);
    const kept = join(folder, flow.name);
    const recording = await recordTwice(flow.name, (round) =>
      playFlow({ flow, from, targets: [], keep: round === 1 ? kept : null, otherIds: round === 2 }),
    );
    writeFileSync(`${kept}.json`, JSON.stringify({ ...recording, stable: [...recording.stable] }));
    return recording;
  }

  /** Plays the flow, kills the app at each target, starts it again, and compares where it ends. */
  async function crash(name: string, targets: Target[]): Promise<Verdict> {
    const flow = flowNamed(name);
    const recording = await record(name);
    const from = await begin(flow);
    return judge(recording, (expected) => playFlow({ flow, from, targets, keep: null, expected }));
  }

  /** Plays a flow once as it is and once with kills: for one that is too long to be recorded twice. */
  async function rehearse(
    flow: Flow,
    choose: (reached: Reached[]) => Target[],
  ): Promise<{ targets: Target[]; verdict: Verdict }> {
    const from = await begin(flow);
    const first = await playFlow({ flow, from, targets: [], keep: null });
    const targets = choose(first.trace.reached);
    const verdict = await judgeBeside(first, (expected) =>
      playFlow({ flow, from, targets, keep: null, expected, otherIds: true }),
    );
    return { targets, verdict };
  }

  return { record, crash, rehearse };
}

type Play = {
  flow: Flow;
  from: string | null;
  targets: Target[];
  keep: string | null;
  expected?: (world: string[]) => boolean;
  /** Everything gets another id than in the first play, and so nothing that hangs on one is the same by chance. */
  otherIds?: boolean;
};

async function playFlow({ flow, from, targets, keep, expected, otherIds = false }: Play): Promise<Ending> {
  const world = await openCopy(from);
  const app = appUnderTest(world, targets);
  try {
    if (otherIds) await useUpIds(world);
    findFrom(world, flow);
    if (!flow.startsLate) app.start();
    // Deliveries that come before it listens are lost, and what they were about is found seconds later.
    if (!flow.startsLate) await until('the app listens', () => isUp(world), { app });
    const settle = (expected?: Play['expected']) => untilSettled(world, app, expected);
    let hasActed = false;
    const acting = flow.act(world, app, settle).finally(() => {
      hasActed = true;
    });
    await Promise.all([acting, until('people have acted', () => hasActed, { app })]);
    await settle(expected);
    return { world: await readWorld(world.dir), trace: app.trace() };
  } finally {
    await app.stop();
    await world.close({ keep: true });
    if (keep !== null) cpSync(world.dir, keep, { recursive: true });
    rmSync(world.dir, { recursive: true, force: true });
  }
}

async function untilSettled(world: World, app: AppUnderTest, expected: Play['expected']): Promise<void> {
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
}

/** What is made and taken away leaves nothing but the ids that it had. */
async function useUpIds(world: World): Promise<void> {
  const { rest } = world.as('ml-lead');
  await rest.issues.createLabel({ ...R, name: 'passing' });
  await rest.issues.deleteLabel({ ...R, name: 'passing' });
}
