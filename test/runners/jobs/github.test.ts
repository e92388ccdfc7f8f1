import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGitHub } from '../../../runners/local/github/server.ts';
import { startJobRunner } from '../../../runners/local/jobs/runner.ts';
import type { LocalSecrets } from '../../../runners/local/protocol.ts';

/** The runner against the real local GitHub: git over HTTP, tokens with their permissions, logs, artifacts. */
const sha = '0123456789abcdef0123456789abcdef01234567';
let dir: string;
let github: Awaited<ReturnType<typeof startGitHub>>;
let runner: Awaited<ReturnType<typeof startJobRunner>>;
let token: string;
let control: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'github-'));
  const seed = { owner: 'acme', repository: 'bikes', people: [{ login: 'ml-lead', role: 'admin' as const }] };
  github = await startGitHub({ dir, port: 0, log: () => undefined, seed });
  const secrets = JSON.parse(readFileSync(join(dir, 'secrets.json'), 'utf8')) as LocalSecrets;
  token = secrets.tokens['ml-lead'] ?? '';
  control = secrets.control;
  runner = await startJobRunner({ url: github.url, control: secrets.control, dir, graceMs: 300, pollMs: 50 });
});

afterAll(async () => {
  await runner?.close();
  await github?.close();
  rmSync(dir, { recursive: true, force: true });
});

/** Asynchronous, because the server it may talk to lives in this process. */
async function git(cwd: string, ...args: string[]): Promise<string> {
  const identity = [
    '-c',
    'user.name=Lead',
    '-c',
    'user.email=lead@example.org',
    '-c',
    'init.defaultBranch=main',
  ];
  const { stdout } = await promisify(execFile)('git', [...identity, ...args], { cwd, timeout: 20_000 });
  return stdout.trim();
}

type Rest = { status: number; body: Record<string, unknown> };

async function rest(method: string, path: string, body?: unknown): Promise<Rest> {
  const response = await fetch(`${github.url}/api/v3${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'x-github-api-version': '2026-03-10',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : { text } };
}

let clones = 0;

/** Pushes the workflow to main, with a branch and a tag beside it, and dispatches it. */
async function play(
  workflow: string,
  files: Record<string, string> = {},
): Promise<{
  id: number;
  conclusion: string;
  log: (job: string) => string;
  commits: Record<string, string>;
}> {
  const url = github.url.replace('://', `://ml-lead:${token}@`);
  const clone = join(dir, `clone-${clones++}`);
  mkdirSync(join(clone, '.github/workflows'), { recursive: true });
  await git(clone, 'init', '--quiet');
  writeFileSync(join(clone, '.github/workflows/play.yml'), workflow);
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(clone, '.github/workflows', name), text);
  writeFileSync(join(clone, 'data.txt'), 'main\n');
  await git(clone, 'add', '-A');
  await git(clone, 'commit', '--quiet', '-m', 'first');
  await git(clone, 'tag', 'v1');
  await git(clone, 'commit', '--quiet', '--allow-empty', '-m', 'second');
  const main = await git(clone, 'rev-parse', 'HEAD');
  await git(clone, 'checkout', '--quiet', '-b', 'feature');
  writeFileSync(join(clone, 'data.txt'), 'feature\n');
  await git(clone, 'commit', '--quiet', '-am', 'third');
  const feature = await git(clone, 'rev-parse', 'HEAD');
  await git(clone, 'push', '--quiet', '--force', `${url}/acme/bikes.git`, 'main', 'feature', 'v1');

  const { body } = await rest('POST', '/repos/acme/bikes/actions/workflows/play.yml/dispatches', {
    ref: 'main',
  });
  if (!body.workflow_run_id) throw new Error(JSON.stringify(body));
  const id = Number(body.workflow_run_id);
  const run = await ended(id);
  const jobs = ((await rest('GET', `/repos/acme/bikes/actions/runs/${id}/jobs`)).body.jobs ?? []) as {
    id: number;
    name: string;
  }[];
  const logs = new Map<string, string>();
  for (const job of jobs)
    logs.set(
      job.name,
      String((await rest('GET', `/repos/acme/bikes/actions/jobs/${job.id}/logs`)).body.text ?? ''),
    );
  const log = (name: string) => (logs.get(name) ?? '').replaceAll(/^\S+ /gm, '');
  return { id, conclusion: String(run.conclusion), log, commits: { main, feature } };
}

