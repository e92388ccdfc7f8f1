import { hexOf } from '#lib/formats/digest.ts';
import { render } from '#lib/formats/markdown.ts';
import type { Said } from '#lib/github/comments.ts';
import type { CommentFacts } from '#lib/github/facts.ts';
import { atLeast } from '#lib/github/permissions.ts';
import { refusalOf } from '#lib/lifecycle/approval.ts';
import { COMMANDS, type Command, type ParsedLine, parseCommands } from '#lib/lifecycle/command.ts';
import type { Policy } from '#lib/lifecycle/policy.ts';
import { type ApprovalRecord, type HoldRecord, holdRecordSchema } from '#lib/lifecycle/records.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { readRecord, recordPath, recordText } from '#lib/records/records.ts';
import { loadTemplate } from '../../templates/load.ts';
import { type Ask, readPerson, rolesHeld } from '../approvals.ts';
import { POLICY_FILE, readPolicy, readTree, type Tree } from '../model-tree.ts';
import type { On } from '../on.ts';
import { once } from '../once.ts';
import type { Project } from '../project.ts';
import { sayOnce } from '../sticky.ts';
import { retryDeployments } from './deploy.ts';
import { historyOf, whyOf } from './history.ts';
import { askRetraining } from './monitor.ts';
import { problemAsk, syncProblem } from './problem.ts';
import { cancelRuns, syncPullRequest } from './pull-request.ts';
import { updatePull } from './update.ts';

export function comments(on: On): void {
  on({
    events: ['issue_comment.created'],
    kind: 'comment',
    key: ({ comment }) => `comment:${comment.id}`,
    hear: (project, { comment }) => void project.heard.set(comment.id, comment),
    handle: (project, { comment }) => handleComment(project, comment),
  });
}

/** A line of the reply. `ok` = done or answered, else refused. */
type Reply = { line: string; ok: boolean; text: string };

/**
 * Does what the commands of a created comment ask for, once; refusals are replies. Where there is no policy,
 * Roundhouse isn't set up: the commands are somebody else's.
 */
export async function handleComment(project: Project, comment: CommentFacts): Promise<void> {
  if (comment.author.type !== 'User') return;
  const lines = parseCommands(comment.body);
  const tree = lines.length > 0 ? await readDefaultBranch(project) : null;
  if (!tree?.files.has(POLICY_FILE)) return;
  await once(project, {
    key: `comment:${comment.id}`,
    find: async () => null,
    make: async () => {
      const replies = await obey({ project, comment, tree }, lines);
      if (replies.every(({ ok }) => ok)) await project.forge.comments.react(comment, '+1');
      const told = replies.filter(({ text }) => text !== '');
      const said = told.length > 0 ? await reply(project, comment, told) : 'said';
      return [...replies.map(outcomeOf), ...(said === 'locked' ? [UNSAID] : [])].join('; ');
    },
  });
}

/** People read it in the audit log, since it can be read nowhere else. */
const UNSAID = 'not answered: the conversation is locked';

function outcomeOf({ line, ok, text }: Reply): string {
  if (ok) return `${line}: done`;
  return `${line}: refused${text === '' ? '' : ` (${text})`}`;
}

/**
 * What failed at every look is given up: written down, told to the person where that can be, and not tried again.
 * Nothing is given up while nothing can be written down.
 */
export async function giveUpComment(project: Project, comment: CommentFacts, why: string): Promise<void> {
  const key = `comment:${comment.id}`;
  const make = async () => `given up: ${why}`;
  if ((await once(project, { key, find: make, make })) === null) return;
  project.log.error({ comment: comment.url, why }, 'a comment was given up');
  const lines = parseCommands(comment.body).map(nameOf);
  const text = 'it failed each time it was tried and is given up; type it again once the cause is mended';
  await reply(
    project,
    comment,
    lines.map((line) => ({ line, ok: false, text })),
  ).catch((error: unknown) => {
    project.log.warn({ comment: comment.url, error }, 'a comment that was given up could not be answered');
  });
}

async function reply(project: Project, comment: CommentFacts, replies: Reply[]): Promise<Said> {
  const said = await sayOnce(project.forge.comments, {
    issue: comment.issue,
    marker: { kind: 'reply', key: String(comment.id) },
    bot: project.bot,
    body: () => render(loadTemplate('comments/reply.hbs'), { to: comment.author.login, replies }),
  });
  if (said === 'locked') project.log.info({ comment: comment.url }, UNSAID);
  return said;
}

