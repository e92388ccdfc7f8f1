import { createPrivateKey } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { octokitFor, R, refusal, startWorld, type World } from './harness.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  const work = await world.repository('ml-lead');
  await work.commit('first', { 'README.md': '# Bikes\n' });
  await work.push('main');
});
afterAll(() => world.close());

function jwt(claims: { iat?: number; exp?: number; iss?: string } = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const key = createPrivateKey(world.secrets.app.private_key);
  const all = { iat: now - 10, exp: now + 300, iss: String(world.secrets.app.id), ...claims };
  return new SignJWT(all).setProtectedHeader({ alg: 'RS256' }).sign(key);
}

async function appStatus(token: string): Promise<{ status: number; message?: string }> {
  const response = await fetch(`${world.github.url}/api/v3/app`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const { message } = (await response.json()) as { message?: string };
  return { status: response.status, ...(message ? { message } : {}) };
}

describe('an app authenticates by JWT', () => {
  test('signed with its key', async () => {
    expect((await appStatus(await jwt())).status).toBe(200);
    const { data } = await world.app.octokit.request('GET /app');
    expect(data).toMatchObject({ slug: 'roundhouse', id: world.secrets.app.id });
  });

  test('not with a life of more than ten minutes', async () => {
    const now = Math.floor(Date.now() / 1000);
    expect(await appStatus(await jwt({ exp: now + 700 }))).toMatchObject({
      status: 401,
      message: expect.stringContaining('too far in the future'),
    });
    expect((await appStatus(await jwt({ exp: now - 5 }))).status).toBe(401);
    expect((await appStatus(await jwt({ iat: now + 120 }))).status).toBe(401);
  });

  test('not with a changed signature, nor as an unknown app', async () => {
    const token = await jwt();
    const broken = `${token.slice(0, -8)}AAAAAAAA`;
    expect((await appStatus(broken)).status).toBe(401);
    expect((await appStatus(await jwt({ iss: '999999' }))).status).toBe(404);
  });

  test('a personal token is no app', async () => {
    expect((await refusal(world.as('ml-lead').request('GET /app'))).status).toBe(401);
  });
});

async function newToken(body: object = {}, headers: Record<string, string> = {}) {
  const { data } = await world.app.octokit.request('GET /repos/{owner}/{repo}/installation', R);
  const answer = await world.app.octokit.request('POST /app/installations/{installation_id}/access_tokens', {
    installation_id: data.id,
    ...body,
    headers,
  });
  return answer.data;
}

describe('installation tokens', () => {
  // Fact 33. GitHub docs, generating-an-installation-access-token, changelog of 27 April 2026.
  test('come in both formats', async () => {
    const fresh = await newToken();
    expect(fresh.token).toMatch(/^ghs_\d+_[^.]+\.[^.]+\.[^.]+$/);
    expect(fresh.token.length).toBeGreaterThan(400);
    const old = await newToken({}, { 'x-github-stateless-s2s-token': 'disabled' });
    expect(old.token).toMatch(/^ghs_[A-Za-z0-9]{36}$/);
    for (const { token } of [fresh, old]) {
      const { data } = await octokitFor(world.github.url, token).rest.repos.get(R);
      expect(data.full_name).toBe('acme/bikes');
    }
  });

  // Need 12. GitHub docs, rest/apps/apps.
  test('live for an hour and may be narrower, never wider', async () => {
    const { expires_at, token, permissions } = await newToken({ permissions: { contents: 'read' } });
    expect(Date.parse(expires_at) - Date.now()).toBeGreaterThan(3_500_000);
    expect(permissions).toEqual({ metadata: 'read', contents: 'read' });
    const narrow = octokitFor(world.github.url, token);
    await narrow.rest.repos.getContent({ ...R, path: 'README.md' });
    const refused = await refusal(narrow.rest.issues.create({ ...R, title: 'no' }));
    expect(refused).toMatchObject({
      status: 403,
      message: expect.stringContaining('not accessible by integration'),
    });
    expect(refused.headers['x-accepted-github-permissions']).toBe('issues=write');
    expect((await refusal(newToken({ permissions: { workflows: 'write' } }))).status).toBe(422);
    expect((await refusal(newToken({ repositories: ['other'] }))).status).toBe(422);
  });

  test('can be given back', async () => {
    const { token } = await newToken();
    const client = octokitFor(world.github.url, token);
    await client.request('DELETE /installation/token');
    expect((await refusal(client.rest.repos.get(R))).status).toBe(401);
  });
});

describe('people', () => {
  test('are who their token says', async () => {
    const { data } = await world.as('data-scientist').rest.users.getAuthenticated();
    expect(data).toMatchObject({ login: 'data-scientist', type: 'User' });
  });

  test('a reader may talk and not write', async () => {
    const reader = world.as('product-owner');
    const { data } = await reader.rest.issues.create({ ...R, title: 'Predict rentals', labels: ['bug'] });
    expect(data.labels).toEqual([]);
    const write = reader.rest.repos.createOrUpdateFileContents({
      ...R,
      path: 'x',
      message: 'x',
      content: 'eA==',
    });
    expect((await refusal(write)).status).toBe(403);
  });

  test('a stranger sees nothing of a private repository', async () => {
    const response = await fetch(`${world.github.url}/api/v3/repos/acme/bikes`);
    expect(response.status).toBe(404);
    expect((await refusal(octokitFor(world.github.url, 'ghp_nonsense').rest.repos.get(R))).status).toBe(401);
  });

  test.each([
    ['product-owner', 'read', 'read'],
    ['data-scientist', 'write', 'write'],
    ['ml-lead', 'write', 'maintain'],
  ])('%s has permission %s and role %s', async (username, permission, role_name) => {
    const { data } = await (await world.bot()).rest.repos.getCollaboratorPermissionLevel({ ...R, username });
    expect(data).toMatchObject({ permission, role_name });
  });

  test('only apps make check runs', async () => {
    const { data } = await world.as('ml-lead').rest.repos.getBranch({ ...R, branch: 'main' });
    const made = world.as('ml-lead').rest.checks.create({ ...R, name: 'gate', head_sha: data.commit.sha });
    expect(await refusal(made)).toMatchObject({ status: 403 });
  });
});
