import { durationMs } from './duration.ts';
import type { Policy } from './policy.ts';

export type ReminderRule = NonNullable<Policy['reminders']>;
export type ReminderFacts = {
  /** null: the policy wants none. */
  rule: ReminderRule | null;
  /** When people were asked for the first time. */
  asked: string;
  now: Date;
};

/**
 * Which reminder is due, counted from 1; null = none. One that was missed while nobody looked is left out: people
 * are reminded once, not in a row.
 */
export function decideReminder({ rule, asked, now }: ReminderFacts): number | null {
  if (rule === null) return null;
  const waited = now.getTime() - Date.parse(asked) - durationMs(rule.after);
  if (!(waited >= 0)) return null;
  const number = Math.floor(waited / durationMs(rule.every)) + 1;
  return Math.min(number, rule.at_most);
}