type Setting = { project: Project; comment: CommentFacts; policy: Policy; isPull: boolean };

async function readDefaultBranch({ forge, defaultBranch }: Project): Promise<Tree | null> {
  const head = await forge.trees.ref(`heads/${defaultBranch}`);
  return head === null ? null : readTree(forge.trees, head);
}

async function obey(
  { project, comment, tree }: Pick<Setting, 'project' | 'comment'> & { tree: Tree },
  lines: ParsedLine[],
): Promise<Reply[]> {
  const read = await readPolicy(tree).catch((error: unknown) => {
    if (error instanceof UserError) return error;
    throw error;
  });
  if (read instanceof UserError) {
    const text = `the policy on ${project.defaultBranch} can't be read: ${read.message}`;
    return lines.map((line) => ({ line: nameOf(line), ok: false, text }));
  }
  const issue = await project.forge.issues.get(comment.issue);
  const setting = { project, comment, policy: read.policy, isPull: issue?.is_pull_request ?? false };
  const replies: Reply[] = [];
  for (const line of lines) replies.push({ line: nameOf(line), ...(await obeyLine(setting, line)) });
  return replies;
}

function nameOf(line: ParsedLine): string {
  if (line.kind === 'near-miss') return line.text;
  return `/${line.kind === 'refused' ? line.name : line.command.name}`;
}

type Outcome = Omit<Reply, 'line'>;
const DONE: Outcome = { ok: true, text: '' };
const NO_PULL: Outcome = { ok: false, text: 'it belongs on a pull request' };

async function obeyLine(setting: Setting, line: ParsedLine): Promise<Outcome> {
  if (line.kind === 'near-miss') {
    return { ok: false, text: `there is no such command; did you mean /${line.nearest}?` };
  }
  if (line.kind === 'refused') return { ok: false, text: line.reason };
  const { command } = line;
  const entry = COMMANDS.find(({ name }) => name === command.name);
  const refusal = entry?.who === 'write' ? await refusalToWrite(setting) : null;
  return refusal === null ? run(setting, command) : { ok: false, text: refusal };
}

async function run(setting: Setting, command: Command): Promise<Outcome> {
  const { project, comment, isPull } = setting;
  switch (command.name) {
    case 'help':
      return { ok: true, text: helpText() };
    case 'plan':
      if (!isPull) return NO_PULL;
      await syncPullRequest(project, comment.issue, { again: true });
      return DONE;
    case 'update':
      return isPull ? update(setting) : NO_PULL;
    case 'cancel':
      return isPull ? cancel(setting) : NO_PULL;
    case 'approve':
      return approve(setting, command.digest);
    case 'object':
      return object(setting, command.reason);
    case 'hold':
      return hold(setting, { held: true, reason: '' });
    case 'unhold':
      return hold(setting, { held: false, reason: '' });
    case 'retrain':
      return askRetraining(project, { model: command.model, comment });
    case 'deploy':
      return { ok: true, text: await retryDeployments(project, command.environment) };
    case 'why':
      return { ok: true, text: await whyOf(project, command.version) };
    case 'history':
      return { ok: true, text: await historyOf(project, command.environment) };
    case 'rollback':
      return { ok: false, text: 'it is not built yet: revert the pull request that brought the version' };
  }
}

async function update(setting: Setting): Promise<Outcome> {
  const outcome = await updatePull(setting);
  await syncPullRequest(setting.project, setting.comment.issue);
  return outcome;
}

async function cancel({ project, comment }: Setting): Promise<Outcome> {
  const ended = await cancelRuns(project, comment.issue, comment.author.login);
  if (ended === 0) return { ok: true, text: 'nothing runs for this pull request now' };
  await syncPullRequest(project, comment.issue);
  return {
    ok: true,
    text: `${ended === 1 ? 'the run is' : `${ended} runs are`} cancelled; /plan starts it again`,
  };
}

async function refusalToWrite({ project, comment }: Setting): Promise<string | null> {
  const permission = await project.forge.people.permission(comment.author.login);
  return atLeast(permission, 'write') ? null : `it needs write permission, and yours is ${permission}`;
}

