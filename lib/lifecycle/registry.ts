import { z } from 'zod';
import type { Digest } from './scalars.ts';
import {
  digestSchema,
  environmentNameSchema,
  gitShaSchema,
  modelNameSchema,
  semverSchema,
} from './scalars.ts';
import { compareVersions } from './version-order.ts';

/** What a tag's name says, in GTO's grammar. The counter `n` is global per model over all kinds. */
export type TagEvent =
  | { kind: 'register' | 'deregister'; model: string; version: string; n: number | null }
  | { kind: 'assign' | 'unassign'; model: string; environment: string; n: number | null }
  | { kind: 'deprecate' | 'create'; model: string; n: number | null };

/** What a tag's message says. The fold reads it and never the tag's target. */
export const tagMessageSchema = z.strictObject({
  kind: z.literal('roundhouse-tag'),
  model: modelNameSchema,
  /** Of an assignment: the version assigned. Of a deprecation: null = the whole model. */
  version: semverSchema.nullable(),
  environment: environmentNameSchema.nullable(),
  candidate: digestSchema,
  bundle: digestSchema,
  /** The commit on the default branch whose locks hold the candidate. */
  commit: gitShaSchema,
});
export type TagMessage = z.infer<typeof tagMessageSchema>;

/** One tag as it was found; `message` is null where it isn't one of ours. */
export type RegistryTag = { name: string; event: TagEvent | null; message: TagMessage | null };

export type RegisteredVersion = {
  version: string;
  candidate: Digest;
  bundle: Digest;
  commit: string;
  state: 'registered' | 'deregistered';
};
export type Assignment = { environment: string; version: string; candidate: Digest; n: number };
export type Registry = {
  model: string;
  /** By version, oldest first. */
  versions: RegisteredVersion[];
  /** What each environment is assigned to now. */
  assignments: Assignment[];
  /** Every assignment ever made, in the counter's order. */
  history: Assignment[];
  deprecated: boolean;
  /** The next free counter. */
  next: number;
  /** Version numbers that any tag names, ours or not: none of them is given again. */
  taken: string[];
  /** Names of tags that look like this model's and aren't ours: ignored, but worth a warning. */
  foreign: string[];
};

/**
 * Folds tags into the registry of one model. A tag counts when its message is ours, agrees with its name,
 * and says what was recorded (`recorded`): everything else is foreign. Order of tags is free.
 */
export function foldRegistry(
  model: string,
  tags: readonly RegistryTag[],
  recorded: (message: TagMessage) => boolean,
): Registry {
  const mine = tags.filter(({ event }) => event?.model === model);
  const ours = mine.filter((tag) => agrees(tag) && tag.message !== null && recorded(tag.message));
  const counted = ours
    .map(({ event, message }) => ({ event, message, n: event?.n ?? 0 }))
    .sort((a, b) => a.n - b.n);
  const registry: Registry = {
    model,
    versions: foldVersions(ours),
    assignments: [],
    history: [],
    deprecated: false,
    next: Math.max(0, ...mine.map(({ event }) => event?.n ?? 0)) + 1,
    taken: mine.flatMap(({ event }) => (event && 'version' in event ? [event.version] : [])).sort(),
    foreign: mine.filter((tag) => !ours.includes(tag)).map(({ name }) => name),
  };
  for (const { event, message, n } of counted) {
    if (!event || !message) continue;
    if (event.kind === 'deprecate' && message.version === null) registry.deprecated = true;
    if (event.kind !== 'assign' && event.kind !== 'unassign') continue;
    const { environment } = event;
    registry.assignments = registry.assignments.filter((other) => other.environment !== environment);
    if (event.kind === 'unassign' || message.version === null) continue;
    const assignment = { environment, version: message.version, candidate: message.candidate, n };
    registry.assignments.push(assignment);
    registry.history.push(assignment);
  }
  return registry;
}

function agrees({ event, message }: RegistryTag): boolean {
  if (!event || !message || message.model !== event.model) return false;
  if ('version' in event) return message.version === event.version;
  if ('environment' in event) return message.environment === event.environment && event.n !== null;
  return true;
}

function foldVersions(tags: readonly RegistryTag[]): RegisteredVersion[] {
  const versions = new Map<string, RegisteredVersion>();
  const gone = new Set<string>();
  for (const { event, message } of tags) {
    if (!event || !message) continue;
    if (event.kind === 'deregister') gone.add(event.version);
    if (event.kind !== 'register') continue;
    const { candidate, bundle, commit } = message;
    versions.set(event.version, { version: event.version, candidate, bundle, commit, state: 'registered' });
  }
  return [...versions.values()]
    .map((entry) => (gone.has(entry.version) ? { ...entry, state: 'deregistered' as const } : entry))
    .sort((a, b) => compareVersions(a.version, b.version));
}

/**
 * major: callers must change (other inputs, outputs or classes). minor: another model behind the same
 * interface. patch: the same model bytes, packed anew.
 */
export type VersionChange = 'major' | 'minor' | 'patch';

/** The next free version: a number that was given or taken once is never given again. The first is 1.0.0. */
export function nextVersion(
  { versions, taken }: Pick<Registry, 'versions' | 'taken'>,
  change: VersionChange,
): string {
  const last = versions.at(-1);
  let next = last ? increased(last.version, change) : '1.0.0';
  while (taken.includes(next)) next = increased(next, change);
  return next;
}

function increased(version: string, change: VersionChange): string {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  if (change === 'major') return `${major + 1}.0.0`;
  if (change === 'minor') return `${major}.${minor + 1}.0`;
  return `${major}.${minor}.${patch + 1}`;
}

export function versionChange(facts: { sameSignature: boolean; sameModel: boolean }): VersionChange {
  if (!facts.sameSignature) return 'major';
  return facts.sameModel ? 'patch' : 'minor';
}
