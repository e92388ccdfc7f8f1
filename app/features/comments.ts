import { render } from '#lib/formats/markdown.ts';
import type { Said } from '#lib/github/comments.ts';
import type { CommentFacts } from '#lib/github/facts.ts';
import type { AuditEvent } from '#lib/lifecycle/audit.ts';
import {
  COMMAND_NAMES,
  COMMANDS,
  type Command,
  type CommandName,
  type ParsedLine,
  parseCommands,
} from '#lib/lifecycle/command.ts';
import { type CommandFacts, decideCommand, whoText } from '#lib/lifecycle/command-permission.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { recordPath } from '#lib/records/records.ts';
import { loadTemplate } from '../../templates/load.ts';
import { readPerson } from '../approvals.ts';
import { type CommandSetting, DONE, type Handler, type Outcome, refused } from '../command.ts';
import { POLICY_FILE, readPolicy, readTree, type Tree } from '../model-tree.ts';
import type { On } from '../on.ts';
import { isDone, once } from '../once.ts';
import type { Project } from '../project.ts';
import { putSticky, sayOnce } from '../sticky.ts';
import { approve } from './approve.ts';
import { burstOf, claimKey, countOfHour, hourOf, linesOf, settleBurst } from './burst.ts';
import { cancel } from './cancel.ts';
import { decide } from './decide.ts';
import { deploy } from './deploy-command.ts';
import { history } from './history.ts';
import { hold, object, unhold } from './hold.ts';
import { retrain } from './monitor.ts';
import { okToTrain } from './ok-to-train.ts';
import { override } from './override.ts';
import { promote } from './promote.ts';
import { plan } from './pull-request.ts';
import { rollback, unfreeze } from './rollback.ts';
import { evaluate, train } from './train.ts';
import { update } from './update.ts';
import { why } from './why.ts';

export function comments(on: On): void {
  on({
    events: ['issue_comment.created'],
    kind: 'comment',
    key: ({ comment }) => `comment:${comment.id}`,
    hear: (project, { comment }) => void project.heard.set(comment.id, comment),
    handle: (project, { comment }) => handleComment(project, comment),
  });
  on({
    events: ['issue_comment.edited'],
    kind: 'comment',
    key: ({ comment }) => `edited:${comment.id}`,
    handle: (project, { comment }) => refuseEdited(project, comment),
  });
}

const help: Handler<'help'> = async () => {
  const commands = COMMAND_NAMES.map((name) => {
    const { args, help, who } = COMMANDS[name];
    return { line: `/${name} ${args}`.trim(), help, who: whoText(who) };
  });
  return { ...DONE, shown: render(loadTemplate('comments/help.hbs'), { commands }) };
};

/** Which feature does what: a command of the table that has no handler here is a type error. */
const HANDLERS: { [Name in CommandName]: Handler<Name> } = {
  approve,
  cancel,
  decide,
  deploy,
  evaluate,
  help,
  history,
  hold,
  object,
  'ok-to-train': okToTrain,
  override,
  plan,
  promote,
  retrain,
  rollback,
  train,
  unfreeze,
  unhold,
  update,
  why,
};

type Reply = Outcome & { line: string };

/** A command that came into a comment by an edit is told, once, that it is none. */
export async function refuseEdited(project: Project, comment: CommentFacts): Promise<void> {
  const lines = comment.author.type === 'User' ? parseCommands(comment.body) : [];
  const created = parseCommands(project.heard.get(comment.id)?.body ?? '');
  if (lines.length === 0 || created.length > 0) return;
  // What was a command when it was created has a claim, whatever became of it.
  if ((await project.state.read(recordPath.claim(claimKey(comment)))) !== null) return;
  const tree = await readDefaultBranch(project);
  if (!tree?.files.has(POLICY_FILE)) return;
  const text = 'an edited comment is no command: write a new one';
  await reply(
    project,
    comment,
    lines.map((line) => ({ line: nameOf(line), ok: false, text })),
  );
}

/**
 * Does what the commands of a created comment ask for, once; refusals are replies. Where there is no policy,
 * Roundhouse isn't set up: the commands are somebody else's.
 */
export async function handleComment(project: Project, comment: CommentFacts): Promise<void> {
  if (comment.author.type !== 'User') return;
  const lines = parseCommands(comment.body);
  const tree = lines.length > 0 ? await readDefaultBranch(project) : null;
  if (!tree?.files.has(POLICY_FILE)) return;
  if (await isDone(project, claimKey(comment))) return;
  const burst = await burstOf(project, comment);
  const lead = burst[0] ?? comment;
  const outcome = await once(project, {
    key: claimKey(lead),
    find: async () => null,
    make: async () => {
      const { lines, tooMany } = linesOf(burst);
      const replies = [...(await obey({ project, comment: lead, tree }, lines)), ...notDone(tooMany)];
      const said =
        burst.length > 1 ? await replyAll(project, lead, replies) : await answer(project, lead, replies);
      return [...replies.map(outcomeOf), ...(said === 'locked' ? [UNSAID] : [])].join('; ');
    },
    told: (said) => answered(lead, said),
  });
  if (outcome !== null) await settleBurst(project, burst);
}

