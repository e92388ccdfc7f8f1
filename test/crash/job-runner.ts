import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJournal } from '../../runners/local/github/journal.ts';
import type { Artifact, Job, Run } from '../../runners/local/github/rows/run.ts';
import { LATEST, R, startWorld, type World } from '../runners/github/harness.ts';
import type { Target } from './points.ts';
import { processUnderTest, until, wholeProgram } from './process-under-test.ts';
import type { Ending } from './verdict.ts';

const PIN = '0123456789abcdef0123456789abcdef01234567';
const LOST = 'The runner was lost.';

/** What a step does to the world outside: a line `<workflow> <attempt> <job>`, once each time that it runs. */
const effect = (name: string) => `echo "$GITHUB_WORKFLOW $GITHUB_RUN_ATTEMPT ${name}" >> "$EFFECTS"`;

/** Jobs that pass something on, a job that fails beside one that runs nevertheless, and a job without an end. */
const WORKFLOWS: Record<string, string> = {
  chain: `
  build:
    runs-on: ubuntu-latest
    outputs: {part: "\${{ steps.made.outputs.part }}"}
    steps:
      - id: made
        run: |
          ${effect('build')}
          echo made > part.txt
          echo "part=part-$GITHUB_RUN_ID-$GITHUB_RUN_ATTEMPT" >> "$GITHUB_OUTPUT"
      - {uses: actions/upload-artifact@${PIN}, with: {name: "\${{ steps.made.outputs.part }}", path: part.txt}}
  use:
    needs: build
    runs-on: ubuntu-latest
    steps:
      - {uses: actions/download-artifact@${PIN}, with: {name: "\${{ needs.build.outputs.part }}"}}
      - run: |
          ${effect('use')}
          test "$(cat part.txt)" = made
          echo '# It fits' >> "$GITHUB_STEP_SUMMARY"
`,
  fails: `
  breaks: {runs-on: ubuntu-latest, steps: [{run: '${effect('breaks')}; exit 3'}]}
  after:
    needs: breaks
    if: always()
    runs-on: ubuntu-latest
    steps: [{run: '${effect('after')}; echo "it was \${{ needs.breaks.result }}"'}]
  never: {needs: breaks, runs-on: ubuntu-latest, steps: [{run: '${effect('never')}'}]}
`,
  endless: `
  waits:
    runs-on: ubuntu-latest
    steps:
      - run: |
          ${effect('waits')}
          sleep 3600 &
          sleep 3600
      - {if: cancelled(), run: '${effect('says')}'}
`,
};

const program = wholeProgram('job-runner', 'runners/local/jobs/process.ts');

/**
 * The job runner with three runs: a person starts all of them, cancels the endless one once it is under way,
 * and runs again what a kill has lost.
 */
export async function playJobRunner(targets: Target[]): Promise<Ending> {
  const world = await startWorld();
  const output: string[] = [];
  const { dir } = world;
  const runner = processUnderTest({
    ...{ name: 'job-runner', dir, program, targets, output, env: {} },
    args: ['--dir', dir, '--url', world.github.url],
  });
  try {
    await pushWorkflows(world);
    runner.start();
    const names = Object.keys(WORKFLOWS);
    const ends = names.map(async (name) => {
      const id = await dispatch(world, name);
      await until(`the end of ${name}`, () => hasEnded({ world, id, name }), { app: runner });
    });
    await Promise.all(ends);
    const open = join(dir, 'jobs', 'open');
    const isAtRest = () => existsSync(open) && readdirSync(open).length === 0;
    await until('the runner has nothing open', isAtRest, { app: runner });
    return { world: await readRuns(dir), trace: runner.trace() };
  } finally {
    await runner.stop();
    await world.close();
  }
}

async function pushWorkflows(world: World): Promise<void> {
  const main = await world.repository('ml-lead');
  const env = `env: {EFFECTS: '${effectsPath(world.dir)}'}`;
  const files = Object.entries(WORKFLOWS).map(([name, jobs]) => [
    `.github/workflows/${name}.yml`,
    `name: ${name}\non: workflow_dispatch\n${env}\njobs:${jobs}`,
  ]);
  await main.commit('first', Object.fromEntries(files));
  await main.push('main');
}

async function dispatch(world: World, name: string): Promise<number> {
  const { data } = await world.as('ml-lead').rest.actions.createWorkflowDispatch({
    ...{ ...R, workflow_id: `${name}.yml`, ref: 'main' },
    headers: { 'x-github-api-version': LATEST },
  });
  return Number((data as unknown as { workflow_run_id: number }).workflow_run_id);
}

/** A person looks at a run, and does what it asks of him. */
async function hasEnded({ world, id, name }: { world: World; id: number; name: string }): Promise<boolean> {
  const { rest } = world.as('ml-lead');
  const run = { ...R, run_id: id };
  const { data } = await rest.actions.getWorkflowRun(run);
  if (data.status !== 'completed') {
    const begun = effectsIn(world.dir).includes(`${name} ${data.run_attempt} waits`);
    if (begun) await rest.actions.cancelWorkflowRun(run).catch(ignoreConflict);
    return false;
  }
  const rows = await readTables(world.dir);
  if (!jobsOf(rows, id, data.run_attempt ?? 1).some(isLost)) return true;
  await rest.actions.reRunWorkflowFailedJobs(run);
  return false;
}

