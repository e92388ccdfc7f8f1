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
import { timestamp } from '../hub.ts';
import type { Label, Milestone } from '../model.ts';
import { invalid, notFound } from '../refusal.ts';
import { labelShape, milestoneShape } from '../shapes/issue.ts';

const WRITE = 'issues=write; pull_requests=write | triage';
const READ = 'issues=read; pull_requests=read';

export const labels: Endpoint[] = [
  repo('GET /labels', READ, (call) =>
    list(call, call.repo.labels, (one) => labelShape(call.hub, call.repo, one)),
  ),
  repo('POST /labels', WRITE, createLabel),
  repo('GET /labels/:name', READ, (call) => ok(labelShape(call.hub, call.repo, getLabel(call)))),
  repo('DELETE /labels/:name', WRITE, deleteLabel),
  repo('GET /milestones', READ, listMilestones),
  repo('POST /milestones', WRITE, createMilestone),
  repo('GET /milestones/:number', READ, (call) =>
    ok(milestoneShape(call.hub, call.repo, getMilestone(call))),
  ),
  repo('PATCH /milestones/:number', WRITE, updateMilestone),
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

function createLabel(call: RepoCall): Answer {
  const input = parseBody(
    call,
    z.object({
      name: z.string().min(1).max(50),
      color: z
        .string()
        .regex(/^[0-9a-fA-F]{6}$/)
        .default('ededed'),
      description: z.string().max(100).nullable().default(null),
    }),
  );
  if (call.repo.labels.some(({ name }) => name.toLowerCase() === input.name.toLowerCase())) {
    throw invalid({ resource: 'Label', code: 'already_exists', field: 'name' });
  }
  const label = { id: call.hub.db.nextId(), ...input };
  call.repo.labels.push(label);
  save(call);
  return created(labelShape(call.hub, call.repo, label));
}

function deleteLabel(call: RepoCall): Answer {
  const label = getLabel(call);
  call.repo.labels = call.repo.labels.filter((one) => one !== label);
  save(call);
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
  return created(milestoneShape(call.hub, call.repo, milestone));
}

function updateMilestone(call: RepoCall): Answer {
  const milestone = getMilestone(call);
  const given = parseBody(call, z.record(z.string(), z.unknown()));
  const next = parseBody({ ...call, body: { ...milestone, ...given } }, MILESTONE);
  Object.assign(milestone, next, { updated_at: timestamp() });
  save(call);
  return ok(milestoneShape(call.hub, call.repo, milestone));
}
