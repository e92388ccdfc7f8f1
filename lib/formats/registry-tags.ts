import type { AuditHead } from '../lifecycle/audit.ts';
import type { RegistryTag, TagEvent, TagMessage } from '../lifecycle/registry.ts';
import { tagMessageSchema } from '../lifecycle/registry.ts';
import { printAnchor } from './audit-log.ts';
import { canonicalJson } from './digest.ts';

/**
 * GTO's tag grammar (gto/constants.py): `<name>(((#<stage>|@v<semver>)!?)|@(deprecated|created))(#<n>)?`.
 * Read with and without counter; Roundhouse prints none for versions and always one for the others.
 */
const TAG =
  /^(?<model>[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)(?:(?:#(?<stage>[a-z0-9][a-z0-9-]*)|@v(?<version>\d+\.\d+\.\d+))(?<undo>!?)|@(?<mark>deprecated|created))(?:#(?<n>\d{1,9}))?$/;

/** The event that a tag's name says, or null for a name that isn't a registry tag. */
export function parseTagName(name: string): TagEvent | null {
  const groups = TAG.exec(name)?.groups;
  if (!groups?.model) return null;
  const { model, stage, version, undo, mark } = groups;
  const n = groups.n === undefined ? null : Number(groups.n);
  if (version) return { kind: undo === '!' ? 'deregister' : 'register', model, version, n };
  if (stage) return { kind: undo === '!' ? 'unassign' : 'assign', model, environment: stage, n };
  return { kind: mark === 'created' ? 'create' : 'deprecate', model, n };
}

export function printTagName(event: TagEvent): string {
  const counter = event.n === null ? '' : `#${event.n}`;
  switch (event.kind) {
    case 'register':
      return `${event.model}@v${event.version}${counter}`;
    case 'deregister':
      return `${event.model}@v${event.version}!${counter}`;
    case 'assign':
      return `${event.model}#${event.environment}${counter}`;
    case 'unassign':
      return `${event.model}#${event.environment}!${counter}`;
    case 'deprecate':
      return `${event.model}@deprecated${counter}`;
    case 'create':
      return `${event.model}@created${counter}`;
  }
}

/** Message of an annotated tag: a line for people, canonical JSON, then the audit log's head where there is one. */
export function renderTagMessage(
  event: TagEvent,
  message: TagMessage,
  head: AuditHead | null = null,
): string {
  const anchor = head === null ? '' : `\n${printAnchor(head)}\n`;
  return `${headline(event, message)}\n\n${canonicalJson(message)}\n${anchor}`;
}

/** The JSON of a message of ours; null for any other text. */
export function parseTagMessage(text: string): TagMessage | null {
  const json = text.split('\n').find((line) => line.startsWith('{'));
  if (json === undefined || json.length > 10_000) return null;
  try {
    return tagMessageSchema.parse(JSON.parse(json));
  } catch {
    return null;
  }
}

/** A tag as the fold takes it, from its name and the text of its annotation (null for a lightweight tag). */
export function registryTag(name: string, text: string | null): RegistryTag {
  return { name, event: parseTagName(name), message: text === null ? null : parseTagMessage(text) };
}

function headline(event: TagEvent, { version, commit }: TagMessage): string {
  const of = version === null ? event.model : `${event.model} v${version}`;
  switch (event.kind) {
    case 'register':
      return `Register ${of} from commit ${commit}`;
    case 'deregister':
      return `Withdraw ${of}`;
    case 'assign':
      return `Serve ${of} in ${event.environment}`;
    case 'unassign':
      return `Stop serving ${of} in ${event.environment}`;
    case 'deprecate':
      return `Deprecate ${of}`;
    case 'create':
      return `Announce ${of}`;
  }
}
