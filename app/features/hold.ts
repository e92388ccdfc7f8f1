import { type HoldRecord, holdRecordSchema } from '#lib/lifecycle/records.ts';
import { readRecord, recordPath, recordText } from '#lib/records/records.ts';
import { readPerson, rolesHeld } from '../approvals.ts';
import { type CommandSetting, DONE, type Handler, type Outcome, refused } from '../command.ts';
import { syncAsked } from './sync-asked.ts';

export const hold: Handler<'hold'> = (setting) => put(setting, { held: true, reason: '' });
export const unhold: Handler<'unhold'> = async (setting) => {
  const refusal = await refusalToLift(setting);
  return refusal === null ? put(setting, { held: false, reason: '' }) : refused(refusal);
};
/** `/object`: a hold with a reason. */
export const object: Handler<'object'> = (setting, { reason }) => put(setting, { held: true, reason });

/** An objection is lifted by who made it, or by somebody with a role: whoever may write is not enough. */
async function refusalToLift({ project, comment, policy }: CommandSetting): Promise<string | null> {
  const known = await readRecord(project.state, recordPath.hold(comment.issue), holdRecordSchema);
  const { login } = comment.author;
  if (!known?.held || known.reason === '' || known.login.toLowerCase() === login.toLowerCase()) return null;
  const { teams } = await readPerson(project.forge.people, login, policy);
  if (rolesHeld({ login, teams }, policy).length > 0) return null;
  return `${known.login} objected: lifting that takes ${known.login} or a role of the policy`;
}

/** The newest comment counts, whichever delivery came first. */
async function put(
  setting: CommandSetting,
  { held, reason }: Pick<HoldRecord, 'held' | 'reason'>,
): Promise<Outcome> {
  const { project, comment } = setting;
  const path = recordPath.hold(comment.issue);
  const known = await readRecord(project.state, path, holdRecordSchema);
  if (known && known.comment > comment.id) {
    // Done before a kill, and then somebody said something else.
    if (known.earlier.includes(comment.id)) return DONE;
    return {
      ok: true,
      text: `@${known.login} ${known.held ? 'held it' : 'lifted the hold'} after this comment`,
    };
  }
  const record: HoldRecord = {
    kind: 'roundhouse-hold',
    issue: comment.issue,
    held,
    reason,
    login: comment.author.login,
    comment: comment.id,
    earlier: earlierOf(known, comment.id),
    at: comment.created_at,
  };
  await project.state.write({
    changes: [{ path, text: recordText(record) }],
    audit: {
      event: !held ? 'hold lifted' : reason === '' ? 'held' : 'objected',
      actor: comment.author.login,
      subject: `#${comment.issue}`,
      note: reason,
      url: comment.url,
    },
  });
  await syncAsked(setting);
  return DONE;
}

function earlierOf(known: HoldRecord | null, comment: number): number[] {
  return known === null ? [] : [...known.earlier, known.comment].filter((one) => one !== comment);
}
