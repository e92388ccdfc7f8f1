import { digestOf, hexOf } from '#lib/formats/digest.ts';
import type { WorkflowRun } from '#lib/github/runs.ts';
import { type RequestRecord, requestRecordSchema } from '#lib/lifecycle/records.ts';
import type { Project } from './project.ts';
import { readRecord, recordPath, recordText } from './records.ts';

export type Ask = {
  /** Says what the run is for: the same key never asks for a second run. */
  key: string;
  model: string;
  pull_request: number | null;
  workflow: string;
  /** A branch: never a SHA, GitHub refuses it. */
  ref: string;
  inputs: Record<string, string>;
  asked_by?: string | null;
};

/** GitHub's and our clock may differ by this much when a lost run is looked for. */
const CLOCK_SKEW_MS = 120_000;

/**
 * Makes sure that a run was dispatched for this key, once. The request is on record before the dispatch and
 * the run's id right after it; where the answer was lost, the run is found by the request id in its title.
 */
export async function requestRun(project: Project, ask: Ask): Promise<RequestRecord> {
  const path = recordPath.claim(ask.key);
  const known = await readRecord(project.state, path, requestRecordSchema);
  const record = known ?? (await claim(project, path, ask));
  if (record.run !== null) return record;
  const run = (known && (await findRun(project, record))) ?? (await dispatch(project, record));
  if (run === null) return record;
  return save(project, { ...record, run }, 'dispatched');
}

export async function readRequest(project: Project, key: string): Promise<RequestRecord | null> {
  return readRecord(project.state, recordPath.claim(key), requestRecordSchema);
}

/** Records how a run ended, together with what was taken from it, in one commit. */
export async function settleRequest(
  project: Project,
  record: RequestRecord,
  {
    settled,
    changes,
  }: { settled: NonNullable<RequestRecord['settled']>; changes: { path: string; text: string }[] },
): Promise<RequestRecord> {
  const next = { ...record, settled };
  await project.state.write({
    changes: [...changes, { path: recordPath.claim(record.key), text: recordText(next) }],
    audit: {
      event: settled.outcome === 'evidence' ? 'evidence taken' : 'run failed',
      actor: project.bot,
      subject: `run ${record.run} of ${record.model}`,
    },
  });
  return next;
}

async function claim(project: Project, path: string, ask: Ask): Promise<RequestRecord> {
  const request_id = hexOf(digestOf(`${project.owner}/${project.repo}:${ask.key}`)).slice(0, 32);
  const record: RequestRecord = {
    kind: 'roundhouse-request',
    ...ask,
    asked_by: ask.asked_by ?? null,
    inputs: { request_id, ...ask.inputs },
    request_id,
    at: project.now().toISOString(),
    run: null,
    settled: null,
  };
  const outcome = await project.state.write({
    changes: [{ path, text: recordText(record) }],
    fresh: [path],
    audit: { event: 'run requested', actor: project.bot, subject: ask.key },
  });
  if (outcome.kind === 'written') return record;
  const other = await readRecord(project.state, path, requestRecordSchema);
  if (other === null) throw new Error(`the claim ${ask.key} is taken, and is not there`);
  return other;
}

async function dispatch(project: Project, record: RequestRecord): Promise<number | null> {
  const { workflow, ref, inputs } = record;
  const told = await project.forge.runs.dispatch({ workflow, ref, inputs });
  return told ?? findRun(project, record);
}

/** Several of one id can only come from an answer lost twice: the lowest id counts. */
async function findRun(project: Project, record: RequestRecord): Promise<number | null> {
  const since = new Date(Date.parse(record.at) - CLOCK_SKEW_MS);
  const listed = await project.forge.runs.list({
    workflow: record.workflow,
    event: 'workflow_dispatch',
    since,
  });
  const mine = listed.filter((run: WorkflowRun) => run.title.includes(record.request_id));
  return mine.length === 0 ? null : Math.min(...mine.map(({ id }) => id));
}

async function save(project: Project, record: RequestRecord, event: string): Promise<RequestRecord> {
  await project.state.write({
    changes: [{ path: recordPath.claim(record.key), text: recordText(record) }],
    audit: { event, actor: project.bot, subject: `run ${record.run}: ${record.key}` },
  });
  return record;
}