async function ended(id: number): Promise<Rest['body']> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; ) {
    const { body } = await rest('GET', `/repos/acme/bikes/actions/runs/${id}`);
    if (body.status === 'completed') return body;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`run ${id} did not end`);
}

// Fact 22. What is judged is the commit that the app read; no pull_request_target.
describe('checkout', () => {
  test('the default commit, a branch, a tag, a commit, all history, a folder; credentials only while asked for', async () => {
    const checkout = `uses: actions/checkout@${sha}`;
    const run = await play(`
on: workflow_dispatch
permissions: {contents: read}
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - {${checkout}}
      - run: cat data.txt && echo "head $(git rev-parse HEAD) $(git rev-parse --abbrev-ref HEAD) $(git log --oneline | wc -l)" && git config --get-regexp extraheader
      - {${checkout}, with: {ref: feature, path: side, persist-credentials: false, fetch-depth: 0}}
      - run: cat side/data.txt && cd side && echo "side $(git rev-parse HEAD) $(git log --oneline | wc -l)" && git log --oneline origin/main && ! git config --get-regexp extraheader
      - {${checkout}, with: {ref: v1, path: tagged}}
      - run: cd tagged && git describe --tags
      - id: by
        ${checkout}
        with: {ref: "\${{ github.sha }}", path: exact}
      - run: echo "exact \${{ steps.by.outputs.commit }}"
      - {${checkout}, with: {ref: nowhere, path: x}, continue-on-error: true}
      - {${checkout}, with: {path: ../../out}, continue-on-error: true}
      - env: {TOKEN: "\${{ github.token }}"}
        run: |
          cd side && git -c user.name=a -c user.email=b commit --allow-empty -qm x
          git -c "http.extraheader=AUTHORIZATION: basic $(printf "x-access-token:$TOKEN" | base64 -w0)" push origin HEAD:feature
        continue-on-error: true
        id: push
      - run: echo "push \${{ steps.push.outcome }}"
`);
    const log = run.log('one');
    expect(run.conclusion, log).toBe('success');
    expect(log).toContain(`main\nhead ${run.commits.main} main 1\n`);
    expect(log).toContain('.extraheader AUTHORIZATION: basic ***');
    expect(log).toContain(`feature\nside ${run.commits.feature} 3\n`);
    expect(log).toMatch(/^v1$/m);
    expect(log).toContain(`exact ${run.commits.main}`);
    expect(log).toContain("A branch or tag with the name 'nowhere' could not be found");
    expect(log).toContain("The path '../../out' is outside the workspace.");
    expect(log, 'contents: read cannot push').toMatch(
      /The requested URL returned error: 403[\s\S]*push failure/,
    );
  });

  test('a token without contents cannot clone', async () => {
    const run = await play(`
on: workflow_dispatch
permissions: {}
jobs:
  one:
    runs-on: ubuntu-latest
    steps: [{uses: actions/checkout@${sha}}]
`);
    expect(run.conclusion).toBe('failure');
    expect(run.log('one')).toContain('git fetch failed');
  });
});

test('artifacts go from run to run by REST, with actions: read only', async () => {
  const first = await play(`
on: workflow_dispatch
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - run: echo '{"a":1}' > statement.json
      - {id: u, uses: actions/upload-artifact@${sha}, with: {name: evidence-data-1, path: statement.json}}
      - {uses: actions/upload-artifact@${sha}, with: {name: evidence-data-1, path: statement.json}, continue-on-error: true}
      - run: echo "id \${{ steps.u.outputs.artifact-id }} \${{ steps.u.outputs.artifact-digest }}"
`);
  expect(first.log('one')).toContain('(409) Conflict');
  const { body } = await rest('GET', `/repos/acme/bikes/actions/runs/${first.id}/artifacts`);
  const [artifact] = body.artifacts as { id: number; name: string; digest: string }[];
  expect(first.log('one')).toContain(`id ${artifact?.id} ${artifact?.digest.replace('sha256:', '')}`);

  const second = await play(`
on: workflow_dispatch
permissions: {}
jobs:
  allowed:
    runs-on: ubuntu-latest
    permissions: {actions: read}
    steps:
      - {uses: actions/download-artifact@${sha}, with: {name: evidence-data-1, run-id: ${first.id}, github-token: "\${{ github.token }}"}}
      - run: cat statement.json
  refused:
    runs-on: ubuntu-latest
    permissions: {contents: read}
    steps:
      - {uses: actions/download-artifact@${sha}, with: {name: evidence-data-1, run-id: ${first.id}, github-token: "\${{ github.token }}"}}
`);
  expect(second.log('allowed')).toContain('{"a":1}');
  expect(second.log('refused')).toMatch(/Unable to download artifact\(s\): 40[34] from/);
});

