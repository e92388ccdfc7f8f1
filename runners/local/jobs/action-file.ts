import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listOf, mapOf, type Template, type TemplateMap, textOf, toTemplate } from './template.ts';
import { type Step, toStep } from './workflow.ts';
import { noTrace, parseAction } from './workflow-parser.ts';

type ActionInput = { required: boolean; default: Template | undefined };
export type JavaScriptAction = {
  kind: 'javascript';
  main: string;
  pre: string | null;
  preIf: string;
  post: string | null;
  postIf: string;
};
export type CompositeAction = { kind: 'composite'; steps: Step[]; outputs: TemplateMap };
export type ActionFile = {
  path: string;
  name: string;
  inputs: ReadonlyMap<string, ActionInput>;
  runs: JavaScriptAction | CompositeAction;
};

/** Reads and checks the action.yml (or action.yaml) of a folder. */
export function readActionFile(folder: string): ActionFile {
  const path = ['action.yml', 'action.yaml']
    .map((name) => join(folder, name))
    .find((candidate) => existsSync(candidate));
  if (!path)
    throw new Error(
      `There is no action.yml in ${folder}. A local action needs the repository to be checked out first.`,
    );
  const { value, context } = parseAction({ name: path, content: readFileSync(path, 'utf8') }, noTrace);
  const errors = context.errors.getErrors().map((error) => error.message);
  if (!value || errors.length > 0) throw new Error(errors.join('\n'));
  const root = mapOf(toTemplate(value));
  return {
    path: folder,
    name: textOf(root.get('name')) ?? folder,
    inputs: new Map([...mapOf(root.get('inputs'))].map(([name, input]) => [name, toInput(mapOf(input))])),
    runs: toRuns(path, mapOf(root.get('runs')), mapOf(root.get('outputs'))),
  };
}

function toInput(input: TemplateMap): ActionInput {
  return { required: String(input.get('required')) === 'true', default: input.get('default') };
}

function toRuns(path: string, runs: TemplateMap, outputs: TemplateMap): JavaScriptAction | CompositeAction {
  const using = textOf(runs.get('using')) ?? '';
  if (using === 'composite') {
    return {
      kind: 'composite',
      steps: listOf(runs.get('steps')).map((step) => toStep(mapOf(step))),
      outputs: new Map([...outputs].map(([name, output]) => [name, mapOf(output).get('value') ?? ''])),
    };
  }
  if (!/^node\d+$/.test(using))
    throw new Error(`${path}: 'using: ${using}' cannot be run by the local job runner.`);
  return {
    kind: 'javascript',
    main: textOf(runs.get('main')) ?? '',
    pre: textOf(runs.get('pre')) ?? null,
    preIf: textOf(runs.get('pre-if')) ?? 'always()',
    post: textOf(runs.get('post')) ?? null,
    postIf: textOf(runs.get('post-if')) ?? 'always()',
  };
}
