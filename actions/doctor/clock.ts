import type { MachineFacts } from '#lib/lifecycle/doctor-machine.ts';

const LIMIT_MS = 5_000;

/** How far this clock is from the Date header of a server, in whole seconds as that header has them. */
export async function clockAgainst(apiUrl: string): Promise<MachineFacts['clock']> {
  if (!URL.canParse(apiUrl)) return { unread: `GITHUB_API_URL ${JSON.stringify(apiUrl)} is not a URL` };
  const { host } = new URL(apiUrl);
  try {
    const before = Date.now();
    const answer = await fetch(`${apiUrl.replace(/\/+$/, '')}/meta`, {
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    const after = Date.now();
    await answer.body?.cancel();
    const date = Date.parse(answer.headers.get('date') ?? '');
    if (Number.isNaN(date)) return { unread: `${host} told no time` };
    // The header is cut to whole seconds: half of one is what it lacks on average.
    return { server: host, skewSeconds: ((before + after) / 2 - date - 500) / 1000 };
  } catch {
    return { unread: `${host} does not answer from here, so the clocks can't be compared` };
  }
}