async function approve(setting: Setting, typed: string): Promise<Outcome> {
  const { project, comment, isPull, policy } = setting;
  // Counted right before a crash: what it approved may have been merged since, and waits for nobody now.
  if (await isApproval(project, comment.id, typed)) {
    await (isPull ? syncPullRequest(project, comment.issue) : syncProblem(project, comment.issue));
    return DONE;
  }
  const asks = await openAsks(setting);
  const matching = asks.filter(({ digest }) => hexOf(digest).startsWith(typed));
  const [ask] = matching;
  if (!ask || matching.length > 1) return { ok: false, text: refusalOfDigest(asks, matching.length) };
  const person = await readPerson(project.forge.people, comment.author.login, policy);
  const approval = {
    id: comment.id,
    login: comment.author.login,
    kind: 'person' as const,
    ...person,
    digest: typed,
    edited: false,
  };
  const others = asks.map(({ digest }) => digest);
  const refusal = refusalOf(approval, { ...ask, others, roles: policy.roles });
  if (refusal !== null) return { ok: false, text: refusal };
  const record: ApprovalRecord = {
    kind: 'roundhouse-approval',
    digest: ask.digest,
    comment: comment.id,
    issue: comment.issue,
    login: comment.author.login,
    roles: rolesHeld({ login: comment.author.login, teams: person.teams }, policy),
    at: comment.created_at,
    url: comment.url,
  };
  await project.state.write({
    changes: [{ path: recordPath.approval(ask.digest, comment.id), text: recordText(record) }],
    audit: {
      event: 'approved',
      actor: comment.author.login,
      subject: `${ask.subject} of ${ask.model}`,
      digest: ask.digest,
      url: comment.url,
    },
  });
  await (isPull ? syncPullRequest(project, comment.issue) : syncProblem(project, comment.issue));
  return DONE;
}

async function isApproval({ state }: Setting['project'], comment: number, typed: string): Promise<boolean> {
  const paths = await state.paths(`approvals/${typed}`);
  return paths.some((path) => path.endsWith(`/${comment}.json`));
}

/** What can be approved where the comment stands. */
async function openAsks({ project, comment, isPull, policy }: Setting): Promise<Ask[]> {
  if (!isPull) {
    const ask = await problemAsk(project, comment.issue, policy);
    return ask ? [ask] : [];
  }
  const state = await syncPullRequest(project, comment.issue);
  return state?.models.flatMap(({ asks }) => asks) ?? [];
}

function refusalOfDigest(asks: Ask[], fitting: number): string {
  if (fitting > 1) return 'it fits more than one digest: give more characters';
  if (asks.length === 0) return 'nothing here waits for an approval now';
  const open = asks.map(({ digest, subject }) => `${hexOf(digest).slice(0, 16)} (${subject})`);
  return `no digest that waits here starts like that; open: ${open.join(', ')}`;
}

async function object(setting: Setting, reason: string): Promise<Outcome> {
  const { project, comment, policy } = setting;
  const person = await readPerson(project.forge.people, comment.author.login, policy);
  const roles = rolesHeld({ login: comment.author.login, teams: person.teams }, policy);
  if (roles.length === 0) return { ok: false, text: 'it needs a role that the policy names' };
  return hold(setting, { held: true, reason });
}

/** The newest comment counts, whichever delivery came first. */
async function hold(
  { project, comment, isPull }: Setting,
  { held, reason }: Pick<HoldRecord, 'held' | 'reason'>,
): Promise<Outcome> {
  const path = recordPath.hold(comment.issue);
  const known = await readRecord(project.state, path, holdRecordSchema);
  if (known && known.comment > comment.id) {
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
    at: comment.created_at,
  };
  await project.state.write({
    changes: [{ path, text: recordText(record) }],
    audit: {
      event: held ? 'held' : 'hold lifted',
      actor: comment.author.login,
      subject: `#${comment.issue}`,
    },
  });
  await (isPull ? syncPullRequest(project, comment.issue) : syncProblem(project, comment.issue));
  return DONE;
}

function helpText(): string {
  return COMMANDS.filter(({ built }) => built)
    .map(({ name, args, who, help }) => `/${name}${args === '' ? '' : ` ${args}`}: ${help} (${who})`)
    .join('; ');
}
