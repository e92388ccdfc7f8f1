import { differences, explain, type NormalForm, normalForm, stableTokens } from './normal-form.ts';
import type { Reached, Target, Trace } from './points.ts';

/** What a play came to: lines as `normalForm` takes them, with every id and time as it is. */
export type Ending = { world: string[]; trace: Trace };

/** A flow without a crash: what it came to, and where it ended. */
export type Recording = { reached: Reached[]; stable: Set<string>; expected: NormalForm };

export type Verdict =
  | { kind: 'same'; killed: Target[]; ms: number }
  /** The flow came to an end without coming to any target. */
  | { kind: 'not-reached'; ms: number }
  | { kind: 'different'; killed: Target[]; differences: string[]; ms: number }
  | { kind: 'fault'; note: string; ms: number };

/** Plays a flow twice without a crash: what is the same both times has to be the same after a crash. */
export async function recordTwice(name: string, play: (round: 1 | 2) => Promise<Ending>): Promise<Recording> {
  const first = await play(1);
  const second = await play(2);
  const stable = stableTokens([first.world, second.world]);
  const expected = normalForm(first.world, stable);
  const { missing, extra } = differences(expected, normalForm(second.world, stable));
  if (missing.length + extra.length > 0) {
    const told = explain({ missing, extra }).join('\n');
    throw new Error(`${name} ends differently without any crash:\n${told}`);
  }
  return { reached: first.trace.reached, stable, expected };
}

/** Plays the flow with kills, and compares where it ends. */
export function judge({ stable, expected }: Recording, play: JudgedPlay): Promise<Verdict> {
  return judgeBy((world) => differences(expected, normalForm(world, stable)), play);
}

/** Against one play without a crash: what it shares with the one that is judged has to be at the same places. */
export function judgeBeside(first: Ending, play: JudgedPlay): Promise<Verdict> {
  return judgeBy((world) => {
    const stable = stableTokens([first.world, world]);
    return differences(normalForm(first.world, stable), normalForm(world, stable));
  }, play);
}

type JudgedPlay = (isSame: (world: string[]) => boolean) => Promise<Ending>;

async function judgeBy(
  departures: (world: string[]) => ReturnType<typeof differences>,
  play: JudgedPlay,
): Promise<Verdict> {
  const began = Date.now();
  const ms = () => Date.now() - began;
  try {
    const { world, trace } = await play((found) => {
      const { missing, extra } = departures(found);
      return missing.length + extra.length === 0;
    });
    const killed = trace.died;
    const { missing, extra } = departures(world);
    if (missing.length + extra.length > 0)
      return { kind: 'different', killed, differences: explain({ missing, extra }), ms: ms() };
    return killed.length === 0 ? { kind: 'not-reached', ms: ms() } : { kind: 'same', killed, ms: ms() };
  } catch (error) {
    return { kind: 'fault', note: error instanceof Error ? error.message : String(error), ms: ms() };
  }
}
