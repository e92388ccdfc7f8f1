import { expect, test } from 'vitest';
import { policySchema } from '#lib/lifecycle/policy.ts';
import { decideReminder } from '#lib/lifecycle/reminder.ts';

const rule = { after: 'P2D', every: 'P3D', at_most: 3 };
const asked = '2026-03-01T10:00:00Z';
const facts = (now: string) => ({ rule, asked, now: new Date(now) });

test.each([
  ['2026-03-01T10:00:00Z', null],
  ['2026-03-03T09:59:59Z', null],
  ['2026-03-03T10:00:00Z', 1],
  ['2026-03-06T09:59:59Z', 1],
  ['2026-03-06T10:00:00Z', 2],
  ['2026-03-09T10:00:00Z', 3],
  ['2027-01-01T00:00:00Z', 3],
])('asked on March 1, on %s reminder %s is due', (now, expected) => {
  expect(decideReminder(facts(now))).toBe(expected);
});

test('nobody is reminded where the policy wants no reminders', () => {
  expect(decideReminder({ ...facts('2026-03-09T10:00:00Z'), rule: null })).toBeNull();
});

test('reminders that come all the time are refused', () => {
  const { reminders } = policySchema.shape;
  expect(reminders.safeParse({ after: 'PT0S', every: 'P0D' }).success).toBe(false);
  expect(reminders.parse({ after: 'PT0S' })).toEqual({ after: 'PT0S', every: 'P3D', at_most: 3 });
});
