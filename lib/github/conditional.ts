type Fetch = (url: string | URL | Request, init?: RequestInit) => Promise<Response>;
type Kept = { etag: string; body: ArrayBuffer; status: number; headers: Headers };

const KEPT_ANSWERS = 2000;
const KEPT_BYTES = 256 * 1024;

/**
 * Asks again only for what has changed: an answer of 304 costs nothing of GitHub's hourly limit, and looking
 * every minute at every open pull request would use that up. Answers about repositories are kept, the oldest go
 * first.
 */
export function conditionalFetch(inner: Fetch): Fetch {
  const kept = new Map<string, Kept>();
  return async (input, init) => {
    const url = String(input);
    if (input instanceof Request || (init?.method ?? 'GET') !== 'GET' || !url.includes('/repos/')) {
      return inner(input, init);
    }
    const headers = new Headers(init?.headers);
    const key = `${headers.get('accept')} ${url}`;
    const known = kept.get(key);
    if (known) headers.set('if-none-match', known.etag);
    const response = await inner(input, { ...init, headers });
    if (response.status === 304 && known) return answerOf(known, url);
    const etag = response.headers.get('etag');
    const size = Number(response.headers.get('content-length') ?? KEPT_BYTES);
    if (response.status !== 200 || etag === null || size > KEPT_BYTES) return response;
    const answer = { etag, body: await response.arrayBuffer(), status: 200, headers: response.headers };
    kept.delete(key);
    kept.set(key, answer);
    const oldest = kept.keys().next();
    if (kept.size > KEPT_ANSWERS && !oldest.done) kept.delete(oldest.value);
    return answerOf(answer, url);
  };
}

function answerOf({ body, status, headers }: Kept, url: string): Response {
  const response = new Response(body.slice(0), { status, headers });
  // A made response has no address, and Octokit reports it.
  Object.defineProperty(response, 'url', { value: url });
  return response;
}
