import { z } from 'zod';
import { type Actor, actorLogin, hasRole } from '../auth.ts';
import {
  type Answer,
  countedList,
  created,
  type Endpoint,
  list,
  ok,
  page,
  parseBody,
  type RepoCall,
  repo,
} from '../endpoint.ts';
import { listRefs } from '../git-refs.ts';
import { timestamp } from '../hub.ts';
import { invalid, notFound, Refusal } from '../refusal.ts';
import type { CheckRun, CommitStatus } from '../rows/check.ts';
import { repositoryShape, repoUrl, userShape } from '../shapes/account.ts';
import { checkEventShape, checkShape, latestChecks, latestStatuses, statusShape } from '../shapes/check.ts';
import { commitShape, readCommit } from '../shapes/commit.ts';
import { emit } from '../webhooks.ts';
import { resolveCommit } from './contents.ts';
import { emitSuite } from './suites.ts';

export const checks: Endpoint[] = [
  repo('POST /check-runs', 'checks=write | write', createCheck),
  repo('GET /check-runs/:id', 'checks=read', (call) => ok(checkShape(call.hub, call.repo, getCheck(call)))),
  repo('PATCH /check-runs/:id', 'checks=write | write', updateCheck),
  repo('GET /check-runs/:id/annotations', 'checks=read', listAnnotations),
  repo('POST /check-runs/:id/rerequest', 'checks=write | write', rerequest),
  repo('POST /statuses/:sha', 'statuses=write | write', createStatus),
];

/** Registered by rest/commits.ts, which owns `/commits/{ref}/…`. */
export async function checksOfRef(call: RepoCall, ref: string): Promise<Answer> {
  const sha = await shaOf(call, ref);
  const { query } = call;
  const all = call.hub.db.filter(
    'checks',
    (one) => one.repository_id === call.repo.id && one.head_sha === sha,
  );
  const rows = (query.filter === 'all' ? all : latestChecks(call.hub, call.repo, sha)).filter(
    (one) =>
      (!query.check_name || one.name === query.check_name) &&
      (!query.status || one.status === query.status) &&
      (!query.app_id || String(one.app_id) === query.app_id),
  );
  return countedList(call, 'check_runs', rows.toReversed(), (one) => checkShape(call.hub, call.repo, one));
}

export async function statusesOfRef(call: RepoCall, ref: string): Promise<Answer> {
  const sha = await shaOf(call, ref);
  const rows = call.hub.db.filter('statuses', (one) => one.repository_id === call.repo.id && one.sha === sha);
  return list(call, rows.toReversed(), (one) => statusShape(call.hub, call.repo, one));
}

export async function combinedStatus(call: RepoCall, ref: string): Promise<Answer> {
  const sha = await shaOf(call, ref);
  const latest = latestStatuses(call.hub, call.repo, sha);
  const { items, headers } = page(call, latest, (one) => statusShape(call.hub, call.repo, one));
  const failed = latest.some(({ state }) => state === 'failure' || state === 'error');
  const waiting = latest.length === 0 || latest.some(({ state }) => state === 'pending');
  return ok(
    {
      state: failed ? 'failure' : waiting ? 'pending' : 'success',
      statuses: items,
      sha,
      total_count: latest.length,
      repository: repositoryShape(call.hub, call.repo),
      commit_url: repoUrl(call.hub, call.repo, `/commits/${sha}`),
      url: repoUrl(call.hub, call.repo, `/commits/${sha}/status`),
    },
    headers,
  );
}

async function shaOf(call: RepoCall, ref: string): Promise<string> {
  const sha = await resolveCommit(call.hub, call.repo, ref);
  if (!sha) throw new Refusal(422, `No commit found for SHA: ${ref}`);
  return sha;
}

/** Only apps make check runs; a person gets GitHub's own words for it. */
function appIdOf(actor: Actor): number {
  if (actor.kind === 'installation') return actor.app.id;
  if (actor.kind === 'job') return 15368;
  throw new Refusal(403, 'You must authenticate via a GitHub App.');
}

const TEXT_LIMIT = 65_535;
const ANNOTATION_LIMIT = 50;
const TEXT = z.string().max(TEXT_LIMIT, `is too long (maximum is ${TEXT_LIMIT} characters)`);

