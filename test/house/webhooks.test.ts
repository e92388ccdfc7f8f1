import { createRequire } from 'node:module';
import { sign } from '@octokit/webhooks-methods';
import { App, Octokit } from 'octokit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, R, startWorld, type World } from '../loop/app-world.ts';

type Payload = Record<string, unknown> & { installation?: { id: number }; repository?: object };
type Example = { event: string; payload: Payload };

/** What GitHub publishes as examples of its webhooks, for github.com. */
const EXAMPLES: Example[] = (
  createRequire(import.meta.url)('@octokit/webhooks-examples/api.github.com/index.json') as {
    name: string;
    examples: Payload[];
  }[]
).flatMap(({ name, examples }) => examples.map((payload) => ({ event: name, payload })));

let world: World;
let before: string;

beforeAll(async () => {
  world = await startWorld();
  await world.startApp();
  await eventually('the first look', async () => (await health()).ok, world);
  before = await snapshot();
}, 60_000);
afterAll(() => world.close());

async function health(): Promise<{ ok: boolean; waiting: number }> {
  return (await fetch(`http://127.0.0.1:${world.port}/health`)).json() as Promise<{
    ok: boolean;
    waiting: number;
  }>;
}

/** Everything on GitHub that the app could have changed. */
async function snapshot(): Promise<string> {
  const { rest } = world.as('ml-lead');
  const [issues, comments, refs, runs, releases, deployments] = await Promise.all([
    rest.issues.listForRepo({ ...R, state: 'all', per_page: 100 }),
    rest.issues.listCommentsForRepo({ ...R, per_page: 100 }),
    rest.git.listMatchingRefs({ ...R, ref: 'heads/' }),
    rest.actions.listWorkflowRunsForRepo({ ...R, per_page: 100 }),
    rest.repos.listReleases({ ...R }),
    rest.repos.listDeployments({ ...R }),
  ]);
  return JSON.stringify([
    issues.data,
    comments.data,
    refs.data.map(({ ref, object }) => [ref, object.sha]),
    runs.data.workflow_runs.map(({ id }) => id),
    releases.data.map(({ id }) => id),
    deployments.data.map(({ id }) => id),
  ]);
}

async function post(
  body: string | Buffer,
  headers: Record<string, string>,
): Promise<{ status: number; text: string }> {
  const answer = await fetch(`http://127.0.0.1:${world.port}/api/github/webhooks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  return { status: answer.status, text: await answer.text() };
}

async function deliver(event: string, payload: Payload, id: string): Promise<number> {
  const body = JSON.stringify(payload);
  const signature = await sign(world.secrets.app.webhook_secret, body);
  const headers = {
    'x-github-event': event,
    'x-github-delivery': id,
    'x-hub-signature-256': signature,
  };
  return (await post(body, headers)).status;
}

async function settled(): Promise<void> {
  await eventually('an empty journal', async () => (await health()).waiting === 0, { log: world.log });
}

/** The lines of the log that tell a fault of ours. */
function faults(): string[] {
  return world.log.filter((line) => /a delivery (failed|was given up)|TypeError|ReferenceError/.test(line));
}

test("every example of GitHub's webhooks, as it is: taken, of no effect, no fault", async () => {
  expect(EXAMPLES.length).toBeGreaterThanOrEqual(329);
  const statuses: number[] = [];
  for (const [index, { event, payload }] of EXAMPLES.entries())
    statuses.push(await deliver(event, payload, `foreign-${index}`));
  expect(new Set(statuses)).toEqual(new Set([202]));
  await settled();
  expect(faults()).toEqual([]);
  expect((await health()).ok).toBe(true);
  expect(await snapshot()).toBe(before);
});

test('every example, as if it were of the repository that the app is installed on', async () => {
  const { data: repository } = await world.as('ml-lead').rest.repos.get(R);
  const installation = await installed();
  const statuses: number[] = [];
  for (const [index, { event, payload }] of EXAMPLES.entries())
    statuses.push(await deliver(event, { ...payload, repository, installation }, `ours-${index}`));
  expect(new Set(statuses)).toEqual(new Set([202]));
  await settled();
  expect(faults()).toEqual([]);
  expect((await health()).ok).toBe(true);
  expect(await snapshot()).toBe(before);
}, 120_000);

test.each<[string, (signed: Record<string, string>, body: string) => [Record<string, string>, string]]>([
  ['unsigned', ({ 'x-hub-signature-256': _, ...headers }, body) => [headers, body]],
  [
    'signed by SHA-1 alone',
    ({ 'x-hub-signature-256': sum = '', ...headers }, body) => [{ ...headers, 'x-hub-signature': sum }, body],
  ],
  ['signed for another body', (headers, body) => [headers, body.replace('/approve', '/APPROVE')]],
  ['cut off', (headers, body) => [headers, body.slice(0, -1)]],
  ['empty', (headers) => [headers, '']],
  ['without an event', ({ 'x-github-event': _, ...headers }, body) => [headers, body]],
])('a delivery that is %s is refused and of no effect', async (_how, forge) => {
  const comment = { id: 1, body: '/approve 0123456789abcdef', user: { login: 'ml-lead', type: 'User' } };
  const body = JSON.stringify({ action: 'created', issue: { number: 1 }, comment });
  const signature = await sign(world.secrets.app.webhook_secret, body);
  const [headers, sent] = forge(
    { 'x-github-event': 'issue_comment', 'x-github-delivery': 'forged', 'x-hub-signature-256': signature },
    body,
  );
  const { status } = await post(sent, headers);
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
  expect((await health()).waiting).toBe(0);
  expect(await snapshot()).toBe(before);
});

async function installed(): Promise<{ id: number }> {
  const { id: appId, private_key: privateKey } = world.secrets.app;
  const api = Octokit.defaults({ baseUrl: `${world.github.url}/api/v3` });
  const { octokit } = new App({ appId, privateKey, Octokit: api });
  const { data } = await octokit.rest.apps.getRepoInstallation(R);
  return { id: data.id };
}
