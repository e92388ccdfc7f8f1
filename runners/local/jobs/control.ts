import { setTimeout as sleep } from 'node:timers/promises';
import type { ClaimedRun, Permissions, RunState, RunUpdate, TurnAnswer, TurnRequest } from '../protocol.ts';

type StoredArtifact = { name: string; size_in_bytes: number; digest: string };
type UploadedArtifact = { id?: number };

/** The runner's side of the wire in protocol.ts. */
export type Control = {
  /** Waits until there is a run, the wait is over, or the runner closes. */
  claim(request: { runner: string; labels: string[]; wait_ms: number }): Promise<ClaimedRun | null>;
  /** The runs that the runner of this name took and that have not ended. */
  held(runner: string): Promise<ClaimedRun[]>;
  update(run: number, update: RunUpdate & { attempt: number }): Promise<void>;
  log(run: number, job: string, text: string): Promise<void>;
  token(run: number, permissions: Permissions): Promise<string>;
  artifacts(run: number): Promise<StoredArtifact[]>;
  artifact(run: number, name: string): Promise<Uint8Array | null>;
  /** null when the run already has an artifact of that name. */
  putArtifact(
    run: number,
    artifact: { name: string; zip: Uint8Array; retentionDays: number | null },
  ): Promise<UploadedArtifact | null>;
  state(run: number, attempt: number): Promise<RunState>;
  /** A file of the run's own commit; null where there is none. */
  file(run: number, path: string): Promise<string | null>;
  /** Asks once; the answer may be to ask again. */
  turn(run: number, job: string, request: TurnRequest): Promise<TurnAnswer>;
};

/** How long a call waits for a GitHub that is being restarted, and how long when the runner is closing. */
const patienceMs = 60_000;
const lastPatienceMs = 1_000;
/** How long one request may take; a large artifact on one machine needs a fraction of it. */
const requestMs = 30_000;

type Request = RequestInit & { waitMs?: number; endsOnClosing?: boolean };

export function createControl(input: { url: string; control: string; closing: AbortSignal }): Control {
  const base = `${input.url.replace(/\/$/, '')}/_local`;

  /** A request that is lost without a word (seen where the peer closes right after accepting) ends by time. */
  async function attempt(path: string, { waitMs = requestMs, ...init }: Request): Promise<Response> {
    const limit = new AbortController();
    const timer = setTimeout(
      () => limit.abort(new Error(`no answer to ${path} within ${waitMs} ms`)),
      waitMs,
    );
    const stop = () => limit.abort(input.closing.reason);
    if (init.endsOnClosing) input.closing.addEventListener('abort', stop, { once: true });
    try {
      const headers = { 'x-roundhouse-local': input.control, ...init.headers };
      const response = await fetch(`${base}${path}`, { ...init, headers, signal: limit.signal });
      if (response.status >= 500) throw new Error(`the local GitHub answered ${response.status} to ${path}`);
      const bytes = await response.arrayBuffer();
      return new Response(nullBody(response.status) ? null : bytes, response);
    } finally {
      clearTimeout(timer);
      input.closing.removeEventListener('abort', stop);
    }
  }

  async function send(path: string, init: Request = {}): Promise<Response> {
    const startedAt = Date.now();
    for (let pause = 100; ; pause = Math.min(pause * 2, 2_000)) {
      try {
        return await attempt(path, init);
      } catch (fault) {
        if (Date.now() + pause > startedAt + (input.closing.aborted ? lastPatienceMs : patienceMs))
          throw fault;
        await sleep(pause);
      }
    }
  }

  async function expect(path: string, init?: Request): Promise<Response> {
    const response = await send(path, init);
    if (response.ok) return response;
    throw new Error(
      `the local GitHub answered ${response.status} to ${init?.method ?? 'GET'} ${path}: ${await response.text()}`,
    );
  }

  const body = (method: string, value: unknown): Request => ({
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(value),
  });
  const artifactPath = (run: number, name: string) => `/runs/${run}/artifacts/${encodeURIComponent(name)}`;

  return {
    async claim(request) {
      const patient = { waitMs: request.wait_ms + requestMs, endsOnClosing: true };
      const response = await attempt('/runner/claim', { ...body('POST', request), ...patient });
      if (response.status === 204) return null;
      if (!response.ok)
        throw new Error(`the local GitHub answered ${response.status} to a claim: ${await response.text()}`);
      return parsed<ClaimedRun>(response);
    },
    async held(runner) {
      const path = `/runner/runs?runner=${encodeURIComponent(runner)}`;
      const response = await attempt(path, { endsOnClosing: true });
      if (!response.ok)
        throw new Error(`the local GitHub answered ${response.status} to ${path}: ${await response.text()}`);
      return parsed<ClaimedRun[]>(response);
    },
    async update(run, update) {
      await expect(`/runs/${run}`, body('PATCH', update));
    },
    async log(run, job, text) {
      const headers = { 'content-type': 'text/plain; charset=utf-8' };
      await expect(`/runs/${run}/jobs/${encodeURIComponent(job)}/log`, {
        method: 'POST',
        headers,
        body: text,
      });
    },
    async token(run, permissions) {
      return (
        await parsed<{ token: string }>(await expect(`/runs/${run}/token`, body('POST', { permissions })))
      ).token;
    },
    async artifacts(run) {
      return parsed<StoredArtifact[]>(await expect(`/runs/${run}/artifacts`));
    },
    async artifact(run, name) {
      const response = await send(artifactPath(run, name));
      if (response.status === 404) return null;
      if (!response.ok)
        throw new Error(`the local GitHub answered ${response.status} for artifact '${name}'`);
      return new Uint8Array(await response.arrayBuffer());
    },
    async putArtifact(run, { name, zip, retentionDays }) {
      const headers = { 'content-type': 'application/zip' };
      const query = retentionDays === null ? '' : `?retention_days=${retentionDays}`;
      const response = await send(`${artifactPath(run, name)}${query}`, {
        method: 'PUT',
        headers,
        body: new Uint8Array(zip),
      });
      if (response.status === 409) return null;
      if (!response.ok)
        throw new Error(
          `the local GitHub answered ${response.status} for artifact '${name}': ${await response.text()}`,
        );
      const text = await response.text();
      return text === '' ? {} : (JSON.parse(text) as UploadedArtifact);
    },
    async state(run, attempt) {
      return parsed<RunState>(await expect(`/runs/${run}/state?attempt=${attempt}`));
    },
    async file(run, path) {
      const response = await send(`/runs/${run}/file?path=${encodeURIComponent(path)}`);
      if (response.status === 404) return null;
      if (!response.ok) throw new Error(`the local GitHub answered ${response.status} for the file ${path}`);
      return response.text();
    },
    async turn(run, job, request) {
      const path = `/runs/${run}/jobs/${encodeURIComponent(job)}/turn`;
      const patient = { waitMs: request.wait_ms + requestMs, endsOnClosing: true };
      return parsed<TurnAnswer>(await expect(path, { ...body('POST', request), ...patient }));
    },
  };
}

function nullBody(status: number): boolean {
  return status === 204 || status === 304;
}

async function parsed<T>(response: Response): Promise<T> {
  return (await response.json()) as T;
}
