import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { conditionalFetch } from './conditional.ts';

/** Sent with every request: it makes the answer to a dispatch carry the run's id. */
export const API_VERSION = '2026-03-10';

const READ_ATTEMPTS = 3;

type Fetch = (url: string | URL | Request, init?: RequestInit) => Promise<Response>;

export function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/**
 * Octokit's plugins retry a POST whose answer was lost, which makes two comments of one: their retry is off.
 * Throttling spaces writes as GitHub asks; it is off only where nobody is to be spared, on loopback.
 */
export function octokitDefaults(baseUrl: string) {
  const throttled = !isLoopback(baseUrl);
  return (options: Record<string, unknown>): Record<string, unknown> => ({
    ...options,
    retry: { ...Object(options.retry), enabled: false },
    throttle: { ...Object(options.throttle), enabled: throttled },
  });
}

/**
 * A fetch for one GitHub: it names the API version, refuses addresses outside the base URL (and the upload
 * address of the same GitHub), and repeats reads, never writes, that failed on the way.
 */
export function guardedFetch(baseUrl: string, inner: Fetch = fetch): Fetch {
  const allowed = allowedPrefixes(baseUrl);
  const ask = conditionalFetch(inner);
  return async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    if (!allowed.some((prefix) => url.startsWith(prefix))) {
      throw new UserError(`a request outside ${baseUrl} was refused: ${new URL(url).origin}`, {
        fix: 'set GITHUB_API_URL to the GitHub that this app is installed on',
      });
    }
    const headers = new Headers(init?.headers);
    headers.set('x-github-api-version', API_VERSION);
    const attempts = (init?.method ?? 'GET') === 'GET' ? READ_ATTEMPTS : 1;
    return repeat(attempts, () => ask(input, { ...init, headers }));
  };
}

function allowedPrefixes(baseUrl: string): string[] {
  const { origin, pathname, hostname } = new URL(baseUrl);
  const base = `${origin}${pathname.replace(/\/$/, '')}/`;
  if (hostname === 'api.github.com') return [base, 'https://uploads.github.com/'];
  return [base, `${origin}/api/uploads/`];
}

async function repeat(attempts: number, send: () => Promise<Response>): Promise<Response> {
  for (let attempt = 1; ; attempt += 1) {
    const last = attempt === attempts;
    try {
      const response = await send();
      if (last || response.status < 502 || response.status > 504) return response;
      await response.body?.cancel();
    } catch (error) {
      if (last) throw error;
    }
    await sleep(100 * 4 ** (attempt - 1));
  }
}
