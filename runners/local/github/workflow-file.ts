import { fillIn } from '../expressions.ts';
import { readYaml } from './yaml.ts';

/** What the server itself must know of a workflow file; the jobs are the runner's business. */
export type WorkflowFile = {
  path: string;
  text: string;
  name: string;
  runName: string | undefined;
  /** As written: expressions are filled in for each run. */
  concurrency: unknown;
  on: Record<string, Record<string, unknown>>;
};

export type DispatchInput = {
  type: string;
  required: boolean;
  default: string | undefined;
  options: string[];
};

/** A value tells why a file is no workflow: a broken file must not break the push that brings it. */
export function parseWorkflow(path: string, text: string): WorkflowFile | { path: string; fault: string } {
  const read = readYaml(text);
  if ('fault' in read) return { path, fault: read.fault };
  const document = read.value;
  if (!isRecord(document)) return { path, fault: 'no mapping' };
  const on = triggers(document.on);
  if (!on || !isRecord(document.jobs)) return { path, fault: on ? 'no jobs' : 'no triggers' };
  return {
    path,
    text,
    name: typeof document.name === 'string' ? document.name : path,
    runName: typeof document['run-name'] === 'string' ? document['run-name'] : undefined,
    concurrency: document.concurrency,
    on,
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function triggers(on: unknown): WorkflowFile['on'] | undefined {
  if (typeof on === 'string') return { [on]: {} };
  if (Array.isArray(on)) return Object.fromEntries(on.map((event) => [String(event), {}]));
  if (!isRecord(on)) return undefined;
  return Object.fromEntries(
    Object.entries(on).map(([event, filter]) => {
      if (event === 'schedule') return [event, { crons: crons(filter) }];
      return [event, isRecord(filter) ? filter : {}];
    }),
  );
}

function crons(schedule: unknown): { cron: string; timezone: string }[] {
  if (!Array.isArray(schedule)) return [];
  return schedule
    .filter(isRecord)
    .flatMap(({ cron, timezone }) =>
      typeof cron === 'string' ? [{ cron, timezone: typeof timezone === 'string' ? timezone : 'UTC' }] : [],
    );
}

export function schedules(file: WorkflowFile): { cron: string; timezone: string }[] {
  return (file.on.schedule?.crons as { cron: string; timezone: string }[] | undefined) ?? [];
}

export function strings(value: unknown): string[] | undefined {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.map(String) : undefined;
}

export function dispatchInputs(file: WorkflowFile): Record<string, DispatchInput> | undefined {
  const trigger = file.on.workflow_dispatch;
  if (!trigger) return undefined;
  const declared = isRecord(trigger.inputs) ? trigger.inputs : {};
  return Object.fromEntries(
    Object.entries(declared).map(([name, input]) => {
      const fields = isRecord(input) ? input : {};
      return [
        name,
        {
          type: typeof fields.type === 'string' ? fields.type : 'string',
          required: fields.required === true,
          default:
            fields.default === undefined || fields.default === null ? undefined : String(fields.default),
          options: strings(fields.options) ?? [],
        },
      ];
    }),
  );
}

/** `run-name` with its expressions filled in from `github`, `inputs` and `vars`; undefined when it can't be. */
export function renderRunName(template: string, contexts: Record<string, unknown>): string | undefined {
  try {
    return String(fillIn(template, contexts) ?? '');
  } catch {
    return undefined;
  }
}

/** A run's place in line: one running and one waiting member of a group, or with `max` a hundred waiting. */
export type Concurrency = { group: string; cancelInProgress: boolean; queue: 'single' | 'max' };

/** The workflow's own `concurrency:` with its expressions filled in; throws where it can't be read. */
export function readConcurrency(
  setting: unknown,
  contexts: Record<string, unknown>,
): Concurrency | undefined {
  if (setting === undefined || setting === null) return undefined;
  const filled = (value: unknown) => (typeof value === 'string' ? fillIn(value, contexts) : value);
  const fields = isRecord(setting) ? setting : { group: setting };
  const group = String(filled(fields.group) ?? '');
  const cancelInProgress = filled(fields['cancel-in-progress']) === true;
  const queue = filled(fields.queue) === 'max' ? 'max' : 'single';
  if (group === '') throw new Error('concurrency has no group');
  if (queue === 'max' && cancelInProgress)
    throw new Error("concurrency: 'queue: max' cannot be combined with 'cancel-in-progress: true'");
  return { group, cancelInProgress, queue };
}

/** The ids of the entries of `jobs:` with those that each needs. */
export function jobNeeds(text: string): Map<string, string[]> {
  const read = readYaml(text);
  const document = 'fault' in read ? undefined : read.value;
  const jobs = isRecord(document) && isRecord(document.jobs) ? document.jobs : {};
  return new Map(Object.entries(jobs).map(([id, job]) => [id, (isRecord(job) && strings(job.needs)) || []]));
}
