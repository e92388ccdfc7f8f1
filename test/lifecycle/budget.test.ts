import { expect, it } from 'vitest';
import { parseConfig } from '#lib/formats/config.ts';
import { budgetDayOf, shortagesOf, shortageText } from '#lib/lifecycle/budget.ts';

const run = (model: string, minutes: number | null = null) => ({ model, minutes });

it.each([
  ['no limit', {}, [run('bikes'), run('bikes')], []],
  ['room left', { repository: { runs_per_day: 2 } }, [run('bikes')], []],
  [
    'the last run of the repository is used by another model',
    { repository: { runs_per_day: 1 } },
    [run('taxis')],
    ['1 of 1 training runs of the repository today'],
  ],
  ['another model has limits of its own', { each_model: { runs_per_day: 1 } }, [run('taxis')], []],
  [
    'this model came to its limit',
    { each_model: { runs_per_day: 1 } },
    [run('bikes')],
    ['1 of 1 training runs of bikes today'],
  ],
  ['minutes below the limit', { each_model: { gpu_minutes_per_day: 60 } }, [run('bikes', 59.9)], []],
  [
    'minutes of several runs',
    { each_model: { gpu_minutes_per_day: 60 } },
    [run('bikes', 30.2), run('bikes', 31), run('taxis', 500)],
    ['61 of 60 GPU minutes of bikes today'],
  ],
  ['minutes that nobody measured', { repository: { gpu_minutes_per_day: 1 } }, [run('bikes')], []],
  [
    'both',
    { repository: { runs_per_day: 2 }, each_model: { gpu_minutes_per_day: 5 } },
    [run('bikes', 5), run('taxis')],
    ['2 of 2 training runs of the repository today', '5 of 5 GPU minutes of bikes today'],
  ],
])('%s', (_, budgets, runs, told) => {
  const found = shortagesOf(budgets, { model: 'bikes', runs });
  expect(found.map((shortage) => shortageText(shortage, 'bikes'))).toEqual(told);
});

it('a day ends at midnight UTC', () => {
  const { day, next } = budgetDayOf(new Date('2026-02-28T23:59:59.999Z'));
  expect([day, next.toISOString()]).toEqual(['2026-02-28', '2026-03-01T00:00:00.000Z']);
});

it.each([
  ['budgets: { each_model: {} }', /says no limit/],
  ['budgets: { each_model: { runs_per_day: 0 } }', /runs_per_day/],
  ['budgets: { repository: { gpu_hours: 3 } }', /gpu_hours/],
])('%s is no budget', (line, fault) => {
  const text = `version: 1\nroles: { a: { people: [ann] } }\napprovals:\n  problem: { required: 1, roles: [a] }\n  model: { required: 1, roles: [a] }\n  inconclusive: { required: 1, roles: [a] }\nenvironments: [{ name: production, target: { kind: process, url: "http://127.0.0.1:1/" } }]\n`;
  const file = '.github/roundhouse.yml';
  expect(parseConfig('policy', { file, text }).budgets).toBeUndefined();
  expect(() => parseConfig('policy', { file, text: `${text}${line}\n` })).toThrow(fault);
});
