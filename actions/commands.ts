import process from 'node:process';
import { styleText } from 'node:util';
import type { Command } from 'commander';
import type { EvidenceStage, Statement } from '#lib/lifecycle/evidence.ts';
import { type LifecycleStage, lifecycleStage } from '#lib/lifecycle/stage.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import type { Verdict } from '#lib/lifecycle/verdict.ts';
import { openContext, type StageContext } from './kit/context.ts';
import { openDeps } from './kit/deps.ts';
import { evaluated } from './kit/judged.ts';
import { loadModelFolder } from './kit/model-folder.ts';
import { planned } from './kit/planned.ts';
import { silentProgress, terminalProgress } from './kit/progress.ts';
import { readRegistry } from './kit/registered.ts';
import type { StageResult } from './kit/stage.ts';
import { type PlannedStage, main as planMain } from './plan/main.ts';
import { stages, withOption } from './stages.ts';
import { candidateAsked } from './train/candidate.ts';

type Options = Record<string, string | boolean | undefined>;

/** One for all stages of a candidate: what is compared with decides what is made. */
const BASE: [string, string] = ['--base <ref>', 'git ref whose locks name the champion (default HEAD)'];
const FORCE: [string, string] = ['--force', 'run even when up to date'];

/** The stages in any checkout, without GitHub. */
export function stageCommands(program: Command): void {
  stage(program, 'plan', 'say which stages the present files need, and why', plan, BASE);
  stage(
    program,
    'data',
    'run the SQL pipeline, check the contract, make profile and parts',
    (context) => upToDateOr(context, 'data', null, stages.data),
    BASE,
    FORCE,
  );
  stage(program, 'train', 'train every candidate of model.yml', trainAll, BASE, FORCE, [
    '--candidate <index>',
    'only this one',
  ]);
  stage(
    program,
    'evaluate',
    'judge the winner of the search on the holdout',
    (context) => upToDateOr(context, 'evaluate', null, stages.evaluate),
    BASE,
    FORCE,
  );
  stage(program, 'card', 'write locks, cards and change note into models/<name>/', card, BASE);
  stage(
    program,
    'deploy',
    'roll out what the locks name, step by step, until it is over',
    (context) => runAndSave(context, 'deploy', stages.deploy),
    ['--environment <name>', 'environment of operate.yml (default: its first)'],
  );
  stage(
    program,
    'monitor',
    'compare live predictions and matured labels with the reference',
    (context) => runAndSave(context, 'monitor', stages.monitor),
    ['--environment <name>', 'environment that is watched'],
    ['--as-of <instant>', 'data time up to which is looked (default: now)'],
  );
  stage(program, 'retrain', 'decide on a retraining from the last monitor evidence', (context) =>
    runAndSave(context, 'retrain', stages.retrain),
  );
}

type Outcome = { verdict: Verdict; value: unknown; lines: string[] };

function stage(
  program: Command,
  name: string,
  description: string,
  run: (context: StageContext) => Promise<Outcome>,
  ...extra: [string, string][]
): void {
  const command = program
    .command(name)
    .description(description)
    .option('--model <name>', 'the model (may be left out where there is one)')
    .option('--json', 'one JSON object on standard output');
  for (const [flags, text] of extra) command.option(flags, text);
  command.action(async (options: Options) => {
    process.exitCode = await inTerminal(options, run);
  });
}

/** Opens the surroundings, runs, prints, and turns outcome or error into the exit code. */
async function inTerminal(
  options: Options,
  run: (context: StageContext) => Promise<Outcome>,
): Promise<number> {
  const json = options.json === true;
  const progress = json ? silentProgress : terminalProgress(process.stderr);
  try {
    const deps = openDeps({ workspace: process.cwd(), env: process.env, progress });
    try {
      const context = await openContext({ option: (name) => optionText(options, name), deps });
      const { verdict, value, lines } = await run(context);
      process.stdout.write(json ? `${JSON.stringify(value, null, 2)}\n` : `${lines.join('\n')}\n`);
      return verdict === 'failed' ? 1 : 0;
    } finally {
      deps.dispose();
    }
  } catch (error) {
    return printError(error);
  }
}