/** It ended between the look and the deed. */
function ignoreConflict(fault: { status?: number }): void {
  if (fault.status !== 409) throw fault;
}

type Tables = Map<string, Map<string, unknown>>;

async function readTables(dir: string): Promise<Tables> {
  const tables: Tables = new Map();
  for (const [table, key, value] of await readJournal(join(dir, 'github', 'journal.jsonl'))) {
    const rows = tables.get(table) ?? new Map<string, unknown>();
    tables.set(table, rows);
    if (value === null) rows.delete(key);
    else rows.set(key, value);
  }
  return tables;
}

function rowsOf<Row>(tables: Tables, table: string): Row[] {
  return [...(tables.get(table) ?? new Map()).values()] as Row[];
}

function jobsOf(tables: Tables, run: number, attempt: number): Job[] {
  return rowsOf<Job>(tables, 'jobs').filter((job) => job.run_id === run && job.attempt === attempt);
}

function isLost({ annotations }: Job): boolean {
  return annotations.some(({ message }) => message === LOST);
}

function effectsPath(dir: string): string {
  return join(dir, 'effects.txt');
}

function effectsIn(dir: string): string[] {
  if (!existsSync(effectsPath(dir))) return [];
  return readFileSync(effectsPath(dir), 'utf8').split('\n').filter(Boolean);
}

/**
 * The last attempt of every run, its logs and artifacts; what steps did to the world outside; what must not be
 * left. Times, ids, the number of the attempt, and attempts that were lost with their artifacts are left out.
 */
async function readRuns(dir: string): Promise<string[]> {
  const tables = await readTables(dir);
  const runs = rowsOf<Run>(tables, 'runs');
  const artifacts = rowsOf<Artifact>(tables, 'artifacts');
  const names = new Map(runs.map(({ id, name }) => [id, name]));
  const uploads = artifacts.map(
    ({ run_id, name, sha256 }) => `artifact ${names.get(run_id)} ${blankAttempt(name)} ${sha256}`,
  );
  return [
    ...runs.flatMap((run) => linesOfRun({ dir, tables, run })),
    ...new Set(uploads),
    ...effectLines(dir),
    ...rowsOf<{ kind: string }>(tables, 'tokens')
      .filter(({ kind }) => kind === 'job')
      .map(() => 'left: the token of a job'),
    ...readdirSync(join(dir, 'jobs', 'work')).map((name) => `left: the folder ${name}`),
    ...processesOf(dir).map((command) => `left: the process ${command}`),
  ];
}

function linesOfRun({ dir, tables, run }: { dir: string; tables: Tables; run: Run }): string[] {
  const { id, name, attempt, status, conclusion, message } = run;
  const jobs = jobsOf(tables, id, attempt).map((job) => {
    const steps = job.steps.map((step) => [step.number, step.name, step.status, step.conclusion]);
    const { key, annotations, summary, outputs, labels } = job;
    const value = { conclusion: job.conclusion, labels, steps, annotations, summary, outputs };
    return `job ${name} ${key} ${blankAttempt(JSON.stringify(value))}`;
  });
  return [`run ${name} ${status} ${conclusion} ${message}`, ...jobs, ...logLines({ dir, tables, run })];
}

/** A job that was kept has its log where it ran. */
function logLines({ dir, tables, run }: { dir: string; tables: Tables; run: Run }): string[] {
  return jobsOf(tables, run.id, run.attempt).flatMap(({ key }) => {
    const attempts = Array.from({ length: run.attempt }, (_, at) => run.attempt - at);
    const path = attempts
      .map((attempt) => join(dir, 'github', 'logs', `${run.id}-${attempt}`, `${key}.txt`))
      .find(existsSync);
    const lines = path === undefined ? [] : readFileSync(path, 'utf8').split('\n');
    return lines
      .filter((line) => line !== '' && !line.includes('Terminate orphan process'))
      .map((line, at) => `log ${run.name} ${key} ${at} ${blankPlace(line.replace(/^\S+ /, ''), dir)}`);
  });
}

function blankPlace(line: string, dir: string): string {
  return blankAttempt(
    line
      .replaceAll(dir, '<dir>')
      .replace(/Current runner: \S+,/, 'Current runner: <name>,')
      .replace(/\d+-\d+-(?=[a-z]+\/)/g, '<run>-'),
  );
}

function blankAttempt(text: string): string {
  return text.replace(/part-\d+-\d+/g, 'part-<run>-<attempt>');
}

/** Each job did its work once in an attempt, and in all of them together at least once. */
function effectLines(dir: string): string[] {
  const lines = effectsIn(dir);
  const twice = lines.filter((line, at) => lines.indexOf(line) !== at);
  const done = new Set(lines.map((line) => line.replace(/ \d+ /, ' ')));
  return [...[...done].map((line) => `effect ${line}`), ...twice.map((line) => `effect twice: ${line}`)];
}

/** Processes that the runner's jobs have started and that still live. */
function processesOf(dir: string): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'latin1');
      if (!environment.includes(`EFFECTS=${effectsPath(dir)}\0`)) return [];
      return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')];
    } catch {
      return [];
    }
  });
}
