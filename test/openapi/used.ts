import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Octokit } from 'octokit';

/** Where the product asks GitHub: the client, the app, and the people of the demo. */
const CLIENTS = ['lib/github', 'app', 'actions', 'runners/local/demo'];

/** Asked without a name in our code: by octokit's and Probot's authentication, and by an address out of an answer. */
const UNNAMED = [
  'GET /app',
  'POST /app/installations/{installation_id}/access_tokens',
  'POST /repos/{owner}/{repo}/releases/{release_id}/assets',
];

/** There only where a repository allows selected actions, a setting that the local GitHub does not have. */
const NOT_THERE = ['GET /repos/{owner}/{repo}/actions/permissions/selected-actions'];

/** Every endpoint that the code asks, as `GET /repos/{owner}/{repo}`, with the files that do. */
export function usedEndpoints(): Map<string, string[]> {
  const used = new Map<string, string[]>(UNNAMED.map((name) => [name, []]));
  const rest = new Octokit().rest as unknown as Record<string, Record<string, Named | undefined> | undefined>;
  for (const file of CLIENTS.flatMap(sources)) {
    const text = readFileSync(file, 'utf8');
    for (const [, scope = '', method = ''] of text.matchAll(/\brest\.(\w+)\.(\w+)/g)) {
      const route = rest[scope]?.[method]?.endpoint.DEFAULTS;
      if (!route) throw new Error(`${file}: octokit has no rest.${scope}.${method}`);
      add(used, `${route.method} ${route.url}`, file);
    }
    for (const [, method, path] of text.matchAll(/['"`](GET|POST|PUT|PATCH|DELETE) (\/[^'"`]*)['"`]/g))
      add(used, `${method} ${path}`, file);
  }
  for (const name of NOT_THERE) used.delete(name);
  return used;
}

type Named = { endpoint: { DEFAULTS: { method: string; url: string } } };

function add(used: Map<string, string[]>, name: string, file: string): void {
  used.set(name, [...new Set([...(used.get(name) ?? []), file])]);
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((one) => one.isFile() && one.name.endsWith('.ts'))
    .map((one) => join(one.parentPath, one.name));
}
