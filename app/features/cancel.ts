import { type CancelRecord, cancelRecordSchema } from '#lib/lifecycle/records.ts';
import { readRecord, recordPath, recordText } from '#lib/records/records.ts';
import type { CommandSetting, Handler } from '../command.ts';
import { endRequest, openRequests, readRequest } from '../request.ts';
import { syncPullRequest } from './pull-request.ts';

type Asked = Pick<CommandSetting, 'project' | 'comment'>;

/** `/cancel`: a person stops what runs for a pull request; `/plan` starts it again. */
export const cancel: Handler<'cancel'> = async (asked) => {
  const { project, comment } = asked;
  const { login } = comment.author;
  const { requests } = await namedRequests(asked);
  if (requests.length === 0) return { ok: true, text: 'nothing runs for this pull request now' };
  let ended = 0;
  for (const key of requests) {
    const request = await readRequest(project, key);
    if (request === null) continue;
    if (request.settled === null) {
      const end = { outcome: 'cancelled' as const, note: `cancelled by ${login}`, actor: login };
      await endRequest(project, request, end);
    }
    if ((await readRequest(project, key))?.settled?.outcome === 'cancelled') ended += 1;
  }
  await syncPullRequest(project, comment.issue);
  if (ended === 0) return { ok: true, text: 'it had ended by itself: there is nothing to cancel' };
  const what = ended === 1 ? 'the run is' : `${ended} runs are`;
  return { ok: true, text: `${what} cancelled; /plan starts it again` };
};

/**
 * Which requests the comment is about, on record before the first is ended: whoever goes on after a crash ends
 * these, and none that was asked for since.
 */
async function namedRequests({ project, comment }: Asked): Promise<Pick<CancelRecord, 'requests'>> {
  const path = recordPath.cancel(comment.issue, comment.id);
  const known = await readRecord(project.state, path, cancelRecordSchema);
  if (known !== null) return known;
  const requests = (await openRequests(project, comment.issue)).map(({ key }) => key);
  if (requests.length === 0) return { requests };
  const { login } = comment.author;
  const record: CancelRecord = {
    kind: 'roundhouse-cancel',
    pull_request: comment.issue,
    login,
    comment: comment.id,
    requests,
    at: comment.created_at,
  };
  await project.state.write({
    changes: [{ path, text: recordText(record) }],
    audit: { event: 'cancel asked for', actor: login, subject: `#${comment.issue}`, url: comment.url },
  });
  return record;
}
