import { describe, expect, it } from 'vitest';
import { API_VERSION, guardedFetch, octokitDefaults } from '#lib/github/client.ts';

const BASE = 'http://127.0.0.1:4440/api/v3';

/** Answers from a list of statuses, the last one for ever; 0 is a broken connection. */
function fakeFetch(...statuses: number[]) {
  const sent: { url: string; method: string; version: string | null }[] = [];
  const inner = async (input: string | URL | Request, init?: RequestInit) => {
    const headers = new Headers(init?.headers);
    sent.push({
      url: String(input),
      method: init?.method ?? 'GET',
      version: headers.get('x-github-api-version'),
    });
    const status = statuses.length > 1 ? statuses.shift() : statuses[0];
    if (!status) throw new TypeError('fetch failed');
    return new Response(null, { status });
  };
  return { sent, inner };
}

describe('guardedFetch', () => {
  // Fact 14.
  it('names the API version', async () => {
    const { sent, inner } = fakeFetch(200);
    await guardedFetch(BASE, inner)(`${BASE}/user`);
    expect(sent).toEqual([{ url: `${BASE}/user`, method: 'GET', version: API_VERSION }]);
  });

  it.each([
    'https://api.github.com/user',
    'http://127.0.0.1:4441/api/v3/user',
    'http://127.0.0.1:4440/api/v30/user',
    'http://127.0.0.1:4440/_local/clock',
  ])('refuses %s', async (url) => {
    const { sent, inner } = fakeFetch(200);
    await expect(guardedFetch(BASE, inner)(url)).rejects.toThrow('was refused');
    expect(sent).toEqual([]);
  });

  it('takes uploads at the same GitHub', async () => {
    const { sent, inner } = fakeFetch(201);
    await guardedFetch(BASE, inner)('http://127.0.0.1:4440/api/uploads/repos/a/b/releases/1/assets');
    await guardedFetch(
      'https://api.github.com',
      inner,
    )('https://uploads.github.com/repos/a/b/releases/1/assets');
    expect(sent).toHaveLength(2);
  });

  it.each([
    { method: 'GET', statuses: [502, 200], status: 200, sends: 2 },
    { method: 'GET', statuses: [0, 503, 200], status: 200, sends: 3 },
    { method: 'GET', statuses: [500], status: 500, sends: 1 },
    { method: 'GET', statuses: [403], status: 403, sends: 1 },
    { method: 'GET', statuses: [504], status: 504, sends: 3 },
    { method: 'POST', statuses: [502, 201], status: 502, sends: 1 },
    { method: 'PATCH', statuses: [503, 200], status: 503, sends: 1 },
    { method: 'DELETE', statuses: [504, 204], status: 504, sends: 1 },
  ])('$method answered $statuses is sent $sends times', async ({ method, statuses, status, sends }) => {
    const { sent, inner } = fakeFetch(...statuses);
    const response = await guardedFetch(BASE, inner)(`${BASE}/user`, { method });
    expect(response.status).toBe(status);
    expect(sent).toHaveLength(sends);
  });

  it('never repeats a write whose connection broke', async () => {
    const { sent, inner } = fakeFetch(0);
    await expect(guardedFetch(BASE, inner)(`${BASE}/user`, { method: 'POST' })).rejects.toThrow(
      'fetch failed',
    );
    expect(sent).toHaveLength(1);
  });
});

describe('octokitDefaults', () => {
  it.each([
    { url: BASE, throttled: false },
    { url: 'http://localhost:1/api/v3', throttled: false },
    { url: 'https://api.github.com', throttled: true },
    { url: 'https://127.0.0.1.example.org', throttled: true },
  ])('retry is off everywhere, throttling on $url is $throttled', ({ url, throttled }) => {
    const options = octokitDefaults(url)({ throttle: { kept: 1 }, auth: 'x' });
    expect(options).toEqual({
      auth: 'x',
      retry: { enabled: false },
      throttle: { kept: 1, enabled: throttled },
    });
  });
});
