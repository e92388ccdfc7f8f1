import { describe, expect, it } from 'vitest';
import { conditionalFetch } from '#lib/github/conditional.ts';

/** A server whose one resource changes when told to; counts what it had to send in full. */
function server() {
  let version = 1;
  let full = 0;
  const asked: (string | null)[] = [];
  return {
    change: () => {
      version += 1;
    },
    full: () => full,
    asked,
    fetch: async (_url: string | URL | Request, init?: RequestInit) => {
      const etag = `W/"${version}"`;
      const given = new Headers(init?.headers).get('if-none-match');
      asked.push(given);
      if (given === etag) return new Response(null, { status: 304 });
      full += 1;
      const headers = { etag, 'content-type': 'application/json', 'content-length': '9', link: 'next' };
      return new Response(`{"v":${version}}`, { status: 200, headers });
    },
  };
}
const url = 'http://127.0.0.1:1/api/v3/repos/acme/bikes/pulls';

describe('conditionalFetch', () => {
  it('sends in full only what changed', async () => {
    const { fetch, full, change } = server();
    const get = conditionalFetch(fetch);
    const read = async () => (await (await get(url)).json()) as unknown;
    expect([await read(), await read(), await read()]).toEqual([{ v: 1 }, { v: 1 }, { v: 1 }]);
    expect(full()).toBe(1);
    change();
    expect([await read(), await read()]).toEqual([{ v: 2 }, { v: 2 }]);
    expect(full()).toBe(2);
  });

  it('gives back status, headers and address with what was kept', async () => {
    const get = conditionalFetch(server().fetch);
    await get(url);
    const again = await get(url);
    expect([again.status, again.headers.get('link'), again.url]).toEqual([200, 'next', url]);
  });

  it('keeps representations and addresses apart', async () => {
    const { fetch, full } = server();
    const get = conditionalFetch(fetch);
    await get(url, { headers: { accept: 'application/json' } });
    await get(url, { headers: { accept: 'text/plain' } });
    await get(`${url}?page=2`);
    expect(full()).toBe(3);
  });

  it.each([
    { method: 'POST', address: url },
    { method: 'PATCH', address: url },
    { method: 'GET', address: 'http://127.0.0.1:1/api/v3/installation/repositories' },
  ])('never keeps $method $address', async ({ method, address }) => {
    const { fetch, asked } = server();
    const get = conditionalFetch(fetch);
    await get(address, { method });
    await get(address, { method });
    expect(asked).toEqual([null, null]);
  });
});
