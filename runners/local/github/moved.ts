import type { Answer } from './endpoint.ts';
import type { Hub } from './hub.ts';
import type { Repository } from './rows/repository.ts';

/** A repository under a name that it once had, until another one takes that name. */
export function movedRepository(hub: Hub, owner: string, name: string): Repository | undefined {
  const known = hub.db.get('former_names', formerName(owner, name));
  return known && hub.db.get('repositories', known.repository_id);
}

export function formerName(owner: string, name: string): string {
  return `${owner}/${name}`.toLowerCase();
}

/**
 * GitHub docs, rest/using-the-rest-api/best-practices ("Follow redirects") and renaming-a-repository: reads are
 * moved for good, writes are to be repeated at the new address. 307 for writes is assumed
 * (docs/real-github-check.md, A16).
 */
export function redirectTo(hub: Hub, repo: Repository, request: { method: string; url: string }): Answer {
  const rest = request.url.replace(/^.*?\/repos\/[^/?]+\/[^/?]+/, '');
  const url = `${hub.origin}/api/v3/repositories/${repo.id}${rest}`;
  const read = request.method === 'GET' || request.method === 'HEAD';
  const body = {
    ...{ message: read ? 'Moved Permanently' : 'Temporary Redirect', url },
    documentation_url:
      'https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api#follow-redirects',
  };
  return { status: read ? 301 : 307, headers: { location: url }, body };
}
