import type { ApiVersion } from './endpoint.ts';

/** Keys that version 2026-03-10 of the API no longer answers (docs, rest/about-the-rest-api/breaking-changes). */
const REMOVED = new Set([
  ...['assignee', 'merge_commit_sha', 'has_downloads', 'master_branch', 'authorizations_url'],
  'use_squash_pr_title_as_default',
]);

/** Values that somebody else wrote: their keys are their own. */
const FOREIGN = new Set(['payload', 'client_payload', 'inputs']);

/** An answer as a version of the API gives it. */
export function inVersion(version: ApiVersion, body: unknown): unknown {
  return version === '2022-11-28' ? body : without(body);
}

function without(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(without);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => !REMOVED.has(key));
  return Object.fromEntries(kept.map(([key, one]) => [key, FOREIGN.has(key) ? one : without(one)]));
}
