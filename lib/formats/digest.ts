import { createHash } from 'node:crypto';
import type { Digest } from '../lifecycle/scalars.ts';

/** sha256 of bytes, or of a text's UTF-8 bytes. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/**
 * JSON Canonicalization Scheme (RFC 8785): keys sorted by UTF-16 code units, no white space, numbers as
 * ECMAScript writes them. Throws on values that JSON has no form for (NaN, undefined in arrays, functions).
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`canonical JSON has no form for ${value}`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object') return canonicalObject(value as Record<string, unknown>);
  throw new TypeError(`canonical JSON has no form for a ${typeof value}`);
}

function canonicalObject(value: Record<string, unknown>): string {
  const members = Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`);
  return `{${members.join(',')}}`;
}

/** Digest of a value's canonical JSON: key order and white space never change it. */
export function digestOfJson(value: unknown): Digest {
  return digestOf(canonicalJson(value));
}

export function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length);
}
