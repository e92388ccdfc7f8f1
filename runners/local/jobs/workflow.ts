import type { KeyValuePair, TemplateToken } from '@actions/workflow-parser/templates/tokens/index';
import { parseDocument } from 'yaml';
import { conditionOf } from './expression.ts';
import { listOf, mapOf, type Template, type TemplateMap, textOf, toTemplate } from './template.ts';
import {
  convertWorkflowTemplate,
  isMapping,
  isSequence,
  isString,
  parseWorkflow,
  workflowContext,
} from './workflow-parser.ts';

type AnyStep = {
  id: string | null;
  name: Template | null;
  condition: string;
  env: Template;
  continueOnError: Template;
  timeoutMinutes: Template | null;
};
export type RunStep = AnyStep & {
  kind: 'run';
  run: Template;
  shell: Template | null;
  workingDirectory: Template | null;
};
export type UsesStep = AnyStep & { kind: 'uses'; uses: string; with: Template };
export type Step = RunStep | UsesStep;

export type Job = {
  id: string;
  name: Template | null;
  needs: string[];
  condition: string;
  runsOn: Template;
  strategy: Template;
  permissions: Template | undefined;
  concurrency: Template | undefined;
  environment: Template | undefined;
  /** The called workflow, for a job that has no steps of its own. */
  call: { uses: string; with: Template; secrets: Template | undefined } | null;
  env: Template;
  defaults: TemplateMap;
  timeoutMinutes: Template;
  continueOnError: Template;
  outputs: Template;
  steps: Step[];
};

type InputDefinition = { type: string; required: boolean; default: Template | undefined };
/** `on: workflow_call`. */
export type CallDefinition = {
  inputs: ReadonlyMap<string, InputDefinition>;
  /** Names, and whether a caller has to give them. */
  secrets: ReadonlyMap<string, boolean>;
  outputs: ReadonlyMap<string, Template>;
};

export type Workflow = {
  name: string;
  dispatchInputs: ReadonlyMap<string, InputDefinition>;
  /** Null for a workflow that can't be called. */
  callable: CallDefinition | null;
  permissions: Template | undefined;
  concurrency: Template | undefined;
  env: Template;
  defaults: TemplateMap;
  jobs: Job[];
};

export type ParsedWorkflow = { ok: true; workflow: Workflow } | { ok: false; errors: string[] };

/** GitHub's default, minutes. */
const jobTimeout = 360;
/** Bounds that keep hostile YAML from exhausting the stack of the parsers below. */
const maxBytes = 512 * 1024;
const maxIndent = 400;
const maxOpen = 200;

/** Every error is `<path> (Line: 3, Col: 5): what is wrong`. */
export async function parseWorkflowFile(path: string, text: string): Promise<ParsedWorkflow> {
  const oversize = boundsError(path, text);
  if (oversize) return { ok: false, errors: [oversize] };

  const context = workflowContext();
  const parsed = parseWorkflow({ name: path, content: text }, context);
  if (parsed.value && context.errors.count === 0) await convertWorkflowTemplate(context, parsed.value);
  const errors = context.errors.getErrors().map((error) => error.message);
  if (!parsed.value || errors.length > 0) return { ok: false, errors: [...new Set(errors)] };

  const root = mapOf(toTemplate(parsed.value));
  const refused = refusals(path, parsed.value);
  if (refused.length > 0) return { ok: false, errors: refused };
  return { ok: true, workflow: toWorkflow(path, root) };
}

function boundsError(path: string, text: string): string | null {
  if (Buffer.byteLength(text) > maxBytes) return `${path}: larger than ${maxBytes} bytes`;
  let open = 0;
  for (const [index, line] of text.split('\n').entries()) {
    const here = `${path} (Line: ${index + 1})`;
    if ((/^[\s?-]*/.exec(line)?.[0].length ?? 0) > maxIndent)
      return `${here}: indented deeper than ${maxIndent}`;
    for (const character of line) {
      if (character === '[' || character === '{') open += 1;
      if (character === ']' || character === '}') open = Math.max(0, open - 1);
      if (open > maxOpen) return `${here}: more than ${maxOpen} open brackets`;
    }
  }
  return aliasError(path, text);
}

/** The parser copies what an alias names wherever it is named: a short file could become an endless one. */
function aliasError(path: string, text: string): string | null {
  if (!/\*\w/.test(text)) return null;
  const document = parseDocument(text, { uniqueKeys: false, logLevel: 'silent' });
  if (document.errors.length > 0) return null;
  try {
    document.toJS({ maxAliasCount: 100 });
    return null;
  } catch (fault) {
    return `${path}: ${fault instanceof Error ? fault.message : fault}`;
  }
}

/** Keys that are right on GitHub but that this runner cannot honour: refused, never ignored. */
const refusedJobKeys = ['container', 'services', 'snapshot'];
const refusedStepKeys = ['background', 'wait', 'wait-all', 'cancel', 'parallel'];
const cacheModes = ['read', 'write', 'write-only', 'none'];