/** Nothing is left out without a word. */
function notDone(tooMany: number): Reply[] {
  if (tooMany === 0) return [];
  const text = 'there were too many different commands at once, and the last ones were done: say them again';
  return [{ line: `${tooMany} others`, ok: false, text }];
}

async function answer(project: Project, comment: CommentFacts, replies: Reply[]): Promise<Said> {
  if (replies.every(({ ok }) => ok)) await project.forge.comments.react(comment, '+1');
  const told = replies.filter(({ text, shown }) => text !== '' || shown !== undefined);
  return told.length > 0 ? reply(project, comment, told) : 'said';
}

/** GitHub lets an app write 80 comments a minute: a burst is answered in one that is kept. */
async function replyAll(project: Project, lead: CommentFacts, replies: Reply[]): Promise<Said> {
  const { login } = lead.author;
  return putSticky(project.forge.comments, {
    issue: lead.issue,
    marker: { kind: 'burst', key: `${login}-${hourOf(lead)}` },
    bot: project.bot,
    body: render(loadTemplate('comments/burst.hbs'), {
      login,
      count: countOfHour(project, lead),
      replies: repliesText(lead, replies),
    }),
  });
}

/** Every command has an entry: what was done, or why it was refused. */
function answered({ author, issue, url }: CommentFacts, outcome: string): AuditEvent {
  const event = outcome.includes(': refused') ? 'command refused' : 'command done';
  return { event, actor: author.login, subject: `#${issue}`, note: outcome, url };
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
  const key = claimKey(comment);
  const make = async () => `given up: ${why}`;
  const told = (note: string) => ({ ...answered(comment, note), event: 'command given up' });
  if ((await once(project, { key, find: make, make, told })) === null) return;
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
    body: () => repliesText(comment, replies),
  });
  if (said === 'locked') project.log.info({ comment: comment.url }, UNSAID);
  return said;
}

function repliesText({ author }: CommentFacts, replies: Reply[]): string {
  return render(loadTemplate('comments/reply.hbs'), {
    to: author.login,
    replies: replies.map((told) => ({ shown: '', ...told })),
  });
}

async function readDefaultBranch({ forge, defaultBranch }: Project): Promise<Tree | null> {
  const head = await forge.trees.ref(`heads/${defaultBranch}`);
  return head === null ? null : readTree(forge.trees, head);
}

async function obey(
  { project, comment, tree }: Pick<CommandSetting, 'project' | 'comment'> & { tree: Tree },
  said: { comment: CommentFacts; line: ParsedLine }[],
): Promise<Reply[]> {
  const read = await readPolicy(tree).catch((error: unknown) => {
    if (error instanceof UserError) return error;
    throw error;
  });
  if (read instanceof UserError) {
    const text = `the policy on ${project.defaultBranch} can't be read: ${read.message}`;
    return said.map(({ line }) => ({ line: nameOf(line), ok: false, text }));
  }
  const issue = await project.forge.issues.get(comment.issue);
  const setting = {
    project,
    comment,
    policy: read.policy,
    isPull: issue?.is_pull_request ?? false,
    author: issue?.author.login ?? null,
  };
  const replies: Reply[] = [];
  for (const { comment: by, line } of said) {
    replies.push({ line: nameOf(line), ...(await obeyLine({ ...setting, comment: by }, line)) });
  }
  return replies;
}

function nameOf(line: ParsedLine): string {
  if (line.kind === 'near-miss') return line.text;
  return `/${line.kind === 'refused' ? line.name : line.command.name}`;
}

async function obeyLine(setting: CommandSetting, line: ParsedLine): Promise<Outcome> {
  if (line.kind === 'near-miss') return refused(`there is no such command; did you mean /${line.nearest}?`);
  if (line.kind === 'refused') return refused(line.reason);
  const { command } = line;
  const decision = decideCommand(command.name, await readFacts(setting, command), setting.policy);
  return decision.kind === 'allowed' ? run(setting, command) : refused(decision.text);
}

function run<Name extends CommandName>(setting: CommandSetting, command: Command<Name>): Promise<Outcome> {
  return HANDLERS[command.name](setting, command.args);
}

/** Nobody is looked up for what everyone may do. */
async function readFacts(setting: CommandSetting, { name, args }: Command): Promise<CommandFacts> {
  const { project, comment, policy, isPull, author } = setting;
  const { login } = comment.author;
  const isOpen = COMMANDS[name].who.kind === 'everyone';
  const nobody = { permission: 'none', teams: [] } as const;
  const person = isOpen ? nobody : await readPerson(project.forge.people, login, policy);
  return {
    login,
    kind: comment.author.type === 'User' ? 'person' : 'bot',
    ...person,
    isAuthor: author?.toLowerCase() === login.toLowerCase(),
    place: isPull ? 'pull request' : 'issue',
    environment: 'environment' in args ? (args.environment ?? undefined) : undefined,
  };
}
