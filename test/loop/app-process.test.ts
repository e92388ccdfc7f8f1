import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { sign } from '@octokit/webhooks-methods';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entryArguments } from '../../runners/entry.ts';
import { approveLine, eventually, openProblem, startWorld, type World } from './app-world.ts';

/** Starts the app as its own process and gathers what it says. */
function start(env: Record<string, string | undefined>, port: number) {
  const child = spawn(process.execPath, [...entryArguments('app'), '--port', String(port)], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => said.push(text.toString()));
  return { child, said };
}

async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
}

describe('the app as a process', { timeout: 120_000 }, () => {
  let world: World;
  const children: ChildProcess[] = [];
  beforeAll(async () => {
    world = await startWorld();
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await world.close();
  });

  it('refuses to start without a secret, with the exit status of a mistake of the user', async () => {
    const { child, said } = start({ ...world.env, WEBHOOK_SECRET: undefined }, 0);
    children.push(child);
    expect(await ended(child)).toBe(2);
    expect(said.join('')).toContain('WEBHOOK_SECRET is missing');
    expect(said.join('')).not.toContain('BEGIN');
  });

  it('answers, works, shows it, and ends on SIGTERM after what it began', async () => {
    const { child, said } = start(world.env, world.port);
    children.push(child);
    const url = `http://127.0.0.1:${world.port}`;
    await eventually('health', async () => (await fetch(`${url}/health`).catch(() => null))?.ok, world);
    const issue = await openProblem(world);
    await approveLine(world, issue);
    await eventually(
      'its own account of the work',
      async () =>
        /roundhouse_deliveries_done_total\{event="issues"\} [1-9]/.test(
          await (await fetch(`${url}/metrics`)).text(),
        ),
      world,
    );
    child.kill('SIGTERM');
    expect(await ended(child)).toBe(0);
    expect(said.join('')).toContain('app ready');
  });

  it('finishes after its restart what it had only stored', async () => {
    const stopped = start({ ...world.env, GITHUB_API_URL: 'http://127.0.0.1:9/api/v3' }, world.port);
    children.push(stopped.child);
    const url = `http://127.0.0.1:${world.port}`;
    await eventually('health', async () => (await fetch(`${url}/health`).catch(() => null))?.ok, world);
    const body = JSON.stringify({ zen: 'kept', repository: null });
    const headers = {
      'x-github-delivery': 'stored-before-the-kill',
      'x-github-event': 'issues',
      'x-hub-signature-256': await sign(world.secrets.app.webhook_secret, body),
    };
    const answer = await fetch(`${url}/api/github/webhooks`, { method: 'POST', headers, body });
    expect([answer.status, await answer.text()]).toEqual([202, 'new']);
    stopped.child.kill('SIGKILL');
    await ended(stopped.child);
    const { child } = start(world.env, world.port);
    children.push(child);
    const receipt = await eventually(
      'the stored delivery to be done',
      async () => {
        const again = await fetch(`${url}/api/github/webhooks`, { method: 'POST', headers, body }).catch(
          () => null,
        );
        return (await again?.text()) === 'done';
      },
      world,
    );
    expect(receipt).toBe(true);
  });
});
