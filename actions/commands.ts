import process from 'node:process';
import type { Command } from 'commander';
import type { EvidenceStage, Statement } from '#lib/lifecycle/evidence.ts';
import { type LifecycleStage, lifecycleStage } from '#lib/lifecycle/stage.ts';
import type { Verdict } from '#lib/lifecycle/verdict.ts';
import type { StageContext } from './kit/context.ts';
import { evaluated } from './kit/judged.ts';
import { loadModelFolder } from './kit/model-folder.ts';
import { planned } from './kit/planned.ts';
import { readRegistry } from './kit/registered.ts';
import type { StageResult } from './kit/stage.ts';
import { type PlannedStage, main as planMain } from './plan/main.ts';
import { stages, withOption } from './stages.ts';
import { inTerminal, type Options, type Outcome } from './terminal.ts';
import { candidateAsked } from './train/candidate.ts';

/** One for all stages of a candidate: what is compared with decides what is made. */
const BASE: [string, string] = ['--base <ref>', 'git ref whose locks name the champion (default HEAD)'];
const FORCE: [string, string] = ['--force', 'run even when up to date'];
const DRY_RUN: [string, string] = ['--dry-run', 'print the plan and change nothing'];

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
  stage(
    program,
    'train',
    'train every candidate of model.yml',
    trainAll,
    BASE,
    FORCE,
    ['--candidate <index>', 'only this one'],
    ['--backend <name>', 'TensorFlow.js backend: auto, tensorflow or wasm'],
  );
  stage(
    program,
    'evaluate',
    'judge the winner of the search on the holdout',
    (context) => upToDateOr(context, 'evaluate', null, stages.evaluate),
    BASE,
    FORCE,
  );
  stage(program, 'card', 'write locks, cards and change note into models/<name>/', card, BASE, DRY_RUN);
  stage(
    program,
    'deploy',
    'roll out what the locks name, step by step, until it is over',
    (context) => (isDryRun(context) ? planDeploy(context) : runAndSave(context, 'deploy', stages.deploy)),
    ['--environment <name>', 'environment of operate.yml (default: its first)'],
    DRY_RUN,
  );
  stage(
    program,
    'monitor',
    'compare live predictions and matured labels with the reference',
    (context) => runAndSave(context, 'monitor', stages.monitor),
    ['--environment <name>', 'environment that is watched'],
    ['--as-of <instant>', 'data time up to which is looked (default: now)'],
  );
  stage(
    program,
    'retrain',
    'decide on a retraining from the last monitor evidence',
    (context) => (isDryRun(context) ? planRetrain(context) : runAndSave(context, 'retrain', stages.retrain)),
    DRY_RUN,
  );
}

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

function isDryRun({ option }: StageContext): boolean {
  return option('dry-run') !== '';
}

async function card(context: StageContext): Promise<Outcome> {
  const { cardFiles, writeCardFiles } = await import('./model-card/files.ts');
  const { plan } = await planned(context);
  const found = await evaluated(context, plan);
  const { workspace } = context.deps;
  const files = await cardFiles({ model: context.model, plan, ...found }, workspace);
  const { verdict } = found.evaluate.predicate.result;
  const told = (verb: string) =>
    files.length === 0 ? ['card: up to date'] : files.map(({ path }) => `${verb} ${path}`);
  if (isDryRun(context)) return { verdict, value: { write: files }, lines: told('would write') };
  writeCardFiles(files, workspace);
  return { verdict, value: { written: files.map(({ path }) => path) }, lines: told('wrote') };
}

async function planDeploy(context: StageContext): Promise<Outcome> {
  const { planRollOut } = await import('./deploy/roll-out.ts');
  const record = await planRollOut(context);
  const { release, previous, environment, phase, strategy } = record;
  const weights = previous === null ? [] : strategy.steps.map(({ weight }) => `${weight} %`);
  const what =
    phase === 'succeeded'
      ? `would check ${release.version}, which ${environment} serves already`
      : `would roll ${release.version} out in ${environment}, in place of ${previous?.version ?? 'nothing'}: ${[...weights, '100 %'].join(', ')}`;
  return { verdict: 'passed', value: record, lines: [`deploy: ${what}`] };
}

/** The decision is the plan; without `--dry-run` it is kept as evidence too. */
async function planRetrain(context: StageContext): Promise<Outcome> {
  const { verdict, statement } = await stages.retrain(context);
  const { result } = statement.predicate;
  return { verdict, value: result, lines: [`retrain: would decide "${result.decision}"`] };
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
