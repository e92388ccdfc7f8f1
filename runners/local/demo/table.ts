import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Build, buildData } from '#lib/data/build.ts';
import { columnOf, isMissing, type Table, timesOf } from '#lib/data/table.ts';
import { parseConfig } from '#lib/formats/config.ts';
import { CONFIRMATIONS } from '#lib/formats/issue-form.ts';
import type { Data } from '#lib/lifecycle/data.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { type Calendar, calendarOf, splitOf } from './calendar.ts';
import { type InitReport, type InitRequest, runInit } from './init-files.ts';
import { accessOf } from './play.ts';
import {
  type AddedStep,
  EVENT_TIME,
  playedData,
  playedOperate,
  type Sizes,
  sampledStep,
  timedStep,
  untilNowStep,
  withSteps,
} from './played-files.ts';
import { inClone, issueOf } from './repository.ts';
import type { Case } from './stage.ts';
import type { LiveRow } from './traffic-client.ts';

const DAY_MS = 86_400_000;
/** More would make the story last longer than people watch: about as many requests as the bikes' year has hours. */
const MOST_ROWS = 20_000;
const FEWEST_ROWS = 160;
const SEED = 7;

export type TableOptions = {
  request: InitRequest /** Rows that are wanted; null = all up to a bound. */;
  sample: number | null;
};
export type TableCase = {
  case: Case;
  report: InitReport;
  /** What people have to know of how the file is played. */
  said: string[];
};