const OUTPUT = z.object({
  title: z.string(),
  summary: TEXT,
  text: TEXT.optional(),
  annotations: z
    .array(
      z.object({
        path: z.string(),
        start_line: z.number().int(),
        end_line: z.number().int(),
        start_column: z.number().int().optional(),
        end_column: z.number().int().optional(),
        annotation_level: z.enum(['notice', 'warning', 'failure']),
        message: z.string(),
        title: z.string().optional(),
        raw_details: z.string().optional(),
      }),
    )
    .max(ANNOTATION_LIMIT, `No more than ${ANNOTATION_LIMIT} annotations per request`)
    .default([]),
});

const CHECK = z.object({
  name: z.string().min(1).optional(),
  head_sha: z.string().optional(),
  details_url: z.string().optional(),
  external_id: z.string().optional(),
  status: z.enum(['queued', 'in_progress', 'completed', 'waiting', 'requested', 'pending']).optional(),
  conclusion: z
    .enum(['action_required', 'cancelled', 'failure', 'neutral', 'success', 'skipped', 'stale', 'timed_out'])
    .optional(),
  started_at: z.string().optional(),
  completed_at: z.string().optional(),
  output: OUTPUT.optional(),
  actions: z
    .array(
      z.object({
        label: z.string().max(20),
        description: z.string().max(40),
        identifier: z.string().max(20),
      }),
    )
    .max(3)
    .optional(),
});

async function createCheck(call: RepoCall): Promise<Answer> {
  const { hub } = call;
  const app_id = appIdOf(call.actor);
  const input = parseBody(call, CHECK);
  if (!input.name) throw invalid({ resource: 'CheckRun', field: 'name', code: 'missing_field' });
  const found =
    /^[0-9a-f]{40}$/.test(input.head_sha ?? '') &&
    (await hub.git(call.repo).info(`${input.head_sha}^{commit}`));
  if (!found) throw new Refusal(422, `No commit found for SHA: ${input.head_sha ?? ''}`);
  const known = hub.db.find(
    'checks',
    (one) => one.repository_id === call.repo.id && one.app_id === app_id && one.head_sha === found.oid,
  );
  const check: CheckRun = {
    id: hub.db.nextId(),
    repository_id: call.repo.id,
    suite_id: known?.suite_id ?? hub.db.nextId(),
    app_id,
    name: input.name,
    head_sha: found.oid,
    external_id: '',
    details_url: '',
    status: 'queued',
    conclusion: null,
    started_at: timestamp(),
    completed_at: null,
    output: { title: null, summary: null, text: null },
    annotations: [],
    actions: [],
  };
  applyInput(check, input);
  hub.db.put('checks', check.id, check);
  emitCheck(call, check, 'created');
  if (check.status === 'completed') await emitCompleted(call, check);
  return created(checkShape(hub, call.repo, check));
}

function applyInput(check: CheckRun, input: z.infer<typeof CHECK>): void {
  // "You cannot change a check run conclusion to stale, only GitHub can set this" (GitHub docs, rest/checks/runs).
  if (input.conclusion === 'stale')
    throw invalid({ resource: 'CheckRun', field: 'conclusion', code: 'invalid' });
  if (input.status === 'completed' && !input.conclusion && !check.conclusion) {
    throw invalid({ resource: 'CheckRun', field: 'conclusion', code: 'missing_field' });
  }
  check.name = input.name ?? check.name;
  check.details_url = input.details_url ?? check.details_url;
  check.external_id = input.external_id ?? check.external_id;
  check.started_at = input.started_at ?? check.started_at;
  check.actions = input.actions ?? check.actions;
  if (input.output) {
    const { title, summary, text = null, annotations } = input.output;
    check.output = { title, summary, text };
    check.annotations = [...check.annotations, ...annotations];
  }
  // A conclusion completes the run, whatever the status says.
  if (input.conclusion) {
    check.status = 'completed';
    check.conclusion = input.conclusion;
    check.completed_at = input.completed_at ?? timestamp();
  } else if (input.status) {
    check.status = input.status;
    if (input.status !== 'completed') Object.assign(check, { conclusion: null, completed_at: null });
  }
}

/** What a person asks of a check goes to the app that made it, and to no other. */
const TO_OWNER = ['rerequested', 'requested_action'];

function emitCheck(
  call: Pick<RepoCall, 'hub' | 'repo' | 'actor'>,
  check: CheckRun,
  action: string,
  more: Record<string, unknown> = {},
): void {
  const { hub } = call;
  const payload = { check_run: checkEventShape(hub, call.repo, check), ...more };
  emit(hub, {
    ...{ repo: call.repo, event: 'check_run', action, sender: actorLogin(call.actor), payload },
    ...(TO_OWNER.includes(action) ? { only_app: check.app_id } : {}),
  });
}

