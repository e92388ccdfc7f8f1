import type { ClaimedRun, PermissionLevel, Permissions } from '../protocol.ts';
import { typed } from './contexts.ts';
import type { Json, Scope } from './expression.ts';
import { evaluate, evaluateText, evaluateTexts } from './expression.ts';
import { tokenPermissions } from './permissions.ts';
import { isTemplateMap, mapOf } from './template.ts';
import { type Job, parseWorkflowFile, type Workflow } from './workflow.ts';

/** GitHub docs, reference/workflows-and-actions/reusing-workflow-configurations: levels with the first caller, and different files of one run. */
const maxLevels = 10;
const maxFiles = 50;
const localCall = /^\.\/(\.github\/workflows\/[^/]+\.ya?ml)$/;

export type Loaded = { ok: true; workflows: Map<string, Workflow> } | { ok: false; errors: string[] };
type Reading = {
  run: Pick<ClaimedRun, 'default_permissions'>;
  read: (path: string) => Promise<string | null>;
};

/** Reads all workflows that a run may call, before it begins: whatever is wrong with one of them keeps the run from starting. */
export async function loadCalled(input: Reading & { workflow: Workflow }): Promise<Loaded> {
  const workflows = new Map<string, Workflow>();
  const errors: string[] = [];

  async function visit(caller: Workflow, allowed: Permissions, level: number): Promise<void> {
    for (const job of caller.jobs) {
      if (!job.call) continue;
      const path = localCall.exec(job.call.uses)?.[1];
      const own = tokenPermissions({ job: job.permissions, workflow: caller.permissions, defaults: allowed });
      const fault = path ? await load(path, level) : notLocal(job.call.uses);
      const called = path ? workflows.get(path) : undefined;
      if (fault || !called) {
        errors.push(`error in called workflow "${job.call.uses}": ${fault}`);
        continue;
      }
      errors.push(...callFaults(job, called), ...permissionFaults(job, called, own));
      await visit(called, own, level + 1);
    }
  }

  async function load(path: string, level: number): Promise<string | null> {
    if (level >= maxLevels) return `workflows are nested deeper than ${maxLevels} levels`;
    if (workflows.has(path)) return null;
    if (workflows.size >= maxFiles) return `a run calls at most ${maxFiles} workflows`;
    const text = await input.read(path);
    if (text === null) return 'workflow was not found';
    const parsed = await parseWorkflowFile(path, text);
    if (!parsed.ok) return parsed.errors.join('\n');
    if (!parsed.workflow.callable)
      return "workflow is not reusable as it is missing a 'on.workflow_call' trigger";
    if (parsed.workflow.concurrency !== undefined)
      return `${path}: the local job runner cannot call a workflow with 'concurrency'; give it to its jobs`;
    workflows.set(path, parsed.workflow);
    return null;
  }

  await visit(input.workflow, input.run.default_permissions, 1);
  return errors.length > 0 ? { ok: false, errors: [...new Set(errors)] } : { ok: true, workflows };
}

function notLocal(uses: string): string {
  return `'${uses}' cannot be fetched here. The local job runner calls workflows of the same commit: ./.github/workflows/<file>`;
}

function callFaults(job: Job, called: Workflow): string[] {
  const { inputs, secrets } = called.callable ?? { inputs: new Map(), secrets: new Map() };
  const given = mapOf(job.call?.with ?? null);
  const passed = job.call?.secrets;
  const named = isTemplateMap(passed) ? passed : new Map();
  const missing = [...secrets].filter(([name, required]) => required && !named.has(name));
  return [
    ...[...given.keys()]
      .filter((name) => !inputs.has(name))
      .map((name) => `Invalid input, ${name} is not defined in the referenced workflow.`),
    ...[...inputs]
      .filter(([name, one]) => one.required && !given.has(name))
      .map(([name]) => `Input ${name} is required, but not provided while calling.`),
    ...(passed === 'inherit' ? [] : missing).map(
      ([name]) => `Secret ${name} is required, but not provided while calling.`,
    ),
    ...(job.concurrency === undefined
      ? []
      : [`job '${job.id}': the local job runner cannot call a workflow from a job with 'concurrency'`]),
  ];
}

/** A called workflow can only do with less than its caller has. */
function permissionFaults(job: Job, called: Workflow, allowed: Permissions): string[] {
  return called.jobs.flatMap((nested) => {
    if (nested.permissions === undefined && called.permissions === undefined) return [];
    const wanted = tokenPermissions({
      job: nested.permissions,
      workflow: called.permissions,
      defaults: allowed,
    });
    return Object.entries(wanted)
      .filter(([name, level]) => name !== 'metadata' && rank(level) > rank(allowed[name]))
      .map(
        ([name, level]) =>
          `Error calling workflow '${job.call?.uses}'. The nested job '${nested.id}' is requesting '${name}: ${level}', but is only allowed '${name}: ${allowed[name] ?? 'none'}'.`,
      );
  });
}

function rank(level: PermissionLevel | undefined): number {
  return ['none', 'read', 'write'].indexOf(level ?? 'none');
}

export function calledPath(job: Job): string {
  return localCall.exec(job.call?.uses ?? '')?.[1] ?? '';
}

/** The `inputs` context of a called workflow: what the caller gives, else the defaults, in the declared types. */
export function callInputs(job: Job, called: Workflow, scope: Scope): Record<string, Json> {
  const given = mapOf(job.call?.with ?? null);
  return Object.fromEntries(
    [...(called.callable?.inputs ?? [])].map(([name, { type, default: fallback }]) => {
      const value = evaluate(given.get(name) ?? fallback ?? null, scope);
      return [name, typed(type, typeof value === 'object' ? JSON.stringify(value) : value)];
    }),
  );
}

/** Without `secrets:` a called workflow has none; `inherit` gives it all. */
export function callSecrets(job: Job, secrets: Record<string, string>, scope: Scope): Record<string, string> {
  const passed = job.call?.secrets;
  if (passed === 'inherit') return secrets;
  if (!isTemplateMap(passed)) return {};
  return evaluateTexts(passed, { ...scope, contexts: { ...scope.contexts, secrets } });
}

/** `on.workflow_call.outputs`, read from the results of its jobs. */
export function callOutputs(called: Workflow, scope: Scope, jobs: Json): Record<string, string> {
  const inside = { ...scope, contexts: { ...scope.contexts, jobs } };
  const outputs = [...(called.callable?.outputs ?? [])];
  return Object.fromEntries(outputs.map(([name, value]) => [name, evaluateText(value, inside)]));
}