/** A case of any CSV or Parquet file: `init` says what it is, and its files are what the data scientist pushes. */
export async function tableCase({ request, sample }: TableOptions): Promise<TableCase> {
  const scratch = await mkdtemp(join(tmpdir(), 'roundhouse-table-'));
  try {
    const report = await runInit(request, { folder: scratch, dryRun: true });
    const texts = new Map(report.write.map(({ path, text }) => [path, text]));
    const file = [...texts.keys()].find((path) => /^models\/[^/]+\/data\.yml$/.test(path));
    const model = file?.split('/')[1];
    if (file === undefined || model === undefined) throw new Error('init wrote no data.yml');
    const planned = await planTable({ request, report, texts, file, sample, scratch });
    return {
      case: caseOf({ request: { ...request, name: model }, report, model, planned }),
      report,
      said: planned.said,
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

type Planned = {
  /** Steps that the demo adds, the last of which holds back what is still to come. */
  steps: AddedStep[];
  calendar: Calendar;
  sizes: Sizes;
  rows: LiveRow[];
  said: string[];
};

type Planning = {
  request: InitRequest;
  report: InitReport;
  texts: Map<string, string>;
  file: string;
  sample: number | null;
  scratch: string;
};

async function planTable(planning: Planning): Promise<Planned> {
  const { report, texts, file, sample } = planning;
  const said: string[] = [];
  let text = texts.get(file) ?? '';
  const steps: AddedStep[] = [];
  const parsed = () => parseConfig('data', { file, text });
  const add = (step: AddedStep) => {
    steps.push(step);
    text = withSteps(text, [step]);
  };
  const wanted = Math.min(sample ?? MOST_ROWS, report.rows);
  if (wanted < report.rows) {
    add(sampledStep(parsed(), wanted, SEED));
    said.push(
      `${wanted} of ${report.rows} rows are played, chosen by a digest of their key${sample === null ? ` (--sample takes another number; without it ${MOST_ROWS} at most)` : ''}`,
    );
  }
  let build = await builtFrom(planning, { data: parsed(), steps });
  if (build.table.rows < FEWEST_ROWS)
    throw new UserError(
      `${build.table.rows} rows are too few to train on half of them and live through the rest`,
      {
        fix: `give a file of ${FEWEST_ROWS} rows or more`,
      },
    );
  const times = planning.request.time === undefined ? null : orderedTimes(build.table);
  const calendar = calendarOf(times, build.table.rows);
  said.push(calendar.said);
  if (calendar.own !== null) {
    add(timedStep(parsed(), calendar.own));
    build = await builtFrom(planning, { data: { ...parsed(), time: EVENT_TIME }, steps });
  }
  const known = parsed();
  add(untilNowStep(known, { columns: build.columns, opening: calendar.opening }));
  const all = orderedTimes(build.table);
  const training = all.filter((time) => time < calendar.opening).length;
  const end = calendar.stretches.at(-1)?.until ?? calendar.opening;
  const rows = liveRows(build.table, known).filter(({ at }) => at >= calendar.opening && at < end);
  said.push(...unseenClasses(build.table, known, calendar, report));
  const sizes: Sizes = {
    calendar,
    split: splitOf(all, calendar),
    rows: { training, window: Math.floor(rows.length / calendar.stretches.length) },
  };
  return { steps, calendar, sizes, rows, said };
}

/** The rows as the data stage will see them: by its own reader, from the files that `init` planned. */
async function builtFrom(
  { request, report, texts, file, scratch }: Planning,
  { data, steps }: { data: Data; steps: readonly AddedStep[] },
): Promise<Pick<Build, 'table' | 'columns'>> {
  const folder = await mkdtemp(join(scratch, 'build-'));
  const added = new Map(steps.map(({ name, sql }) => [name, sql]));
  const build = await buildData({
    data,
    file,
    steps: data.pipeline.map((name) => {
      const path = `${file.slice(0, -'data.yml'.length)}${name}`;
      return { path, name, sql: added.get(name) ?? texts.get(path) ?? '' };
    }),
    store: {
      async getFile(_digest, path) {
        await copyFile(request.data, path);
        return path;
      },
    },
    folder,
    numericLabel: report.task === 'regression',
    note: () => {},
  });
  build.session.close();
  return build;
}

function orderedTimes(table: Table): Float64Array {
  return timesOf(table, EVENT_TIME)
    .filter((time) => Number.isFinite(time))
    .sort();
}

/** Rows as requests, with what later turned out to be true; a label that the file lacks never comes. */
function liveRows(table: Table, { inputs, target }: Data): LiveRow[] {
  const times = timesOf(table, EVENT_TIME);
  const cell = (name: string, row: number) => {
    const column = columnOf(table, name);
    return isMissing(column, row) ? null : (column.values[row] ?? null);
  };
  return Array.from(times, (at, row) => ({
    at,
    inputs: Object.fromEntries(Object.keys(inputs).map((name) => [name, cell(name, row)])),
    label: cell(target, row),
  })).sort((one, other) => one.at - other.at);
}

function unseenClasses(
  table: Table,
  { target }: Data,
  { opening }: Calendar,
  { task }: InitReport,
): string[] {
  if (task === 'regression') return [];
  const rows = liveRows(table, { inputs: {}, target } as Data);
  const known = new Set(rows.filter(({ at }) => at < opening).map(({ label }) => label));
  const unseen = new Set(rows.map(({ label }) => label).filter((label) => !known.has(label)));
  if (unseen.size === 0) return [];
  return [
    `the first part has no row of ${target} = ${[...unseen].join(', ')}: the first version cannot know it and is wrong there`,
  ];
}

type Making = { request: InitRequest; report: InitReport; model: string; planned: Planned };

function caseOf({ request, report, model, planned }: Making): Case {
  const { calendar, sizes, rows } = planned;
  return {
    model,
    opening: new Date(calendar.opening),
    issue: issueOf(answersOf({ request, report, model, planned }), `predict ${report.target}`),
    first: {
      title: `${model}: first model`,
      body: bodyOf(report, planned),
      brings: 'the files that init wrote, with traffic as a second source',
      push: (stage, branch) =>
        inClone(accessOf(stage.local, model, 'data-scientist'), async ({ folder, git }) => {
          // The definition brought drafts, and init never overwrites.
          for (const name of ['data.yml', 'model.yml', 'operate.yml'])
            await rm(join(folder, 'models', model, name), { force: true });
          const store = pathToFileURL(join(stage.local.dir, 'store')).href;
          await runInit(request, { folder, dryRun: false, env: { ROUNDHOUSE_STORE_MAIN: store } });
          await editFiles(join(folder, 'models', model), planned);
          await git('checkout', '--quiet', '-b', branch);
          await git('add', '--', `models/${model}`);
          await git('commit', '--quiet', '--message', `${model}: data, pipeline and first candidates`);
          await git('push', '--quiet', 'origin', branch);
        }),
    },
    rows,
    stretches: calendar.stretches,
    labelLagMs: DAY_MS,
    // A window has to outlast the people who read and the canary that is judged.
    pace: { quiet: Math.min(4, sizes.rows.window / 300), canary: Math.min(30, sizes.rows.window / 60) },
    asks: true,
  };
}

async function editFiles(folder: string, { steps, sizes }: Planned): Promise<void> {
  const edit = async (name: string, change: (text: string) => string) => {
    const path = join(folder, name);
    await writeFile(path, change(await readFile(path, 'utf8')));
  };
  for (const { name, sql } of steps) await writeFile(join(folder, name), sql);
  await edit('data.yml', (text) => playedData(withSteps(text, steps), sizes));
  await edit('operate.yml', (text) => playedOperate(text, sizes));
}

const TASK_WORDS = {
  regression: 'A number (regression)',
  binary: 'Yes or no (binary)',
  multiclass: 'One of several classes (multiclass)',
};

/** What a product owner would answer who knows the file and nothing else. */
function answersOf({ request, report, model, planned }: Making): Record<string, unknown> {
  const { problem, target, task, positive } = report;
  return {
    model,
    objective: `Know "${target}" as soon as the other columns are known. (The demo was told nothing of what it is for.)`,
    decision: 'Whoever waits for it acts on the prediction instead, and checks where it is unsure.',
    task: TASK_WORDS[task],
    target,
    ...(positive === null ? {} : { positive: String(positive) }),
    metric: problem.metric,
    threshold: plain(problem.threshold),
    data: `${basename(request.data)}: ${report.rows} rows, ${report.columns.length} columns. Its true value is known a day later.`,
    rows: String(Math.floor(planned.sizes.rows.training / 4)),
    latency: '250',
    stakeholders: 'product-owner: product-owner\nml-lead: ml-lead',
    risk: 'low',
    confirmed: CONFIRMATIONS.map((label) => `- [X] ${label}`).join('\n'),
  };
}

/** A number without an exponent. */
function plain(value: number): string {
  return /e/.test(String(value)) ? value.toFixed(12) : String(value);
}

function bodyOf({ leaks, left_out }: InitReport, { said }: Planned): string {
  const leak = leaks.map(
    ({ columns, reason }) => `- ${code(columns.join(' + '))} may hold the answer: ${reason}`,
  );
  const out = left_out.slice(0, 30).map(({ column, reason }) => `- ${code(column)} is left out: ${reason}`);
  const played = said.map((line) => `- ${line}`);
  return ['What `roundhouse init` wrote, and how this story plays it.', '', ...leak, ...out, ...played].join(
    '\n',
  );
}

function code(text: string): string {
  return `\`${text.replaceAll('`', "'")}\``;
}
