import type { Permission } from './approval.ts';
import * as parse from './command-arguments.ts';
import { plainLines } from './command-lines.ts';
import { nearestOf } from './nearest.ts';
import type { Action } from './policy-rules.ts';

/** Where a command may stand: on an issue, on a pull request, or on both. */
export type Place = 'issue' | 'pull request' | 'both';
/** Who may give a command. All but `everyone` and `any-role` need write permission, or what the policy asks for. */
export type Who =
  | { kind: 'everyone' }
  | { kind: 'permission'; permission: Permission }
  /** The roles that the policy's rule for this action names. How many of them it takes is the feature's to count. */
  | { kind: 'roles'; action: Action }
  /** Anybody to whom the policy gives a role. */
  | { kind: 'any-role' }
  /** The author of the pull request, or anybody with a role. */
  | { kind: 'author' }
  /** Whoever the rule of the named digest asks for: `refusalOf` decides, once it is known what the digest names. */
  | { kind: 'approvers' };

type CommandEntry = {
  /** As shown in help, without the name. */
  args: string;
  /** The typed arguments of the text behind the name, or why they were refused. */
  parse: (rest: string) => object | string;
  who: Who;
  on: Place;
  help: string;
  example: string;
};

const WRITE = { kind: 'permission', permission: 'write' } as const;

/**
 * Every command there is, in the order of `/help`: parsing, permission (`decideCommand`), help and
 * docs/commands.md come from here. To add one: export `const name: Handler<'name'>` from the feature's file, and name
 * it in `HANDLERS` of app/features/comments.ts, which doesn't compile before that.
 */
export const COMMANDS = {
  help: {
    args: '',
    parse: parse.nothing,
    who: { kind: 'everyone' },
    on: 'both',
    help: 'list the commands',
    example: '/help',
  },
  plan: {
    args: '',
    parse: parse.nothing,
    who: WRITE,
    on: 'pull request',
    help: 'plan again and update the comment',
    example: '/plan',
  },
  approve: {
    args: '<digest>',
    parse: parse.digest,
    who: { kind: 'approvers' },
    on: 'both',
    help: 'approve exactly what this digest names',
    example: '/approve 0123456789abcdef',
  },
  object: {
    args: '<reason>',
    parse: parse.reason,
    who: { kind: 'any-role' },
    on: 'both',
    help: 'block the approval and say why',
    example: '/object the holdout is one rainy week',
  },
  hold: {
    args: '',
    parse: parse.nothing,
    who: { kind: 'roles', action: 'hold' },
    on: 'both',
    help: 'block merging and deploying until `/unhold`',
    example: '/hold',
  },
  unhold: {
    args: '',
    parse: parse.nothing,
    who: { kind: 'roles', action: 'unhold' },
    on: 'both',
    help: 'lift a hold',
    example: '/unhold',
  },
  retrain: {
    args: '[model]',
    parse: parse.optionalModel,
    who: WRITE,
    on: 'both',
    help: 'look now and open a retraining pull request, whatever the triggers say',
    example: '/retrain bikes',
  },
  why: {
    args: '[version or digest]',
    parse: parse.versionOrDigest,
    who: { kind: 'everyone' },
    on: 'both',
    help: 'print the chain of evidence behind a version',
    example: '/why bikes@v1.2.0',
  },
  history: {
    args: '[environment] [--model <name>] [--at <date>]',
    parse: parse.servingHistory,
    who: { kind: 'everyone' },
    on: 'both',
    help: 'what served when, and who approved it',
    example: '/history production --at 2026-03-01',
  },
  deploy: {
    args: '[environment]',
    parse: parse.optionalEnvironment,
    who: { kind: 'roles', action: 'deploy' },
    on: 'both',
    help: 'converge an environment to the locks now',
    example: '/deploy production',
  },
  rollback: {
    args: '[version] [environment]',
    parse: parse.versionAndEnvironment,
    who: { kind: 'roles', action: 'rollback' },
    on: 'both',
    help: 'serve the former version again, and freeze the one that serves',
    example: '/rollback bikes@v1.1.0 production',
  },
  train: {
    args: '[name=value ...]',
    parse: parse.assignments,
    who: WRITE,
    on: 'pull request',
    help: 'commit other parameters to model.yml of the branch and train; without any, try again what failed',
    example: '/train mlp.l2=0.01 seed=3',
  },
  evaluate: {
    args: '',
    parse: parse.nothing,
    who: WRITE,
    on: 'pull request',
    help: 'judge what is trained, and try again where that failed',
    example: '/evaluate',
  },
  update: {
    args: '',
    parse: parse.nothing,
    who: { kind: 'author' },
    on: 'pull request',
    help: 'merge the base into the branch and make the locks again',
    example: '/update',
  },
  'ok-to-train': {
    args: '<sha>',
    parse: parse.commit,
    who: { kind: 'roles', action: 'ok-to-train' },
    on: 'pull request',
    help: 'let this commit of a fork run, in a branch of this repository',
    example: '/ok-to-train 0123456789abcdef0123456789abcdef01234567',
  },
  override: {
    args: '<gate> <digest> <reason>',
    parse: parse.gateDigestAndReason,
    who: { kind: 'roles', action: 'override' },
    on: 'pull request',
    help: 'pass one gate, for a time',
    example: '/override mae at most 60 0123456789abcdef last week was a strike',
  },
  promote: {
    args: '[model] <environment>',
    parse: parse.modelAndEnvironment,
    who: { kind: 'roles', action: 'promote' },
    on: 'both',
    help: 'roll out what serves in the environment before',
    example: '/promote production',
  },
  unfreeze: {
    args: '<digest> <reason>',
    parse: parse.digestAndReason,
    who: { kind: 'roles', action: 'unfreeze' },
    on: 'both',
    help: 'allow a frozen digest again',
    example: '/unfreeze 0123456789abcdef the sensor is mended',
  },
  decide: {
    args: '[model:] <text>',
    parse: parse.text,
    who: WRITE,
    on: 'both',
    help: 'record a decision about a model, with a number and a file',
    example: '/decide the window stays 90 days',
  },
  cancel: {
    args: '',
    parse: parse.nothing,
    who: WRITE,
    on: 'pull request',
    help: 'cancel the runs of this pull request',
    example: '/cancel',
  },
} as const satisfies Record<string, CommandEntry>;

