import { resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { bikes } from './bikes.ts';
import { type Dashboard, dashboardOf } from './dashboard.ts';
import { InitRefused, type InitReport } from './init-files.ts';
import { judgeBikes, judgeStory } from './judge.ts';
import { type Played, play } from './play.ts';
import { demoReport } from './report.ts';
import { type Case, OWNER } from './stage.ts';
import { printSummary, type SummaryRow, summaryRow } from './summary.ts';
import { tableCase } from './table.ts';
import { terminalTimeline } from './timeline.ts';

const TABLE_OPTIONS = ['target', 'time', 'task', 'positive', 'delimiter', 'name', 'sample'] as const;
const { values } = options();
const out = values.json ? process.stderr : process.stdout;
const timeline = terminalTimeline(out);
const startedAt = Date.now();
const stays = !values.exit && !values.ci && process.stdout.isTTY === true;

try {
  const chosen = await choose();
  const played = await play({
    case: chosen.case,
    dir: resolve(values.dir ?? '.roundhouse/local'),
    keep: values.dir !== undefined,
    port: values.ci ? 0 : Number(values.port),
    timeline,
  });
  const rows = played.records.map((record, index) =>
    summaryRow(chosen.case.stretches[index]?.name ?? '', record),
  );
  await judgeStory(played, rows);
  if (values.data === undefined) judgeBikes(played, rows);
  await finish(played, rows, { about: chosen.about, dashboard: await dashboardOf(played.stage) });
  if (stays) await stay(played);
  await played.stop();
  process.exit(values.ci && played.stage.expectations.missed().length > 0 ? 1 : 0);
} catch (error) {
  process.exit(told(error));
}

type About = Pick<InitReport, 'task' | 'rows' | 'leaks' | 'left_out'>;

/** Everything that a user can have got wrong is found here, before anything is started. */
async function choose(): Promise<{ case: Case; about: About }> {
  if (values.data === undefined) {
    const stray = TABLE_OPTIONS.find((name) => values[name] !== undefined);
    if (stray !== undefined)
      throw new UserError(`--${stray} needs --data`, {
        fix: 'give the file; without one the bikes are played',
      });
    out.write(
      'Approvals by the three people are scripted, and the prices in the value matrix are examples. All else is real.\n',
    );
    const played = bikes({ variant: 'real', quarters: 4 });
    return { case: played, about: { task: 'regression', rows: 17_379, leaks: [], left_out: [] } };
  }
  const { data, target, time, task, positive, delimiter, name } = values;
  if (target === undefined)
    throw new UserError('--data needs --target', { fix: 'name the column to predict' });
  const request = { data: resolve(data), target, time, task, positive, delimiter, name };
  const { case: played, report, said } = await tableCase({ request, sample: sampleOf(values.sample) });
  out.write(
    'Approvals by the three people are scripted, and what they answer on the form is made up. All else is real.\n',
  );
  out.write(`${report.task} of "${report.target}" on ${report.rows} rows of ${data}\n`);
  for (const line of said) out.write(`  ${line}\n`);
  for (const { columns, reason } of report.leaks)
    out.write(`  suspected leak, left out: ${columns.join(' + ')}: ${reason}\n`);
  return { case: played, about: report };
}

function sampleOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const rows = Number(text);
  if (Number.isInteger(rows) && rows > 0) return rows;
  throw new UserError(`--sample is "${text}"`, { fix: 'give a whole number of rows' });
}

async function finish(
  played: Played,
  rows: SummaryRow[],
  { about, dashboard }: { about: About; dashboard: Dashboard },
): Promise<void> {
  const { stage, traffic } = played;
  const { expectations, local, model } = stage;
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  timeline.chapter('Summary');
  if (rows.length > 0) printSummary(rows, out);
  else out.write('Nothing serves: the gates refused the only candidate there was.\n');
  out.write(
    `\n${traffic.sent} requests, ${traffic.failed} failed, ${traffic.labelled} labels. Evidence on branch roundhouse:\n`,
  );
  for (const { evidence } of rows)
    out.write(`  ${local.url}/${OWNER}/${model}/blob/roundhouse/${evidence}\n`);
  out.write(
    `Dashboard, ${dashboard.fulfilled} of ${dashboard.total} items of the checklist: ${dashboard.url}\n`,
  );
  const missed = expectations.missed();
  for (const { what, found } of missed) out.write(`missed: ${what}; found ${found}\n`);
  out.write(
    `${expectations.all().length - missed.length} of ${expectations.all().length} expectations met in ${seconds} s\n`,
  );
  if (values.json)
    process.stdout.write(
      `${JSON.stringify(await demoReport(played, { about, dashboard, seconds }), null, 2)}\n`,
    );
}

async function stay({ stage: { local, model } }: Played): Promise<void> {
  out.write(`\nThe local GitHub stays at ${local.url}/${OWNER}/${model} until Ctrl-C.\n`);
  await new Promise<void>((stopped) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped());
  });
}

/** The exit code: 2 for what the user can mend, 3 for a fault of ours. */
function told(error: unknown): number {
  if (error instanceof InitRefused) {
    process.stderr.write(`${error.message}\n`);
    return error.code;
  }
  if (error instanceof UserError) {
    process.stderr.write(`${error.told}\n`);
    return 2;
  }
  process.stderr.write(`\nthe demo stopped: ${error instanceof Error ? error.message : String(error)}\n`);
  return 3;
}

function options() {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  return parseArgs({
    options: {
      ci: flag,
      exit: flag,
      json: flag,
      dir: text,
      port: { type: 'string', default: '4440' },
      data: text,
      target: text,
      time: text,
      task: text,
      positive: text,
      delimiter: text,
      name: text,
      sample: text,
    },
  });
}
