import { z } from 'zod';
import { digestOf, hexOf } from '#lib/formats/digest.ts';
import type { WorkflowRun } from '#lib/github/runs.ts';
import type { StateWrite } from '#lib/github/state-branch.ts';
import type { AuditEvent } from '#lib/lifecycle/audit.ts';
import {
  dispatchSchema,
  openRequestSchema,
  type RequestRecord,
  requestRecordSchema,
} from '#lib/lifecycle/records.ts';
import { verdictSchema, worstOf } from '#lib/lifecycle/verdict.ts';
import { listRecords, readRecord, recordPath, recordText } from '#lib/records/records.ts';
import type { Project } from './project.ts';

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

/** As `claim` makes it: the workflows have it in their titles. */
const REQUEST_ID = /\b[0-9a-f]{32}\b/;

/** Longer than a dispatch and its answer. */
const LEASE_MS = 60_000;

/**
 * Makes sure that a run was dispatched for this key, once. The request is on record before the dispatch and
 * the run's id right after it; where the answer was lost, the run is found by the request id in its title.
 * Without a run where another process is about to dispatch it.
 */
export async function requestRun(project: Project, ask: Ask): Promise<RequestRecord> {
  const path = recordPath.claim(ask.key);
  const known = await readRecord(project.state, path, requestRecordSchema);
  const record = known === null ? await claim(project, path, ask) : await takeOver(project, path, known);
  if (record.run !== null || record.settled !== null || record.owner !== project.ownerId) return record;
  const run = (known && (await findRun(project, record))) ?? (await dispatch(project, record));
  if (run === null) return record;
  const saved = await save(project, { ...record, run });
  // Ended while its dispatch was on the way: whoever ended it knew of no run to stop.
  if (saved.settled !== null && saved.run === run) await project.forge.runs.cancel(run);
  return saved;
}

/** What a process that is gone had claimed goes to the first that comes after the lease. */
async function takeOver(project: Project, path: string, known: RequestRecord): Promise<RequestRecord> {
  const { ownerId, now } = project;
  const isLeft = known.lease_until === null || Date.parse(known.lease_until) < now().getTime();
  if (known.run !== null || known.owner === ownerId || !isLeft) return known;
  const mine = { ...known, owner: ownerId, lease_until: leaseFrom(now()) };
  const isMine = await swap(project, known, {
    changes: [{ path, text: recordText(mine) }],
    audit: { event: 'run request taken over', actor: project.bot, subject: known.key },
  });
  return isMine ? mine : known;
}

function leaseFrom(now: Date): string {
  return new Date(now.getTime() + LEASE_MS).toISOString();
}

/** Writes only where the request on record is still as it was read: of two processes that go on with it, one does. */
async function swap(
  project: Project,
  known: RequestRecord,
  write: Pick<StateWrite, 'changes' | 'audit'>,
): Promise<boolean> {
  const path = recordPath.claim(known.key);
  const text = await project.state.read(path);
  if (text === null || recordText(requestRecordSchema.parse(JSON.parse(text))) !== recordText(known)) {
    return false;
  }
  return (await project.state.write({ ...write, expected: [{ path, text }] })).kind === 'written';
}

export async function readRequest(
  project: Pick<Project, 'state'>,
  key: string,
): Promise<RequestRecord | null> {
  return readRecord(project.state, recordPath.claim(key), requestRecordSchema);
}

/**
 * The request without a pull request that a run was dispatched for, told by the request id in its title; null
 * where somebody else has started it. `run` is null as long as its number is not on record.
 */
export async function requestOfRun(
  project: Pick<Project, 'state'>,
  run: Pick<WorkflowRun, 'id' | 'title'>,
): Promise<RequestRecord | null> {
  const [id] = REQUEST_ID.exec(run.title) ?? [];
  if (id === undefined) return null;
  const dispatch = await readRecord(project.state, recordPath.dispatch(id), dispatchSchema);
  const request = dispatch && (await readRequest(project, dispatch.key));
  return request !== null && (request.run ?? run.id) === run.id ? request : null;
}

async function onRecord(project: Project, key: string): Promise<RequestRecord> {
  const known = await readRequest(project, key);
  if (known === null) throw new Error(`the request ${key} is not on record any more`);
  return known;
}

const EVENTS = {
  evidence: 'evidence taken',
  fault: 'run failed',
  superseded: 'run superseded',
  cancelled: 'run cancelled',
  lost: 'runner lost',
} as const;

type Settling = {
  settled: NonNullable<RequestRecord['settled']>;
  changes?: { path: string; text: string }[];
  actor?: string;
  /** What the audit log says instead of how the run ended, where more is known. */
  told?: Pick<AuditEvent, 'event' | 'subject' | 'digest'>;
};

/**
 * Records how a run ended, together with what was taken from it, in one commit. Answers the request as it is on
 * record then: where another process settled it meanwhile, what that one said stays.
 */
export async function settleRequest(
  project: Project,
  record: RequestRecord,
  { settled, changes = [], actor = project.bot, told }: Settling,
): Promise<RequestRecord> {
  const { key, pull_request } = record;
  const known = await onRecord(project, key);
  if (JSON.stringify(known.settled) !== JSON.stringify(record.settled)) return known;
  const next = { ...known, run: known.run ?? record.run, settled };
  const open = pull_request === null ? [] : [{ path: recordPath.openRequest(pull_request, key), text: null }];
  const isMine = await swap(project, known, {
    changes: [...changes, { path: recordPath.claim(key), text: recordText(next) }, ...open],
    audit: {
      event: EVENTS[settled.outcome],
      actor,
      subject: `run ${next.run} of ${record.model}`,
      model: record.model,
      note: settled.note,
      ...foundIn(changes),
      ...told,
    },
  });
  return isMine ? next : settleRequest(project, record, { settled, changes, actor, ...(told && { told }) });
}