async function emitCompleted(call: RepoCall, check: CheckRun): Promise<void> {
  emitCheck(call, check, 'completed');
  const open = call.hub.db.find(
    'checks',
    (one) => one.suite_id === check.suite_id && one.status !== 'completed',
  );
  if (!open) await emitSuite(call, check, 'completed');
}

/** A button that the app put on its check: only GitHub's pages have it (GitHub docs, rest/checks/runs, `actions`). */
export function requestAction(
  call: Pick<RepoCall, 'hub' | 'repo'>,
  options: { login: string; check: string; identifier: string },
): void {
  const { login, identifier } = options;
  const check = getCheck({ ...call, params: { id: options.check } });
  if (!hasRole(call.hub, call.repo, login, 'write'))
    throw new Refusal(403, 'Must have push access to repository');
  if (!check.actions.some((one) => one.identifier === identifier)) throw notFound();
  const actor = { kind: 'user' as const, login };
  emitCheck({ ...call, actor }, check, 'requested_action', { requested_action: { identifier } });
}

function getCheck(call: Pick<RepoCall, 'hub' | 'repo' | 'params'>): CheckRun {
  const found = call.hub.db.get('checks', call.params.id ?? '');
  if (found?.repository_id !== call.repo.id) throw notFound();
  return found;
}

async function updateCheck(call: RepoCall): Promise<Answer> {
  const app_id = appIdOf(call.actor);
  const check = getCheck(call);
  if (check.app_id !== app_id)
    throw new Refusal(
      403,
      `Invalid app_id \`${app_id}\` - check run can only be modified by the GitHub App that created it.`,
    );
  const before = check.status;
  applyInput(check, parseBody(call, CHECK));
  call.hub.db.put('checks', check.id, check);
  if (before !== 'completed' && check.status === 'completed') await emitCompleted(call, check);
  return ok(checkShape(call.hub, call.repo, check));
}

function listAnnotations(call: RepoCall): Answer {
  const check = getCheck(call);
  return list(call, check.annotations, (one) => ({
    ...{ start_column: null, end_column: null, title: null, raw_details: null, ...one },
    blob_href: repoUrl(call.hub, call.repo, `/git/blobs/${check.head_sha}`),
  }));
}

function rerequest(call: RepoCall): Answer {
  emitCheck(call, getCheck(call), 'rerequested');
  return created({});
}

/** Per commit and context (GitHub docs, rest/commits/statuses). */
const MAX_STATUSES = 1000;

const STATUS = z.object({
  state: z.enum(['error', 'failure', 'pending', 'success']),
  context: z.string().min(1).default('default'),
  description: z.string().max(140).nullable().default(null),
  target_url: z.string().nullable().default(null),
});

async function createStatus(call: RepoCall): Promise<Answer> {
  const input = parseBody(call, STATUS);
  const sha = await shaOf(call, call.params.sha ?? '');
  const now = timestamp();
  const status: CommitStatus = {
    ...{ id: call.hub.db.nextId(), repository_id: call.repo.id, sha, ...input },
    ...{ creator: actorLogin(call.actor), created_at: now, updated_at: now },
  };
  const before = call.hub.db.filter(
    'statuses',
    (one) => one.repository_id === call.repo.id && one.sha === sha && one.context === status.context,
  );
  if (before.length >= MAX_STATUSES)
    throw invalid({
      resource: 'Status',
      code: 'custom',
      message: 'This SHA and context has reached the maximum number of statuses.',
    });
  call.hub.db.put('statuses', status.id, status);
  await emitStatus(call, status);
  return created(statusShape(call.hub, call.repo, status));
}

/** GitHub docs, webhook-events-and-payloads#status: it has no action. */
async function emitStatus(call: RepoCall, status: CommitStatus): Promise<void> {
  const { hub, repo: row } = call;
  const git = hub.git(row);
  const commit = await readCommit(git, status.sha);
  const heads = await listRefs(git, 'refs/heads');
  const branches = heads
    .filter(({ sha }) => sha === status.sha)
    .map(({ ref, sha }) => ({
      name: ref.slice(11),
      commit: { sha, url: repoUrl(hub, row, `/commits/${sha}`) },
      protected: false,
    }));
  const { id, sha, context, state, description, target_url, created_at, updated_at } = status;
  const payload = {
    ...{ id, sha, name: `${row.owner}/${row.name}`, target_url, context, description, state },
    ...{ commit: commit ? commitShape(hub, row, commit) : null, branches, created_at, updated_at },
    avatar_url: userShape(hub, status.creator).avatar_url,
  };
  emit(hub, { repo: row, event: 'status', sender: status.creator, payload });
}
