import { nearestOf } from './nearest.ts';
import { modelNameSchema } from './scalars.ts';

/** Where a command may stand: on an issue, on a pull request, or on both. */
type Place = 'issue' | 'pull request' | 'both';
type CommandEntry = {
  name: string;
  /** As shown in help, without the name. */
  args: string;
  who: string;
  help: string;
  on: Place;
  built: boolean;
};

/** Every command there is, in the order of `/help`. One that isn't built yet is known by name and refused. */
export const COMMANDS = [
  { name: 'help', args: '', who: 'everyone', help: 'list the commands', on: 'both', built: true },
  {
    name: 'plan',
    args: '',
    who: 'write',
    help: 'plan again and update the comment',
    on: 'pull request',
    built: true,
  },
  {
    name: 'approve',
    args: '<digest>',
    who: 'the roles of the approval rule',
    help: 'approve exactly what this digest names',
    on: 'both',
    built: true,
  },
  {
    name: 'object',
    args: '<reason>',
    who: 'the roles of the approval rule',
    help: 'block the approval and say why',
    on: 'both',
    built: true,
  },
  {
    name: 'hold',
    args: '',
    who: 'write',
    help: 'block merging and deploying until `/unhold`',
    on: 'both',
    built: true,
  },
  { name: 'unhold', args: '', who: 'write', help: 'lift a hold', on: 'both', built: true },
  {
    name: 'retrain',
    args: '[model]',
    who: 'write',
    help: 'look now and open a retraining pull request, whatever the triggers say',
    on: 'both',
    built: true,
  },
  {
    name: 'why',
    args: '[version]',
    who: 'everyone',
    help: 'print the chain of evidence behind a version',
    on: 'both',
    built: true,
  },
  {
    name: 'history',
    args: '[environment]',
    who: 'everyone',
    help: 'what served when, and who approved it',
    on: 'both',
    built: true,
  },
  {
    name: 'deploy',
    args: '[environment]',
    who: 'write',
    help: 'converge an environment to the locks now',
    on: 'both',
    built: true,
  },
  {
    name: 'rollback',
    args: '[version]',
    who: 'the roles of the approval rule',
    help: 'serve the former version again',
    on: 'both',
    built: false,
  },
  {
    name: 'train',
    args: '[key=value ...]',
    who: 'write',
    help: 'train with other parameters',
    on: 'pull request',
    built: false,
  },
  { name: 'evaluate', args: '', who: 'write', help: 'evaluate again', on: 'pull request', built: false },
  {
    name: 'update',
    args: '',
    who: 'write',
    help: 'merge the base into the branch and make the locks again (the author, or a role of the policy)',
    on: 'pull request',
    built: true,
  },
  {
    name: 'ok-to-train',
    args: '<sha>',
    who: 'maintain',
    help: 'let the code of a fork run',
    on: 'pull request',
    built: false,
  },
  {
    name: 'override',
    args: '<gate> <digest> <reason>',
    who: 'a policy role',
    help: 'pass one gate, for a time',
    on: 'pull request',
    built: false,
  },
  {
    name: 'promote',
    args: '<environment>',
    who: 'write',
    help: 'promote to the next environment',
    on: 'both',
    built: false,
  },
  {
    name: 'unfreeze',
    args: '<digest> <reason>',
    who: 'a policy role',
    help: 'allow a frozen digest again',
    on: 'both',
    built: false,
  },
  {
    name: 'decide',
    args: '<text>',
    who: 'write',
    help: 'append a decision record',
    on: 'pull request',
    built: false,
  },
  {
    name: 'cancel',
    args: '',
    who: 'write',
    help: 'cancel the runs of this pull request',
    on: 'pull request',
    built: true,
  },
] as const satisfies readonly CommandEntry[];
export type CommandName = (typeof COMMANDS)[number]['name'];