/** Digests of the evidence among the changes, and the worst that it says. */
function foundIn(changes: { path: string; text: string }[]): Pick<AuditEvent, 'digest' | 'verdict'> {
  const evidence = changes.flatMap(({ path, text }) => {
    const [, digest] = /^evidence\/[0-9a-f]{2}\/([0-9a-f]{64})\.json$/.exec(path) ?? [];
    return digest === undefined ? [] : [{ digest: `sha256:${digest}`, text }];
  });
  const verdicts = evidence.flatMap(({ text }) => saidVerdict.safeParse(JSON.parse(text)).data ?? []);
  return {
    digest: evidence.map(({ digest }) => digest),
    ...(verdicts.length > 0 ? { verdict: worstOf(verdicts) } : {}),
  };
}

/** The data stage says it of the contract, the others of themselves. */
const saidVerdict = z
  .object({
    predicate: z.object({
      result: z.union([
        z.object({ verdict: verdictSchema }),
        z.object({ contract: z.object({ verdict: verdictSchema }) }),
      ]),
    }),
  })
  .transform(({ predicate: { result } }) => ('verdict' in result ? result.verdict : result.contract.verdict));

/** Requests of a pull request that are not settled, oldest first. */
export async function openRequests(project: Project, pull: number): Promise<RequestRecord[]> {
  const found: RequestRecord[] = [];
  for (const { key } of await listRecords(project.state, recordPath.openRequests(pull), openRequestSchema)) {
    const request = await readRequest(project, key);
    if (request !== null && request.settled === null) found.push(request);
  }
  return found.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

/** Numbers of the pull requests with requests that are not settled. */
export async function pullsWithRequests({ state }: Pick<Project, 'state'>): Promise<number[]> {
  const paths = await state.paths('requests/');
  return [...new Set(paths.map((path) => Number(path.split('/')[1])))];
}

/** Stops the run of a request and records why: what it hands over after that is not taken. */
export async function endRequest(
  project: Project,
  asked: RequestRecord,
  end: { outcome: 'superseded' | 'cancelled'; note: string; actor?: string },
): Promise<void> {
  const { outcome, note, actor = project.bot } = end;
  const id = asked.run ?? (await findRun(project, asked));
  // Dispatched by a process that was killed before it wrote so: the audit log has the dispatch before its end.
  const request = asked.run === null && id !== null ? await save(project, { ...asked, run: id }) : asked;
  const run = id === null ? null : await project.forge.runs.get(id);
  if (run && run.status !== 'completed') await project.forge.runs.cancel(run.id);
  // Another process ended it meanwhile and knew of no run to stop: what that one said stays.
  if (request.settled !== null) return;
  const settled = { attempt: run?.attempt ?? 1, outcome, note };
  const ended = await settleRequest(project, { ...request, run: id }, { settled, actor });
  // Dispatched by another process while this one looked for it.
  if (ended.run !== null && ended.run !== id) await project.forge.runs.cancel(ended.run);
  project.log.info({ run: id, pull: request.pull_request, outcome, note }, 'a run was ended');
}

async function claim(project: Project, path: string, ask: Ask): Promise<RequestRecord> {
  const request_id = hexOf(digestOf(`${project.owner}/${project.repo}:${ask.key}`)).slice(0, 32);
  // In the order of the schema, in which whoever goes on with it will write it.
  const record = requestRecordSchema.parse({
    kind: 'roundhouse-request',
    ...ask,
    asked_by: ask.asked_by ?? null,
    inputs: { request_id, ...ask.inputs },
    request_id,
    at: project.now().toISOString(),
    owner: project.ownerId,
    lease_until: leaseFrom(project.now()),
    run: null,
    settled: null,
  });
  const open =
    ask.pull_request === null
      ? { path: recordPath.dispatch(request_id), text: recordText(dispatchOf(ask.key)) }
      : { path: recordPath.openRequest(ask.pull_request, ask.key), text: recordText(openOf(ask.key)) };
  const outcome = await project.state.write({
    changes: [{ path, text: recordText(record) }, open],
    fresh: [path],
    audit: { event: 'run requested', actor: project.bot, subject: ask.key },
  });
  if (outcome.kind === 'written') return record;
  const other = await readRecord(project.state, path, requestRecordSchema);
  if (other === null) throw new Error(`the claim ${ask.key} is taken, and is not there`);
  return other;
}

function openOf(key: string): z.infer<typeof openRequestSchema> {
  return { kind: 'roundhouse-open-request', key };
}

function dispatchOf(key: string): z.infer<typeof dispatchSchema> {
  return { kind: 'roundhouse-dispatch', key };
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

/** Adds the run to the request as it is on record now; that may have been ended in the meantime. */
async function save(project: Project, record: RequestRecord): Promise<RequestRecord> {
  const now = await onRecord(project, record.key);
  if (now.run !== null) return now;
  const next = { ...now, run: record.run };
  const isSaved = await swap(project, now, {
    changes: [{ path: recordPath.claim(record.key), text: recordText(next) }],
    audit: {
      event: 'dispatched',
      actor: project.bot,
      subject: `run ${record.run}: ${record.key}`,
      model: record.model,
    },
  });
  return isSaved ? next : save(project, record);
}