function optionText(options: Options, name: string): string {
  const camel = name.replace(/[-_]([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const value = options[camel];
  return value === undefined || value === false ? '' : String(value);
}

/** 2 = the user's to mend, 3 = a fault of ours. */
export function printError(error: unknown): 2 | 3 {
  const red = (text: string) => (process.stderr.isTTY ? styleText('red', text) : text);
  if (error instanceof UserError) {
    process.stderr.write(`${red('error')} ${error.message}\n  to mend it: ${error.fix}\n`);
    return 2;
  }
  process.stderr.write(
    `${red('fault')} ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return 3;
}

async function plan(context: StageContext): Promise<Outcome> {
  const needed = await stagesOf(context);
  const standing = await standingOf(context);
  return {
    verdict: 'passed',
    value: { model: context.model, standing, stages: needed },
    lines: [`${context.model}: ${standing}`, ...needed.map(describeStage)],
  };
}

/** Where the model is in its life, as this checkout's evidence and tags tell it. */
async function standingOf({ evidence, deps, model }: StageContext): Promise<LifecycleStage> {
  const { versions, assignments } = await readRegistry(deps.workspace, model);
  const deployed = evidence.find('deploy')?.statement.predicate.result.phase === 'succeeded';
  return lifecycleStage({
    defined: true,
    dataReady: evidence.find('data')?.statement.predicate.result.contract.verdict === 'passed',
    registered: versions.length > 0 || deployed,
    serving: deployed || assignments.length > 0,
    retraining: evidence.find('retrain')?.statement.predicate.result.decision === 'open',
  });
}

async function stagesOf(context: StageContext): Promise<PlannedStage[]> {
  const { plan } = await planned(context);
  const folder = loadModelFolder(context.deps.workspace, context.model);
  return planMain({ folder, plan, evidence: context.evidence });
}

function describeStage({ stage: name, index, run, why }: PlannedStage): string {
  return `${run ? 'run ' : 'skip'}  ${name}${index === null ? '' : ` #${index}`}: ${why}`;
}

async function card(context: StageContext): Promise<Outcome> {
  const { writeCardFiles } = await import('./model-card/files.ts');
  const { plan } = await planned(context);
  const found = await evaluated(context, plan);
  const { evaluate } = found;
  const written = writeCardFiles({ model: context.model, plan, ...found }, context.deps.workspace);
  const lines = written.length === 0 ? ['card: up to date'] : written.map((path) => `wrote ${path}`);
  return { verdict: evaluate.predicate.result.verdict, value: { written }, lines };
}

async function upToDateOr<Stage extends EvidenceStage>(
  context: StageContext,
  name: Stage & ('data' | 'train' | 'evaluate'),
  index: number | null,
  run: (context: StageContext) => Promise<StageResult<Stage>>,
): Promise<Outcome> {
  const decided = (await stagesOf(context)).find((entry) => entry.stage === name && entry.index === index);
  const found = context.evidence.find(name, index ?? undefined);
  if (decided?.run === false && found !== null && context.option('force') === '') {
    const verdict = recordedVerdict(found.statement);
    const lines = [`${name}: up to date, ${verdict} (--force runs it all the same)`];
    return { verdict, value: found.statement, lines };
  }
  return runAndSave(context, name, run, index);
}

/** A stage that need not run again still says what it found: a failed gate stays failed. */
function recordedVerdict({ predicate: { result } }: Statement<'data' | 'train' | 'evaluate'>): Verdict {
  if ('contract' in result) return result.contract.verdict;
  return 'verdict' in result ? result.verdict : 'passed';
}

async function runAndSave<Stage extends EvidenceStage>(
  context: StageContext,
  name: Stage,
  run: (context: StageContext) => Promise<StageResult<Stage>>,
  index: number | null = null,
): Promise<Outcome> {
  const { statement, verdict, inputs } = await run(context);
  const path = context.evidence.save(name, statement, { index: index ?? undefined, inputs });
  return {
    verdict,
    value: statement,
    lines: [`${name}${index === null ? '' : ` #${index}`}: ${verdict}`, `  evidence: ${path}`],
  };
}

async function trainAll(context: StageContext): Promise<Outcome> {
  const { plan: asked } = await planned(context);
  const only = context.option('candidate');
  const chosen = only === '' ? asked.candidates : [candidateAsked(asked, only)];
  const outcomes: Outcome[] = [];
  for (const { index } of chosen) {
    outcomes.push(
      await upToDateOr(withOption(context, 'candidate', String(index)), 'train', index, stages.train),
    );
  }
  return {
    verdict: 'passed',
    value: outcomes.map(({ value }) => value),
    lines: outcomes.flatMap(({ lines }) => lines),
  };
}
