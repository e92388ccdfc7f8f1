import { printAnchor } from '#lib/formats/audit-log.ts';
import { hexOf } from '#lib/formats/digest.ts';
import { render } from '#lib/formats/markdown.ts';
import { type ApprovalComment, refusalOf } from '#lib/lifecycle/approval.ts';
import type { ApprovalRecord } from '#lib/lifecycle/records.ts';
import { recordPath, recordText } from '#lib/records/records.ts';
import { loadTemplate } from '../../templates/load.ts';
import { type Ask, readPerson, rolesHeld } from '../approvals.ts';
import { type CommandSetting, DONE, type Handler, type Outcome, refused } from '../command.ts';
import { problemAsk } from './problem.ts';
import { syncPullRequest } from './pull-request.ts';
import { syncAsked } from './sync-asked.ts';

/** `/approve`: the digest that was typed counts, whatever the head is by now. */
export const approve: Handler<'approve'> = async (setting, { digest: typed }) => {
  const { project, comment, policy } = setting;
  // Counted right before a crash: what it approved may have been merged since, and waits for nobody now.
  if (await isOnRecord(setting, typed)) {
    await syncAsked(setting);
    return counted(setting);
  }
  const asks = await openAsks(setting);
  const matching = asks.filter(({ digest }) => hexOf(digest).startsWith(typed));
  const [ask] = matching;
  if (!ask || matching.length > 1) return refused(refusalOfDigest(asks, matching.length));
  const { login } = comment.author;
  const person = await readPerson(project.forge.people, login, policy);
  const approval: ApprovalComment = {
    ...{ id: comment.id, login, kind: 'person', digest: typed, edited: false, at: comment.created_at },
    ...person,
  };
  const others = asks.map(({ digest }) => digest);
  const refusal = refusalOf(approval, { ...ask, others, roles: policy.roles, now: project.now() });
  if (refusal !== null) return refused(refusal);
  await record(setting, ask, rolesHeld({ login, teams: person.teams }, policy));
  await syncAsked(setting);
  return counted(setting);
};

/** The reply carries the audit log's head, with the approval in it: outside the branch that holds the record. */
async function counted({ project: { state } }: CommandSetting): Promise<Outcome> {
  const head = await state.auditHead();
  if (head === null) return DONE;
  const shown = render(loadTemplate('comments/audit-head.hbs'), { anchor: printAnchor(head) });
  return { ok: true, text: 'it is on record', shown };
}

async function record({ project, comment }: CommandSetting, ask: Ask, roles: string[]): Promise<void> {
  const { login } = comment.author;
  const { procedure } = ask;
  const approval: ApprovalRecord = {
    kind: 'roundhouse-approval',
    digest: ask.digest,
    comment: comment.id,
    issue: comment.issue,
    login,
    roles,
    at: comment.created_at,
    url: comment.url,
  };
  await project.state.write({
    changes: [
      { path: recordPath.approval(ask.digest, comment.id), text: recordText(approval) },
      ...(procedure
        ? [{ path: recordPath.procedure(procedure.model, ask.digest), text: recordText(procedure) }]
        : []),
    ],
    audit: {
      event: 'approved',
      actor: login,
      ...(ask.model === null ? {} : { model: ask.model }),
      subject: ask.model === null ? ask.subject : `${ask.subject} of ${ask.model}`,
      digest: ask.digest,
      url: comment.url,
    },
  });
}

async function isOnRecord({ project, comment }: CommandSetting, typed: string): Promise<boolean> {
  const paths = await project.state.paths(`approvals/${typed}`);
  return paths.some((path) => path.endsWith(`/${comment.id}.json`));
}

/** What can be approved where the comment stands. */
async function openAsks({ project, comment, isPull, policy }: CommandSetting): Promise<Ask[]> {
  if (!isPull) {
    const ask = await problemAsk(project, comment.issue, policy);
    return ask ? [ask] : [];
  }
  const state = await syncPullRequest(project, comment.issue);
  if (state === null) return [];
  const asks = [...state.asks, ...state.models.flatMap((model) => model.asks)];
  return [...asks, ...asks.flatMap(({ standing }) => standing?.offer ?? [])];
}

function refusalOfDigest(asks: Ask[], fitting: number): string {
  if (fitting > 1) return 'it fits more than one digest: give more characters';
  if (asks.length === 0) return 'nothing here waits for an approval now';
  const open = asks.map(({ digest, subject }) => `${hexOf(digest).slice(0, 16)} (${subject})`);
  return `no digest that waits here starts like that; open: ${open.join(', ')}`;
}
