import type { CommentFacts } from '#lib/github/facts.ts';
import type { PullRequest } from '#lib/github/pulls.ts';
import { isWorkflowsRefusal } from '#lib/github/repository.ts';
import { type UpdateRecord, updateRecordSchema } from '#lib/lifecycle/records.ts';
import { readRecord, recordPath, recordText } from '#lib/records/records.ts';
import { DONE, type Outcome, refused } from './command.ts';
import type { Project } from './project.ts';

type Asked = { project: Project; comment: CommentFacts };
/** What the audit log says of a commit, and of one that GitHub refused. */
const REFUSED = { 'base merged': 'base not merged', 'parameters set': 'parameters not set' } as const;
type Event = keyof typeof REFUSED;
type Putting = {
  pull: PullRequest;
  event: Event;
  /** What to say where GitHub refuses the commit for its workflow files. */
  refusalOf: (pull: PullRequest) => string;
  /** What to say once it is there, by the commit's message: after a crash nothing else knows. */
  textOf?: (message: string) => string;
};

/** Moves a pull request's branch to a commit of the app's own that a comment asked for, once for that comment. */
export async function putCommit(
  asked: Asked,
  { commit, ...putting }: Putting & { commit: string },
): Promise<Outcome> {
  const { comment } = asked;
  const record: UpdateRecord = {
    kind: 'roundhouse-update',
    pull_request: putting.pull.number,
    login: comment.author.login,
    comment: comment.id,
    commit,
    at: comment.created_at,
  };
  // Before the branch moves: whoever asked for it approves nothing of what comes of it, also after a crash.
  await writeRecord(asked, record, { event: putting.event, text: recordText(record) });
  return moveBranch(asked, putting, record);
}

/** Goes on with what this comment had begun before a crash; null where it had begun nothing. */
export async function goOn(asked: Asked, putting: Putting): Promise<Outcome | null> {
  const { project, comment } = asked;
  const path = recordPath.update(comment.issue, comment.id);
  const begun = await readRecord(project.state, path, updateRecordSchema);
  return begun && moveBranch(asked, putting, begun);
}

/** The branch may be there already, where the app was killed right after it had moved it. */
async function moveBranch(asked: Asked, putting: Putting, record: UpdateRecord): Promise<Outcome> {
  const { pull, event, textOf } = putting;
  const { trees } = asked.project.forge;
  const isThere = await trees.contains(pull.head.sha, record.commit);
  const refusal = isThere ? null : await moveTo(asked.project, putting, record.commit);
  if (refusal === null) {
    return textOf ? { ok: true, text: textOf((await trees.commit(record.commit)).message) } : DONE;
  }
  await writeRecord(asked, record, { event: REFUSED[event], text: null });
  return refused(refusal);
}

async function writeRecord(
  { project, comment }: Asked,
  { pull_request, comment: id }: UpdateRecord,
  { event, text }: { event: Event | (typeof REFUSED)[Event]; text: string | null },
): Promise<void> {
  await project.state.write({
    changes: [{ path: recordPath.update(pull_request, id), text }],
    audit: { event, actor: comment.author.login, subject: `#${pull_request}`, url: comment.url },
  });
}

async function moveTo(
  { forge }: Project,
  { pull, refusalOf }: Putting,
  commit: string,
): Promise<string | null> {
  try {
    const moved = await forge.trees.moveRef(`heads/${pull.head.ref}`, commit);
    return moved ? null : 'the branch moved in the meantime: ask again';
  } catch (error) {
    if (!isWorkflowsRefusal(error)) throw error;
    return refusalOf(pull);
  }
}
