import type { CommentFacts } from '#lib/github/facts.ts';
import type { ArgsByCommand, CommandName } from '#lib/lifecycle/command.ts';
import type { Policy } from '#lib/lifecycle/policy.ts';
import type { Project } from './project.ts';

/** Where a command was given: its comment, the policy of the default branch, who opened the issue or pull request. */
export type CommandSetting = {
  project: Project;
  comment: CommentFacts;
  policy: Policy;
  isPull: boolean;
  author: string | null;
};

/**
 * What became of a command. `ok`: done or answered, else refused. `text` is one line by anybody, which is made
 * inert; `shown` is Markdown that a template rendered, put under the line.
 */
export type Outcome = { ok: boolean; text: string; shown?: string };

/**
 * Does one command, whose arguments were parsed, whose place fits and whose giver may (`decideCommand`). It may run
 * twice for one comment where the process was killed, so each converges.
 */
export type Handler<Name extends CommandName> = (
  setting: CommandSetting,
  args: ArgsByCommand[Name],
) => Promise<Outcome>;

export const DONE: Outcome = { ok: true, text: '' };

export function refused(text: string): Outcome {
  return { ok: false, text };
}
