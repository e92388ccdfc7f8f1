import { existsSync, statSync } from 'node:fs';
import { isAbsolute, join, normalize } from 'node:path';
import { isCode } from '#lib/formats/digests.ts';
import type { CommandCandidate, Model } from '#lib/lifecycle/model.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import type { CommandTraining } from '#lib/ml/train-command.ts';
import type { Environment } from '../kit/deps.ts';
import type { StageDeps } from '../kit/stage.ts';

/** What every program needs to start; the rest of the environment may hold what is none of its business. */
const BASIC = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'USER'];
const SHOWN_LINES = 200;

type Surroundings = Pick<CommandTraining, 'workspace' | 'folder' | 'environment' | 'onLine' | 'warn'>;

/** Folder, variables and progress of one run of a candidate's command. */
export function commandSurroundings(
  candidate: CommandCandidate,
  { inputs, fit, deps }: { inputs: { env: Environment; candidate: number }; fit: string; deps: StageDeps },
): Surroundings {
  const { workspace, scratch, progress } = deps;
  const allowed = [...BASIC, ...candidate.environment].flatMap((name): [string, string][] => {
    const value = inputs.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  let lines = 0;
  return {
    workspace,
    folder: join(scratch, `command-${inputs.candidate}-${fit}`),
    environment: { ...Object.fromEntries(allowed), TMPDIR: scratch },
    warn: (text) => progress.warn(text),
    onLine(line) {
      const step = /\b(\d{1,9})\s*\/\s*(\d{1,9})\b/.exec(line);
      if (step) progress.update(Number(step[1]), Number(step[2]), 'steps');
      lines += 1;
      // The mark keeps a line from being read as a command of the workflow.
      if (lines <= SHOWN_LINES) progress.note(`| ${line}`);
      if (lines === SHOWN_LINES + 1) progress.note('| ... further lines are not shown');
    },
  };
}

/**
 * Refuses a command that names a file of the checkout which the code digest doesn't cover: a change of it
 * would go unseen.
 */
export function checkCovered(
  candidate: CommandCandidate,
  { workspace, name, model }: { workspace: string; name: string; model: Model },
): void {
  const files = candidate.command
    .filter((argument) => !isAbsolute(argument) && isFile(join(workspace, argument)))
    .map((argument) => normalize(argument));
  const bare = files.filter((path) => !isCode(path, { model: name, code: model.code }));
  if (bare.length === 0) return;
  throw new UserError(
    `models/${name}/model.yml: candidate "${candidate.name}" runs ${bare.join(', ')}, which the code digest does not cover`,
    { fix: `put it below models/${name}/, or list it: code: [${bare.join(', ')}]` },
  );
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}
