import { z } from 'zod';
import { digestSchema, instantSchema, modelNameSchema } from './scalars.ts';
import { type Verdict, verdictSchema } from './verdict.ts';

/** One thing that happened, as the feature that made it happen tells it. */
export type AuditEvent = {
  event: string;
  /** Login of the person, or of the app for what it does by itself. */
  actor: string;
  subject: string;
  /** The model that it is about, where it is about one. */
  model?: string;
  /** Why, in the words of whoever gave a reason. */
  note?: string;
  /** What it is about, byte for byte; several where one names them all. */
  digest?: string | readonly string[];
  url?: string | readonly string[];
  verdict?: Verdict;
};

/** A reason may be as long as a comment; the log keeps its begin, and the link leads to all of it. */
const MOST_NOTE = 1_000;

/**
 * `effect`: something that is there afterwards and wasn't before. `claim`: bookkeeping of who may make one, which
 * the log holds so that it is whole, and which exports leave out.
 */
const CLASSES = ['effect', 'claim'] as const;
export type AuditClass = (typeof CLASSES)[number];

const CLAIM_EVENTS = [
  'claimed',
  'claim renewed',
  'claim taken over',
  'done',
  'run requested',
  'run request taken over',
  'budget taken',
  'deployment made',
];

/** A line as it is written now. `previous` is the sha256 of the line before, byte for byte; null in the first. */
export const auditLineSchema = z.strictObject({
  v: z.literal(1),
  /** Counts all lines of all files, from 1. */
  seq: z.int().min(1),
  at: instantSchema,
  class: z.enum(CLASSES),
  actor: z.string(),
  event: z.string(),
  subject: z.string(),
  model: modelNameSchema.optional(),
  note: z.string().optional(),
  digests: z.array(z.string()),
  verdict: verdictSchema.optional(),
  links: z.array(z.string()),
  previous: digestSchema.nullable(),
});
export type AuditLine = z.infer<typeof auditLineSchema>;

/** A line of before there were numbers: it counts by where it stands. */
const firstLineSchema = z.strictObject({
  at: instantSchema,
  event: z.string(),
  actor: z.string(),
  subject: z.string(),
  digest: z.string().optional(),
  url: z.string().optional(),
  previous: digestSchema.nullable(),
});

/** An entry as it is read, whichever form its line has. */
export type AuditEntry = {
  /** Null in a line of the first form. */
  seq: number | null;
  at: string;
  class: AuditClass;
  actor: string;
  event: string;
  subject: string;
  model: string | null;
  note: string | null;
  digests: string[];
  verdict: Verdict | null;
  links: string[];
  previous: string | null;
};

/** The line of an event, behind the line that `previous` names. */
export function auditLine(
  { event, actor, subject, model, note, digest, url, verdict }: AuditEvent,
  { seq, at, previous }: Pick<AuditLine, 'seq' | 'at' | 'previous'>,
): AuditLine {
  return {
    v: 1,
    seq,
    at,
    class: classOf(event),
    actor,
    event,
    subject,
    ...(model === undefined ? {} : { model }),
    ...(note === undefined || note === '' ? {} : { note: note.slice(0, MOST_NOTE) }),
    digests: listOf(digest),
    ...(verdict === undefined ? {} : { verdict }),
    links: listOf(url),
    previous,
  };
}

function classOf(event: string): AuditClass {
  return CLAIM_EVENTS.includes(event) ? 'claim' : 'effect';
}

function listOf(given: string | readonly string[] | undefined): string[] {
  return given === undefined ? [] : typeof given === 'string' ? [given] : [...given];
}

/** What a line's JSON says; null where it is no entry. */
export function auditEntry(value: unknown): AuditEntry | null {
  const now = auditLineSchema.safeParse(value);
  if (now.success) {
    const { v: _, model = null, note = null, verdict = null, ...entry } = now.data;
    return { ...entry, model, note, verdict };
  }
  const first = firstLineSchema.safeParse(value);
  if (!first.success) return null;
  const { digest, url, ...entry } = first.data;
  return {
    ...entry,
    seq: null,
    class: classOf(entry.event),
    model: null,
    note: null,
    digests: listOf(digest),
    verdict: null,
    links: listOf(url),
  };
}

/** Null bounds nothing; both bounds are instants of UTC. */
export type AuditFilter = {
  since: string | null;
  until: string | null;
  actor?: string;
  event?: string;
  model?: string;
  /** Also the bookkeeping of claims. */
  all: boolean;
};

export function isWanted(
  entry: AuditEntry,
  { since, until, actor, event, model, all }: AuditFilter,
): boolean {
  const time = Date.parse(entry.at);
  return (
    (all || entry.class === 'effect') &&
    (since === null || time >= Date.parse(since)) &&
    (until === null || time <= Date.parse(until)) &&
    (actor === undefined || entry.actor.toLowerCase() === actor.toLowerCase()) &&
    (event === undefined || entry.event.includes(event)) &&
    (model === undefined || entry.model === model)
  );
}

/**
 * What the app signs: the log up to entry `seq`, whose line has this digest. The same value is the log's head on
 * the branch and, carried elsewhere, an anchor that a rewritten branch contradicts.
 */
export const auditHeadSchema = z.strictObject({
  seq: z.int().min(1),
  digest: digestSchema,
  at: instantSchema,
  /** The begin of the sha256 of the public key, so that an anchor names the key without holding it. */
  key_id: z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 lower-case hex characters'),
  /** Ed25519 over the canonical JSON of the other fields, base64url. */
  signature: z.string().regex(/^[A-Za-z0-9_-]{86}$/, 'must be 86 characters of base64url'),
});
export type AuditHead = z.infer<typeof auditHeadSchema>;
