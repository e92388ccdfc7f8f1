import { z } from 'zod';
import { actorLogin } from '../auth.ts';
import { type Answer, ok, parseBody, type RepoCall } from '../endpoint.ts';
import { getIssue } from '../hub.ts';
import { Refusal } from '../refusal.ts';
import type { Issue } from '../rows/issue.ts';
import type { Label } from '../rows/repository.ts';
import { labelShape, labelsShape } from '../shapes/issue.ts';
import { emit } from '../webhooks.ts';
import { emitIssue, type IssueCall, saveIssue } from './issue-state.ts';

export const LABELS = z.array(
  z.union([z.string(), z.object({ name: z.string() }).transform(({ name }) => name)]),
);

export function labelMore(call: IssueCall, name: string) {
  return { label: labelsShape(call.hub, call.repo, [name])[0] };
}

export function emitLabel(
  call: RepoCall,
  label: Label,
  action: string,
  more: Record<string, unknown> = {},
): void {
  const payload = { label: labelShape(call.hub, call.repo, label), ...more };
  emit(call.hub, { repo: call.repo, event: 'label', action, sender: actorLogin(call.actor), payload });
}

/** An issue form puts its labels on, whoever sent it (GitHub docs, syntax-for-issue-forms). */
export async function labelByForm(options: {
  call: Pick<RepoCall, 'hub' | 'repo'>;
  login: string;
  number: number;
  labels: string[];
}): Promise<void> {
  const { call, login, number, labels } = options;
  const actor = { kind: 'user' as const, login };
  await setLabels({ ...call, actor }, getIssue(call.hub, call.repo, number), labels);
}

/** Unknown labels are made on the way, with GitHub's grey. */
export function ensureLabels(call: RepoCall, names: string[]): string[] {
  const { hub, repo: row } = call;
  const wanted = [...new Set(names)];
  for (const name of wanted) {
    if (row.labels.some((label) => label.name.toLowerCase() === name.toLowerCase())) continue;
    const label = { id: hub.db.nextId(), name, color: 'ededed', description: null };
    row.labels.push(label);
    hub.db.put('repositories', row.id, row);
    emitLabel(call, label, 'created');
  }
  return wanted.map(
    (name) => row.labels.find((label) => label.name.toLowerCase() === name.toLowerCase())?.name ?? name,
  );
}

export async function changeLabels(call: RepoCall, how: 'add' | 'set' | 'remove'): Promise<Answer> {
  const issue = getIssue(call.hub, call.repo, call.params.number);
  if (how === 'remove' && !issue.labels.includes(call.params.name ?? ''))
    throw new Refusal(404, 'Label does not exist');
  const body =
    how === 'remove'
      ? []
      : parseBody(
          call,
          z.union([z.object({ labels: LABELS.default([]) }).transform(({ labels }) => labels), LABELS]),
        );
  const given = ensureLabels(call, body);
  const next =
    how === 'set'
      ? given
      : how === 'add'
        ? [...new Set([...issue.labels, ...given])]
        : issue.labels.filter((name) => name !== call.params.name);
  await setLabels(call, issue, next);
  return ok(labelsShape(call.hub, call.repo, issue.labels));
}

export async function setLabels(call: IssueCall, issue: Issue, next: string[]): Promise<void> {
  const before = issue.labels;
  issue.labels = next;
  saveIssue(call, issue);
  for (const name of next.filter((one) => !before.includes(one))) {
    await emitIssue(call, issue, 'labeled', labelMore(call, name));
  }
  for (const name of before.filter((one) => !next.includes(one))) {
    await emitIssue(call, issue, 'unlabeled', labelMore(call, name));
  }
}