function refusals(path: string, root: TemplateToken): string[] {
  const errors: string[] = [];
  const refuse = (token: TemplateToken, what: string) =>
    errors.push(`${path} (Line: ${token.line}, Col: ${token.col}): ${what}`);
  for (const { key, value } of pairs(root)) {
    if (key.toString() === 'cache-mode') checkCacheMode(value);
    if (key.toString() !== 'jobs') continue;
    for (const job of pairs(value)) {
      for (const entry of pairs(job.value)) {
        const name = entry.key.toString();
        if (refusedJobKeys.includes(name))
          refuse(entry.key, `the local job runner cannot run a job with '${name}'`);
        if (name === 'cache-mode') checkCacheMode(entry.value);
        if (name !== 'steps' || !isSequence(entry.value)) continue;
        for (const step of [...entry.value].flatMap(pairs)) {
          if (refusedStepKeys.includes(step.key.toString()))
            refuse(step.key, `the local job runner cannot run a step with '${step.key}'`);
        }
      }
    }
  }
  function checkCacheMode(token: TemplateToken): void {
    const mode = isString(token) ? token.value : '';
    if (!cacheModes.includes(mode))
      refuse(token, `cache-mode is one of ${cacheModes.join(', ')}, not '${mode}'`);
  }
  return errors;
}

function pairs(token: TemplateToken): KeyValuePair[] {
  return isMapping(token) ? [...token] : [];
}

function toWorkflow(path: string, root: TemplateMap): Workflow {
  const on = root.get('on');
  const called =
    mapOf(on).has('workflow_call') || on === 'workflow_call' || listOf(on).includes('workflow_call');
  return {
    name: textOf(root.get('name')) ?? path,
    dispatchInputs: toInputs(mapOf(mapOf(on).get('workflow_dispatch'))),
    callable: called ? toCallable(mapOf(mapOf(on).get('workflow_call'))) : null,
    permissions: root.get('permissions'),
    concurrency: root.get('concurrency'),
    env: root.get('env') ?? null,
    defaults: mapOf(mapOf(root.get('defaults')).get('run')),
    jobs: [...mapOf(root.get('jobs'))].map(([id, job]) => toJob(id, mapOf(job))),
  };
}

function toInputs(trigger: TemplateMap): Map<string, InputDefinition> {
  return new Map(
    [...mapOf(trigger.get('inputs'))].map(([name, definition]) => [
      name,
      {
        type: textOf(mapOf(definition).get('type')) ?? 'string',
        required: mapOf(definition).get('required') === true,
        default: mapOf(definition).get('default'),
      },
    ]),
  );
}

function toCallable(trigger: TemplateMap): CallDefinition {
  const outputs = [...mapOf(trigger.get('outputs'))];
  const secrets = [...mapOf(trigger.get('secrets'))];
  return {
    inputs: toInputs(trigger),
    secrets: new Map(secrets.map(([name, one]) => [name, mapOf(one).get('required') === true])),
    outputs: new Map(outputs.map(([name, one]) => [name, mapOf(one).get('value') ?? ''])),
  };
}

function toJob(id: string, job: TemplateMap): Job {
  const needs = job.get('needs');
  const uses = textOf(job.get('uses'));
  return {
    id,
    name: job.get('name') ?? null,
    needs: (Array.isArray(needs) ? needs : [needs]).flatMap((need) => textOf(need) ?? []),
    condition: conditionOf(job.get('if')),
    runsOn: job.get('runs-on') ?? null,
    strategy: job.get('strategy') ?? null,
    permissions: job.get('permissions'),
    concurrency: job.get('concurrency'),
    environment: job.get('environment'),
    call: uses === undefined ? null : { uses, with: job.get('with') ?? null, secrets: job.get('secrets') },
    env: job.get('env') ?? null,
    defaults: mapOf(mapOf(job.get('defaults')).get('run')),
    timeoutMinutes: job.get('timeout-minutes') ?? jobTimeout,
    continueOnError: job.get('continue-on-error') ?? false,
    outputs: job.get('outputs') ?? null,
    steps: listOf(job.get('steps')).map((step) => toStep(mapOf(step))),
  };
}

/** Steps of workflows and of composite actions have one shape. */
export function toStep(step: TemplateMap): Step {
  const any: AnyStep = {
    id: textOf(step.get('id')) ?? null,
    name: step.get('name') ?? null,
    condition: conditionOf(step.get('if')),
    env: step.get('env') ?? null,
    continueOnError: step.get('continue-on-error') ?? false,
    timeoutMinutes: step.get('timeout-minutes') ?? null,
  };
  const uses = textOf(step.get('uses'));
  if (uses !== undefined) return { ...any, kind: 'uses', uses, with: step.get('with') ?? null };
  return {
    ...any,
    kind: 'run',
    run: step.get('run') ?? '',
    shell: step.get('shell') ?? null,
    workingDirectory: step.get('working-directory') ?? null,
  };
}
