import { closeSync, existsSync, openSync, readSync } from 'node:fs';
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

/** What a process with hook.mjs in it, or several one after the other, wrote down. */
export type Trace = {
  reached: Reached[];
  /** Targets that were come to, in order. */
  died: Target[];
  /** How often the effect of a key was made. */
  made: Record<string, number>;
  /** Rounds of reconciling. */
  rounds: number;
  /** Of these, since the last effect. */
  quiet: number;
};

/** Reads the log as it grows. */
export function followTrace(path: string): () => Trace {
  const trace: Trace = { reached: [], died: [], made: {}, rounds: 0, quiet: 0 };
  let offset = 0;
  return () => {
    const text = existsSync(path) ? textFrom(path, offset) : '';
    const end = text.lastIndexOf('\n') + 1;
    offset += Buffer.byteLength(text.slice(0, end));
    for (const line of text.slice(0, end).split('\n').filter(Boolean)) add(trace, JSON.parse(line));
    return trace;
  };
}

function textFrom(path: string, offset: number): string {
  const file = openSync(path, 'r');
  const parts: Buffer[] = [];
  for (let at = offset; ; ) {
    const part = Buffer.alloc(1 << 16);
    const count = readSync(file, part, 0, part.length, at);
    if (count === 0) break;
    parts.push(part.subarray(0, count));
    at += count;
  }
  closeSync(file);
  return Buffer.concat(parts).toString('utf8');
}

function add(trace: Trace, line: Reached | { died: Target } | { made: string }): void {
  if ('died' in line) trace.died.push(line.died);
  else if ('made' in line) trace.made[line.made] = (trace.made[line.made] ?? 0) + 1;
  else {
    trace.reached.push(line);
    if (isEffect(line)) trace.quiet = 0;
    if (!isRound(line)) return;
    trace.rounds += 1;
    trace.quiet += 1;
  }
}

function isRound({ key }: Reached): boolean {
  return key.endsWith('rename app/looks.json');
}

/** Something that a reader of the world could see. */
function isEffect({ kind, key }: Reached): boolean {
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

/** Every kind of call at one of its instants, and so many of the other kinds, drawn by the generator. */
export function quickOf(points: Point[], others: number, random: () => number): Target[] {
  const drawn = kindsOf(points)
    .map((kind) => ({ kind, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ kind }) => kind);
  const once = [...new Map(drawn.map((kind) => [kind.key, kind])).values()];
  const isCall = ({ key }: Target) => key.startsWith('call ');
  return [...once.filter(isCall), ...once.filter((kind) => !isCall(kind)).slice(0, others)];
}

/** The same generator of random numbers gives the same sample. */
export function sampleOf(points: Point[], size: number, random: () => number): Point[] {
  const drawn = points.map((point) => ({ point, at: random() }));
  return drawn
    .sort((a, b) => a.at - b.at)
    .slice(0, size)
    .map(({ point }) => point);
}
