import { readFileSync } from 'node:fs';
import { kindOf } from './point-key.mjs';

/** What hook.mjs writes down: the n-th time that the process came to this key. */
export type Reached = { kind: 'call' | 'read' | 'file' | 'append' | 'child'; key: string; n: number };
/** `torn` = in the middle of a write, which leaves half of it. */
export type Instant = 'before' | 'after' | 'torn';
export type Point = Reached & { flow: string; when: Instant };
/** Where the process dies: at the n-th point of this key, or (null) at the first point of this kind. */
export type Target = { key: string; n: number | null; when: Instant };

/** Every round of reconciling comes to these again: the first ones stand for all. */
const EVERY_ROUND = /^(file \S+ app\/(looks\.json|\.draft)$)/;
const ROUNDS = 2;
/** What no ref reaches is seen by nobody: before it is made and after it are the same. */
const UNSEEN = /^call POST \S+\/git\/(blobs|trees|commits|tags)$/;
/** A token is asked for again whenever there is none: it changes nothing that anybody sees. */
const NO_EFFECT = /^call POST \S+\/access_tokens$/;

export function readReached(path: string): Reached[] {
  return linesOf(path).filter((line): line is Reached => 'kind' in line);
}

/** Targets that were come to, in order. */
export function readDied(path: string): Target[] {
  return linesOf(path).flatMap((line) => ('died' in line ? [line.died] : []));
}

function linesOf(path: string): (Reached | { died: Target })[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line));
}

export function isRound({ key }: Reached): boolean {
  return key.endsWith('rename app/looks.json');
}

/** Something that a reader of the world could see. */
export function isEffect({ kind, key }: Reached): boolean {
  return kind !== 'read' && !NO_EFFECT.test(key) && !EVERY_ROUND.test(key);
}

/** The instants of a recorded flow. A read has no effect: before it and after it are the same. */
export function pointsOf(flow: string, reached: Reached[], { reads = false } = {}): Point[] {
  return reached.flatMap((one) => {
    if (EVERY_ROUND.test(one.key) && one.n > ROUNDS) return [];
    if (one.kind === 'read' || NO_EFFECT.test(one.key)) {
      return reads ? [{ ...one, flow, when: 'before' as const }] : [];
    }
    return instantsOf(one).map((when) => ({ ...one, flow, when }));
  });
}

function instantsOf({ kind, key }: Reached): Instant[] {
  if (UNSEEN.test(key)) return ['after'];
  return kind === 'append' ? ['before', 'torn', 'after'] : ['before', 'after'];
}

export function nameOf({ flow, key, n, when }: Point): string {
  return `${flow}: ${when} ${key} #${n}`;
}

/** Every kind of point of a recording at each of its instants, once. */
export function kindsOf(points: Point[]): Target[] {
  const kinds = new Map<string, Target>();
  for (const { key, when } of points) {
    const kind: Target = { key: kindOf(key), n: null, when };
    kinds.set(`${kind.key} ${when}`, kind);
  }
  return [...kinds.values()];
}

/** The same generator of random numbers gives the same sample. */
export function sampleOf(points: Point[], size: number, random: () => number): Point[] {
  const drawn = points.map((point) => ({ point, at: random() }));
  return drawn
    .sort((a, b) => a.at - b.at)
    .slice(0, size)
    .map(({ point }) => point);
}
