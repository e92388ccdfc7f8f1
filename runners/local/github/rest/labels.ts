import { z } from 'zod';
import { actorLogin } from '../auth.ts';
import {
  type Answer,
  created,
  type Endpoint,
  list,
  noContent,
  ok,
  parseBody,
  type RepoCall,
  repo,
} from '../endpoint.ts';
import { issueKey, timestamp } from '../hub.ts';
import { invalid, notFound } from '../refusal.ts';
import type { Label, Milestone } from '../rows/repository.ts';
import { labelShape, milestoneShape } from '../shapes/issue.ts';
import { emit } from '../webhooks.ts';
import { emitLabel } from './issue-labels.ts';

const WRITE = 'issues=write; pull_requests=write | triage';
/** Labels themselves take more than putting them on (GitHub docs, repository-roles-for-an-organization). */
const LABEL_WRITE = 'issues=write; pull_requests=write | write';
const READ = 'issues=read; pull_requests=read';

export const labels: Endpoint[] = [
  repo('GET /labels', READ, (call) =>
    list(call, call.repo.labels, (one) => labelShape(call.hub, call.repo, one)),
  ),
  repo('POST /labels', LABEL_WRITE, createLabel),
  repo('GET /labels/:name', READ, (call) => ok(labelShape(call.hub, call.repo, getLabel(call)))),
  repo('PATCH /labels/:name', LABEL_WRITE, updateLabel),
  repo('DELETE /labels/:name', LABEL_WRITE, deleteLabel),
  repo('GET /milestones', READ, listMilestones),
  repo('POST /milestones', WRITE, createMilestone),
  repo('GET /milestones/:number', READ, (call) =>
    ok(milestoneShape(call.hub, call.repo, getMilestone(call))),
  ),
  repo('PATCH /milestones/:number', WRITE, updateMilestone),
  repo('DELETE /milestones/:number', WRITE, deleteMilestone),
];

function save(call: RepoCall): void {
  call.hub.db.put('repositories', call.repo.id, call.repo);
}

function getLabel(call: RepoCall): Label {
  const wanted = (call.params.name ?? '').toLowerCase();
  const found = call.repo.labels.find(({ name }) => name.toLowerCase() === wanted);
  if (!found) throw notFound();
  return found;
}

const LABEL = z.object({
  name: z.string().min(1).max(50),
  color: z
    .string()
    .regex(/^[0-9a-fA-F]{6}$/)
    .default('ededed'),
  description: z.string().max(100).nullable().default(null),
});

function createLabel(call: RepoCall): Answer {
  const input = parseBody(call, LABEL);
  if (call.repo.labels.some(({ name }) => name.toLowerCase() === input.name.toLowerCase())) {
    throw invalid({ resource: 'Label', code: 'already_exists', field: 'name' });
  }
  const label = { id: call.hub.db.nextId(), ...input };
  call.repo.labels.push(label);
  save(call);
  emitLabel(call, label, 'created');
  return created(labelShape(call.hub, call.repo, label));
}

/** Issues keep a renamed label and lose a deleted one, without events of their own. */
function relabel({ hub, repo: row }: RepoCall, from: string, to: string | undefined): void {
  for (const issue of hub.db.filter(
    'issues',
    (one) => one.repository_id === row.id && one.labels.includes(from),
  )) {
    issue.labels = issue.labels.flatMap((name) => (name !== from ? name : (to ?? [])));
    hub.db.put('issues', issueKey(row, issue.number), issue);
  }
}

function updateLabel(call: RepoCall): Answer {
  const label = getLabel(call);
  const { new_name, ...given } = parseBody(call, z.looseObject({ new_name: z.string().optional() }));
  const body = { ...label, ...given, name: new_name ?? label.name };
  const { name, color, description } = parseBody({ ...call, body }, LABEL);
  if (call.repo.labels.some((one) => one !== label && one.name.toLowerCase() === name.toLowerCase()))
    throw invalid({ resource: 'Label', code: 'already_exists', field: 'name' });
  const before = { ...label };
  const changes = Object.fromEntries(
    Object.entries({ name, color, description })
      .filter(([key, value]) => before[key as keyof Label] !== value)
      .map(([key]) => [key, { from: before[key as keyof Label] }]),
  );
  Object.assign(label, { name, color, description });
  save(call);
  if (name !== before.name) relabel(call, before.name, name);
  if (Object.keys(changes).length > 0) emitLabel(call, label, 'edited', { changes });
  return ok(labelShape(call.hub, call.repo, label));
}

