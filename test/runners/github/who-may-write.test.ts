import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { API } from '../../../runners/local/github/api.ts';
import { addOutsiders, R, startWorld, type World } from './harness.ts';

/**
 * Every endpoint of a repository that is not a GET, asked with too little: the table of routes itself is the list,
 * so that a new endpoint is asked too. What is named does not exist: who may not write learns nothing of it.
 */
const WRITES = API.flatMap((endpoint) =>
  endpoint.scope === 'repo' && !endpoint.route.startsWith('GET ') ? [endpoint] : [],
);

/** Open to every reader: GitHub docs, repository-roles-for-an-organization. */
const FOR_READERS = [
  ...['POST /issues', 'PATCH /issues/:number', 'POST /issues/:number/comments'],
  ...['PATCH /issues/comments/:id', 'DELETE /issues/comments/:id'],
  ...['POST /issues/:number/reactions', 'DELETE /issues/:number/reactions/:reaction'],
  ...['POST /issues/comments/:id/reactions', 'DELETE /issues/comments/:id/reactions/:reaction'],
  // The head decides.
  ...['POST /pulls', 'PATCH /pulls/:number', 'PUT /pulls/:number/update-branch', 'POST /forks'],
  // Reviews by readers do not count for the merge.
  ...['POST /pulls/:number/reviews', 'PUT /pulls/:number/reviews/:id', 'DELETE /pulls/:number/reviews/:id'],
  ...['POST /pulls/:number/reviews/:id/events', 'POST /pulls/:number/comments'],
  // An environment names its reviewers itself.
  'POST /actions/runs/:id/pending_deployments',
  ...['POST /pulls/:number/comments/:id/replies', 'PATCH /pulls/comments/:id', 'DELETE /pulls/comments/:id'],
];

let world: World;
let outsider: string;
let narrow: string;
beforeAll(async () => {
  world = await startWorld();
  await addOutsiders(world, 'outsider');
  outsider = 'outsider';
  const { data } = await world.app.octokit.request('GET /repos/{owner}/{repo}/installation', R);
  const token = await world.app.octokit.request('POST /app/installations/{installation_id}/access_tokens', {
    ...{ installation_id: data.id, permissions: { metadata: 'read' } },
  });
  narrow = token.data.token;
});
afterAll(() => world.close());

async function ask(route: string, token: string | undefined) {
  const [method = '', path = ''] = route.split(' ');
  const filled = path
    .replace(':owner', R.owner)
    .replace(':repo', R.repo)
    .replace(/:(number|id|sha)\b/g, '999999')
    .replace(/:\w+/g, 'nothing')
    .replace('*', 'nothing');
  const response = await fetch(`${world.github.url}/api/v3${filled}`, {
    method,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  const { message = '' } = (await response.json().catch(() => ({}))) as { message?: string };
  return {
    status: response.status,
    message,
    accepted: response.headers.get('x-accepted-github-permissions'),
  };
}

async function personToken(login: string): Promise<string | undefined> {
  const { ensureSecrets } = await import('../../../runners/local/github/secrets.ts');
  return (await ensureSecrets(world.dir)).tokens[login];
}

describe('a write', () => {
  test('is 401 without a token where the repository is public, 404 for those who may not see it', async () => {
    for (const { route } of WRITES) {
      expect((await ask(route, undefined)).status, route).toBe(404);
      expect((await ask(route, await personToken(outsider))).status, route).toBe(404);
    }
    await world.control.call('PATCH', '/repos/acme/bikes', { private: false });
    for (const { route } of WRITES) {
      expect(await ask(route, undefined), route).toMatchObject({
        status: 401,
        message: 'Requires authentication',
      });
    }
    await world.control.call('PATCH', '/repos/acme/bikes', { private: true });
  });

  test('is 403 for a reader, but for what is open to readers', async () => {
    const reader = await personToken('product-owner');
    for (const { route } of WRITES) {
      if (FOR_READERS.includes(route.replace('/repos/:owner/:repo', ''))) continue;
      const { status, message } = await ask(route, reader);
      expect(status, route).toBe(403);
      expect(message, route).toMatch(/Must have (push access to|admin rights to) [Rr]epository|GitHub App/);
    }
  });

  // GitHub docs, rest/using-the-rest-api/troubleshooting: the header names what would have been enough.
  test('is 403 for an app without the permission, which is named', async () => {
    for (const { route } of WRITES) {
      const { status, message, accepted } = await ask(route, narrow);
      expect(status, route).toBe(403);
      expect(message, route).toBe('Resource not accessible by integration');
      expect(accepted, route).toMatch(/=write/);
    }
  });
});