/** What a line asks for, its arguments checked. `digest` is 16 to 64 hex characters, without `sha256:`. */
export type Command =
  | { name: 'help' | 'plan' | 'hold' | 'unhold' | 'update' | 'cancel' }
  | { name: 'retrain'; model: string | null }
  | { name: 'approve'; digest: string }
  | { name: 'object'; reason: string }
  | { name: 'why'; version: string | null }
  | { name: 'rollback'; version: string | null }
  | { name: 'history'; environment: string | null }
  | { name: 'deploy'; environment: string | null };

/** `refused`: a command that is known but can't be taken, with a reason for the reply. `near-miss`: a typo. */
export type ParsedLine =
  | { kind: 'command'; command: Command; line: number }
  | { kind: 'refused'; name: CommandName; reason: string; line: number }
  | { kind: 'near-miss'; text: string; nearest: CommandName; line: number };

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
  const entry = COMMANDS.find(({ name }) => name === word);
  if (!entry) {
    const nearest = nearestOf(
      word,
      COMMANDS.map(({ name }) => name),
    );
    return nearest === null ? null : { kind: 'near-miss', text: `/${word}`, nearest, line };
  }
  if (!entry.built) {
    return { kind: 'refused', name: entry.name, reason: `\`/${entry.name}\` is not built yet`, line };
  }
  const command = commandOf(entry.name, rest);
  if (typeof command === 'string') return { kind: 'refused', name: entry.name, reason: command, line };
  return { kind: 'command', command, line };
}

/** The typed command, or why its arguments were refused. */
function commandOf(name: CommandName, rest: string): Command | string {
  switch (name) {
    case 'approve': {
      const digest = rest.replace(/^sha256:/i, '').toLowerCase();
      if (/^[0-9a-f]{16,64}$/.test(digest)) return { name, digest };
      return 'it needs 16 or more hex characters of the digest: copy the line that the comment shows';
    }
    case 'object':
      return rest === '' ? 'it needs a reason: `/object <reason>`' : { name, reason: rest };
    case 'why':
    case 'rollback': {
      const version = rest.replace(/^v/, '');
      if (version !== '' && !/^\d+\.\d+\.\d+$/.test(version)) return 'the version must look like 1.2.0';
      return { name, version: version === '' ? null : version };
    }
    case 'history':
    case 'deploy':
      if (rest !== '' && !/^[a-z0-9-]{1,40}$/.test(rest))
        return 'the environment must be a name such as production';
      return { name, environment: rest === '' ? null : rest };
    case 'retrain': {
      const model = rest === '' ? null : rest;
      if (model !== null && !modelNameSchema.safeParse(model).success)
        return 'the model must be a name such as bikes';
      return { name, model };
    }
    case 'help':
    case 'plan':
    case 'hold':
    case 'unhold':
    case 'update':
    case 'cancel':
      return rest === '' ? { name } : `it takes no arguments, found "${rest.slice(0, 60)}"`;
    default:
      return `\`/${name}\` is not built yet`;
  }
}

/** Lines that Markdown shows as plain text, with their number from 1. */
function* plainLines(body: string): Generator<{ text: string; line: number }> {
  let fence: string | null = null;
  let inQuote = false;
  let inHtmlComment = false;
  for (const [index, text] of body.split(/\r\n|\r|\n/).entries()) {
    if (inHtmlComment) {
      inHtmlComment = !text.includes('-->');
      continue;
    }
    const mark = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(text);
    if (fence !== null) {
      const closes = mark?.[1]?.startsWith(fence) && mark[2]?.trim() === '';
      if (closes) fence = null;
      continue;
    }
    if (mark?.[1]) {
      fence = mark[1];
      continue;
    }
    inQuote = /^ {0,3}>/.test(text) || (inQuote && text.trim() !== '');
    inHtmlComment = text.lastIndexOf('<!--') > text.lastIndexOf('-->');
    if (!inQuote && !inHtmlComment) yield { text, line: index + 1 };
  }
}