function deleteLabel(call: RepoCall): Answer {
  const label = getLabel(call);
  call.repo.labels = call.repo.labels.filter((one) => one !== label);
  save(call);
  relabel(call, label.name, undefined);
  emitLabel(call, label, 'deleted');
  return noContent();
}

function listMilestones(call: RepoCall): Answer {
  const state = call.query.state ?? 'open';
  const rows = call.repo.milestones.filter((one) => state === 'all' || one.state === state);
  return list(call, rows, (one) => milestoneShape(call.hub, call.repo, one));
}

function getMilestone(call: RepoCall): Milestone {
  const found = call.repo.milestones.find(({ number }) => String(number) === call.params.number);
  if (!found) throw notFound();
  return found;
}

function emitMilestone(
  call: RepoCall,
  milestone: Milestone,
  action: string,
  more: Record<string, unknown> = {},
): void {
  const payload = { milestone: milestoneShape(call.hub, call.repo, milestone), ...more };
  emit(call.hub, { repo: call.repo, event: 'milestone', action, sender: actorLogin(call.actor), payload });
}

/** Its issues stay, outside of any milestone. */
function deleteMilestone(call: RepoCall): Answer {
  const milestone = getMilestone(call);
  const { hub, repo: row } = call;
  row.milestones = row.milestones.filter((one) => one !== milestone);
  save(call);
  for (const issue of hub.db.filter(
    'issues',
    (one) => one.repository_id === row.id && one.milestone === milestone.number,
  )) {
    issue.milestone = null;
    hub.db.put('issues', issueKey(row, issue.number), issue);
  }
  emitMilestone(call, milestone, 'deleted');
  return noContent();
}

const MILESTONE = z.object({
  title: z.string().min(1),
  state: z.enum(['open', 'closed']).default('open'),
  description: z.string().nullable().default(null),
  due_on: z.string().nullable().default(null),
});

function createMilestone(call: RepoCall): Answer {
  const input = parseBody(call, MILESTONE);
  if (call.repo.milestones.some(({ title }) => title === input.title)) {
    throw invalid({ resource: 'Milestone', code: 'already_exists', field: 'title' });
  }
  const now = timestamp();
  call.repo.last_milestone += 1;
  const milestone = {
    ...{ id: call.hub.db.nextId(), number: call.repo.last_milestone, ...input },
    ...{ creator: actorLogin(call.actor), created_at: now, updated_at: now },
  };
  call.repo.milestones.push(milestone);
  save(call);
  emitMilestone(call, milestone, 'created');
  return created(milestoneShape(call.hub, call.repo, milestone));
}

function updateMilestone(call: RepoCall): Answer {
  const milestone = getMilestone(call);
  const given = parseBody(call, z.record(z.string(), z.unknown()));
  const next = parseBody({ ...call, body: { ...milestone, ...given } }, MILESTONE);
  const before = { ...milestone };
  Object.assign(milestone, next, { updated_at: timestamp() });
  save(call);
  const changes = Object.fromEntries(
    (['title', 'description', 'due_on'] as const)
      .filter((key) => before[key] !== milestone[key])
      .map((key) => [key, { from: before[key] ?? '' }]),
  );
  if (Object.keys(changes).length > 0) emitMilestone(call, milestone, 'edited', { changes });
  if (before.state !== milestone.state)
    emitMilestone(call, milestone, milestone.state === 'closed' ? 'closed' : 'opened');
  return ok(milestoneShape(call.hub, call.repo, milestone));
}