test('a run that is cancelled by REST ends as cancelled, and a broken file as startup_failure with its line', async () => {
  const cancelling = play(
    'on: workflow_dispatch\njobs:\n  one: {runs-on: ubuntu-latest, steps: [{run: sleep 30}]}\n',
  );
  const deadline = Date.now() + 20_000;
  for (let found = false; !found && Date.now() < deadline; ) {
    const { body } = await rest('GET', '/repos/acme/bikes/actions/runs?status=in_progress');
    const [run] = body.workflow_runs as { id: number }[];
    if (run) found = (await rest('POST', `/repos/acme/bikes/actions/runs/${run.id}/cancel`)).status === 202;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect((await cancelling).conclusion).toBe('cancelled');

  const broken = await play(
    'on: workflow_dispatch\njobs:\n  one:\n    runs-on: ubuntu-latest\n    step: 1\n    steps: [{run: a}]\n',
  );
  expect(broken.conclusion).toBe('startup_failure');
});

// GitHub docs: reuse-workflows, deployments-and-environments, re-run-workflows-and-jobs.
test('a called workflow of the same commit, an environment that lends secrets, and a re-run of what failed', async () => {
  const local = { 'x-roundhouse-local': control, 'content-type': 'application/json' };
  const environment = { secrets: { KEY: 'lent-secret' }, vars: { PLACE: 'production' } };
  await fetch(`${github.url}/_local/environments/acme/bikes/live`, {
    ...{ method: 'PUT', headers: local, body: JSON.stringify(environment) },
  });
  const first = await play(
    `
on: workflow_dispatch
jobs:
  call: {uses: ./.github/workflows/inner.yml, with: {word: moon}}
  use:
    needs: call
    runs-on: ubuntu-latest
    environment: {name: live, url: "https://example.org/\${{ needs.call.outputs.said }}", deployment: true}
    concurrency: {group: live}
    steps:
      - run: echo "\${{ vars.PLACE }} \${{ needs.call.outputs.said }} attempt \${{ github.run_attempt }}"
      - {if: github.run_attempt == 1, env: {KEY: "\${{ secrets.KEY }}"}, run: 'test "$KEY" != lent-secret'}
`,
    {
      'inner.yml': `
on: {workflow_call: {inputs: {word: {type: string}}, outputs: {said: {value: "\${{ jobs.say.outputs.said }}"}}}}
jobs:
  say:
    runs-on: ubuntu-latest
    outputs: {said: "\${{ steps.s.outputs.said }}"}
    steps: [{id: s, run: 'echo "said=\${{ inputs.word }}-\${{ github.run_attempt }}" >> "$GITHUB_OUTPUT"'}]
`,
    },
  );
  expect(first.conclusion).toBe('failure');
  expect(first.log('use')).toContain('production moon-1 attempt 1');
  expect((await rest('POST', `/repos/acme/bikes/actions/runs/${first.id}/rerun-failed-jobs`)).status).toBe(
    201,
  );
  expect(await ended(first.id)).toMatchObject({ conclusion: 'success', run_attempt: 2 });
  const { body } = await rest('GET', `/repos/acme/bikes/actions/runs/${first.id}/jobs`);
  const jobs = body.jobs as { id: number; name: string; conclusion: string }[];
  expect(jobs.map(({ name, conclusion }) => [name, conclusion])).toEqual([
    ...[
      ['call / say', 'success'],
      ['use', 'success'],
    ],
  ]);
  const log = (await rest('GET', `/repos/acme/bikes/actions/jobs/${jobs[1]?.id}/logs`)).body.text;
  expect(log).toContain('production moon-1 attempt 2');
  const made = (await rest('GET', '/repos/acme/bikes/deployments?environment=live')).body.text;
  const [last] = JSON.parse(String(made)) as { id: number }[];
  const states = (await rest('GET', `/repos/acme/bikes/deployments/${last?.id}/statuses`)).body.text;
  expect(JSON.parse(String(states))[0]).toMatchObject({
    ...{ state: 'success', environment_url: 'https://example.org/moon-1' },
  });
});
