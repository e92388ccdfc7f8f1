import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { calendarOf, splitOf } from '../../runners/local/demo/calendar.ts';
import { bars, decimals } from '../../runners/local/demo/figures.ts';
import { InitRefused } from '../../runners/local/demo/init-files.ts';
import { printSummary, type SummaryRow } from '../../runners/local/demo/summary.ts';
import { tableCase } from '../../runners/local/demo/table.ts';

const folder = mkdtempSync(join(tmpdir(), 'roundhouse-demo-table-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const HOUR_MS = 3_600_000;
const hoursFrom = (day: string, count: number) =>
  Float64Array.from({ length: count }, (_, hour) => Date.parse(`${day}T00:00:00Z`) + hour * HOUR_MS);
const day = (at: number) => new Date(at).toISOString().slice(0, 10);

describe('calendarOf', () => {
  it('five years: the first trains, four follow in a window each, leap year or not', () => {
    const { opening, stretches, days, own } = calendarOf(hoursFrom('2010-01-01', 43_824), 43_824);
    expect(day(opening)).toBe('2011-01-01');
    expect(stretches.map(({ name, until }) => [name, day(until)])).toEqual([
      ['2011', '2012-01-01'],
      ['2012', '2013-01-01'],
      ['2013', '2014-01-01'],
      ['2014', '2015-01-01'],
    ]);
    expect(stretches.map(({ last }) => last)).toEqual([false, false, false, true]);
    expect({ days, own }).toEqual({ days: { training: 365, window: 365 }, own: null });
  });

  it('a year that lacks its first and last days is one', () => {
    const { stretches } = calendarOf(hoursFrom('2010-01-02', 43_776), 43_776);
    expect(stretches.map(({ name }) => name)).toEqual(['2011', '2012', '2013', '2014']);
  });

  it('two years: the first trains, the second comes in four windows that hold all of it', () => {
    const times = hoursFrom('2011-01-01', 731 * 24);
    const { opening, stretches } = calendarOf(times, times.length);
    expect(day(opening)).toBe('2012-01-01');
    expect(stretches).toHaveLength(4);
    expect(stretches.at(-1)?.until).toBeGreaterThan(times.at(-1) ?? Number.NaN);
  });

  it('less than two years: the first half of the rows trains', () => {
    const times = hoursFrom('2020-03-01', 100 * 24);
    const { opening, stretches, days } = calendarOf(times, times.length);
    expect(day(opening)).toBe('2020-04-20');
    expect(days).toEqual({ training: 50, window: 13 });
    expect(stretches[1]?.from).toBe(stretches[0]?.until);
  });

  it.each([
    ['rows without time', null],
    ['a time too short to live through', hoursFrom('2020-03-01', 200)],
  ])(
    '%s get a time of the demo’s own: half before the opening, the rest within the windows',
    (_what, times) => {
      const { own, opening, stretches } = calendarOf(times, 1797);
      const at = (row: number) => (own?.from ?? 0) + (row * (own?.step ?? 0)) / 1000;
      expect(at(898)).toBeLessThan(opening);
      expect(at(899)).toBeGreaterThan(opening);
      expect(at(1796)).toBeLessThan(stretches.at(-1)?.until ?? 0);
    },
  );

  it('leaves enough rows to judge and to choose on, in whole days', () => {
    const times = Float64Array.from({ length: 178 }, (_, row) => (row * 240 * 24 * HOUR_MS) / 178);
    const opening = 120 * 24 * HOUR_MS;
    const { recent, validation } = splitOf(times, { opening });
    const within = (from: number, until: number) =>
      times.filter((time) => time >= opening - from * 24 * HOUR_MS && time < opening - until * 24 * HOUR_MS)
        .length;
    expect(within(recent, 0)).toBeGreaterThanOrEqual(20);
    expect(within(recent + 1 + validation, recent + 1)).toBeGreaterThanOrEqual(20);
  });
});

describe('figures', () => {
  it.each([
    ['mae', 61.63, 1],
    ['mae', 0.0312, 4],
    ['mae', 3.2, 2],
    ['mae', 250_000, 0],
    ['accuracy', 0.9, 3],
    ['log_loss', 1.2, 3],
  ])('%s %d is printed with %d decimals', (metric, value, digits) => {
    expect(decimals(metric, value)).toBe(digits);
  });

  it('draws series on one scale; what has no figure has no bar', () => {
    expect(bars([[0, 50, 100]])).toEqual(['▁▅█']);
    expect(
      bars([
        [25, Number.NaN],
        [50, 100],
      ]),
    ).toEqual(['▃ ', '▅█']);
    expect(bars([[0, 0], []])).toEqual(['', '']);
  });

  it('the two under the summary have one scale: what served is as high as the first version where they are equal', () => {
    const row = (alone: number, served: number): SummaryRow => ({
      ...{ stretch: 'week', window: { from: '', until: '' }, predictions: 1, versions: [], metric: 'mae' },
      ...{ drift: 'passed', decay: 'passed', decision: 'none', value: null, evidence: '' },
      first: { version: '1.0.0', estimate: alone, lower: null, upper: null },
      served: { estimate: served, lower: null, upper: null },
    });
    const out = new PassThrough();
    printSummary([row(50, 50), row(100, 50)], out as unknown as NodeJS.WriteStream);
    expect(String(out.read())).toMatch(/\nmae alone {5}▅█\nmae as served ▅▅\n$/);
  });
});

/** Two classes and a number, in file order; the class `late` comes in the second half only. */
function writeRows(name: string, rows: number, delimiter = ';'): string {
  const path = join(folder, name);
  const lines = Array.from({ length: rows }, (_, row) => {
    const x = (row * 37) % 101;
    const label = row > rows * 0.7 && row % 9 === 0 ? 'late' : x > 50 ? 'yes' : 'no';
    return [x, (row * 13) % 7, label].join(delimiter);
  });
  writeFileSync(path, [['amount ($)', 'kind of', 'answer'].join(delimiter), ...lines].join('\n'));
  return path;
}

describe('tableCase', () => {
  it('holds the second half back as traffic, in order, with the truth', async () => {
    const request = { data: writeRows('half.csv', 400), target: 'answer', delimiter: ';' };
    const { case: played, said } = await tableCase({ request, sample: null });
    expect(played.model).toBe('half');
    expect(played.rows).toHaveLength(200);
    expect(
      played.rows.every(({ at }, row) => at >= (played.rows[row - 1]?.at ?? played.opening.getTime())),
    ).toBe(true);
    expect(played.rows[0]).toMatchObject({ inputs: { 'amount ($)': (200 * 37) % 101 }, label: 'no' });
    expect(played.issue.body).toContain('### Target column\n\nanswer');
    expect(said.join('\n')).toMatch(/no row of answer = late/);
  });

  it('takes the same sample each time, in order', async () => {
    const request = { data: writeRows('more.csv', 1000), target: 'answer', delimiter: ';' };
    const [one, two] = [await tableCase({ request, sample: 300 }), await tableCase({ request, sample: 300 })];
    expect(one.case.rows).toHaveLength(150);
    expect(two.case.rows).toEqual(one.case.rows);
    expect(one.said[0]).toContain('300 of 1000 rows');
  });

  it('refuses what nobody could play, before anything is started', async () => {
    const few = tableCase({ request: { data: writeRows('few.csv', 60), target: 'answer' }, sample: null });
    await expect(few).rejects.toBeInstanceOf(UserError);
    const absent = tableCase({
      request: { data: join(folder, 'absent.csv'), target: 'answer' },
      sample: null,
    });
    await expect(absent).rejects.toBeInstanceOf(InitRefused);
  });
});

it('ends with exit code 2 and the message of init', () => {
  const path = writeRows('cli.csv', 60);
  const cli = join(import.meta.dirname, '../../actions/roundhouse.mjs');
  const demo = () =>
    execFileSync(process.execPath, [cli, 'demo', '--data', path, '--target', 'answr', '--ci'], {
      cwd: folder,
      encoding: 'utf8',
      stdio: 'pipe',
    });
  expect(demo).toThrow(expect.objectContaining({ status: 2, stderr: expect.stringMatching(/answr/) }));
});
