import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entryArguments } from '../../runners/entry.ts';
import { BOT, defineBikes, eventually, firstModel, R, startWorld, type World } from './app-world.ts';

/**
 * The app is a process of its own behind a proxy that kills it with SIGKILL at the first write of each kind:
 * `before` GitHub sees the request, or `after` its effect and before its answer. Each time it is started again.
 */
const INSTANTS = [
  { write: /^POST .*\/issues\/\d+\/comments$/, when: 'after' },
  { write: /^POST .*\/reactions$/, when: 'before' },
  { write: /^PATCH .*\/git\/refs\/heads%2Froundhouse$/, when: 'after' },
  { write: /^POST .*\/pulls$/, when: 'after' },
  { write: /^POST .*\/check-runs$/, when: 'after' },
  { write: /^POST .*\/dispatches$/, when: 'after' },
  { write: /^PATCH .*\/git\/refs\/heads%2Ffirst-model$/, when: 'after' },
  { write: /^POST .*\/git\/tags$/, when: 'after' },
  { write: /^POST .*\/releases$/, when: 'after' },
  { write: /^POST .*\/assets\?/, when: 'after' },
  { write: /^POST .*\/deployments$/, when: 'after' },
  { write: /^POST .*\/deployments\/\d+\/statuses$/, when: 'before' },
] as const;

describe('the app killed with -9 and started again', () => {
  let world: World;
  let proxy: Server;
  let app: ChildProcess | null = null;
  let origin = '';
  let over = false;
  const kills: string[] = [];

  beforeAll(async () => {
    world = await startWorld();
    const left = new Set(INSTANTS);
    proxy = createServer((request, response) => {
      const write = `${request.method} ${request.url}`;
      const instant = [...left].find((one) => one.write.test(write));
      if (instant) left.delete(instant);
      void pass({ request, response, instant: instant?.when ?? null });
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    startApp();
  });

  afterAll(async () => {
    over = true;
    app?.kill('SIGKILL');
    proxy.closeAllConnections();
    await new Promise((resolve) => proxy.close(resolve));
    await world.close();
  });

  function startApp(): void {
    app = spawn(process.execPath, [...entryArguments('app'), '--port', String(world.port)], {
      env: { PATH: process.env.PATH ?? '', ...world.env, GITHUB_API_URL: `${origin}/api/v3` },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    app.stderr?.on('data', (line: Buffer) => world.log.push(line.toString()));
    app.once('exit', () => {
      if (!over) startApp();
    });
  }

  async function pass({
    request,
    response,
    instant,
  }: {
    request: IncomingMessage;
    response: ServerResponse;
    instant: 'before' | 'after' | null;
  }): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (instant === 'before') return kill(`${request.method} ${request.url}`, response);
    const { host: _host, connection: _connection, 'content-length': _length, ...headers } = request.headers;
    const answer = await fetch(`${world.github.url}${request.url}`, {
      method: request.method ?? 'GET',
      headers: headers as Record<string, string>,
      redirect: 'manual',
      ...(request.method === 'GET' ? {} : { body: Buffer.concat(chunks) }),
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (instant === 'after') return kill(`${request.method} ${request.url} (${answer.status})`, response);
    const type = answer.headers.get('content-type') ?? '';
    const body = type.includes('json') ? bytes.toString().replaceAll(world.github.url, origin) : bytes;
    const kept = [...answer.headers].filter(
      ([name]) => !/^(content-length|transfer-encoding|connection)$/.test(name),
    );
    response.writeHead(answer.status, Object.fromEntries(kept)).end(body);
  }

  function kill(what: string, response: ServerResponse): void {
    kills.push(what);
    app?.kill('SIGKILL');
    response.destroy();
  }

  it('loses nothing and does nothing twice', { timeout: 240_000 }, async () => {
    await defineBikes(world);
    const { pull } = await firstModel(world);
    const { rest, paginate } = world.as('ml-lead');
    const tags = await eventually(
      'all tags',
      async () => {
        const { data } = await rest.git.listMatchingRefs({ ...R, ref: 'tags/bikes' });
        return data.length >= 3 && data.map(({ ref }) => ref.slice('refs/tags/'.length));
      },
      world,
    );
    await eventually(
      'the deployment to be told',
      async () => {
        const [first] = (await rest.repos.listDeployments({ ...R, environment: 'bikes/production' })).data;
        if (!first) return false;
        const { data } = await rest.repos.listDeploymentStatuses({ ...R, deployment_id: first.id });
        return data[0]?.state === 'success';
      },
      world,
    );
    await eventually(
      'the release',
      async () => (await rest.repos.listReleases(R)).data.some(({ draft }) => !draft),
      world,
    );
    expect(tags).toEqual(['bikes#champion#2', 'bikes#production#1', 'bikes@v1.0.0']);
    expect((await rest.repos.listReleases(R)).data).toHaveLength(1);
    expect((await rest.repos.listDeployments(R)).data).toHaveLength(1);
    expect((await rest.pulls.list({ ...R, state: 'all' })).data).toHaveLength(2);
    expect((await rest.pulls.listCommits({ ...R, pull_number: pull })).data).toHaveLength(2);
    const comments = await paginate(rest.issues.listCommentsForRepo, { ...R, per_page: 100 });
    const markers = comments
      .filter(({ user }) => user?.login === BOT)
      .map(({ body, issue_url }) => `${issue_url.split('/').at(-1)} ${body?.split('\n')[0]}`);
    expect(markers).toEqual([...new Set(markers)]);
    const dispatched = await paginate(rest.actions.listWorkflowRunsForRepo, { ...R, per_page: 100 });
    const titles = dispatched.map(({ display_title }) => display_title);
    expect(titles).toEqual([...new Set(titles)]);
    expect(kills).toHaveLength(INSTANTS.length);
    expect(kills.filter((what) => what.endsWith('(201)')).length).toBeGreaterThanOrEqual(6);
  });
});