export type CommandName = keyof typeof COMMANDS;
export type ArgsByCommand = {
  [N in CommandName]: Exclude<ReturnType<(typeof COMMANDS)[N]['parse']>, string>;
};
/** What a line asks for, its arguments checked. */
export type Command<N extends CommandName = CommandName> = {
  [K in N]: { name: K; args: ArgsByCommand[K] };
}[N];

/** `refused`: a command that is known but can't be taken, with a reason for the reply. `near-miss`: a typo. */
export type ParsedLine =
  | { kind: 'command'; command: Command; line: number }
  | { kind: 'refused'; name: CommandName; reason: string; line: number }
  | { kind: 'near-miss'; text: string; nearest: CommandName; line: number };

export const COMMAND_NAMES = Object.keys(COMMANDS) as CommandName[];

const MAX_LINES = 20;

/**
 * The commands of a created comment: lines that start with `/name` at the first column. Fenced and indented
 * code, quotes (also their lazy continuation lines) and HTML comments are ignored, and so are words that
 * resemble no command: other bots listen here too.
 */
export function parseCommands(body: string): ParsedLine[] {
  const found: ParsedLine[] = [];
  for (const { text, line } of plainLines(body)) {
    const match = /^\/([A-Za-z][A-Za-z-]{0,20})(?:[ \t]+(.*))?$/.exec(text.trimEnd());
    if (!match) continue;
    const parsed = parseLine({ word: (match[1] ?? '').toLowerCase(), rest: (match[2] ?? '').trim(), line });
    if (parsed) found.push(parsed);
    if (found.length === MAX_LINES) break;
  }
  return found;
}

function parseLine({ word, rest, line }: { word: string; rest: string; line: number }): ParsedLine | null {
  const name = COMMAND_NAMES.find((known) => known === word);
  if (name === undefined) {
    const nearest = nearestOf(word, COMMAND_NAMES);
    return nearest === null ? null : { kind: 'near-miss', text: `/${word}`, nearest, line };
  }
  const args = COMMANDS[name].parse(rest);
  if (typeof args === 'string') return { kind: 'refused', name, reason: args, line };
  return { kind: 'command', command: { name, args } as Command, line };
}
