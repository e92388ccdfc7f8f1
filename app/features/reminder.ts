import { hexOf } from '#lib/formats/digest.ts';
import { render } from '#lib/formats/markdown.ts';
import { atLeast } from '#lib/lifecycle/approval.ts';
import type { Policy } from '#lib/lifecycle/policy.ts';
import { type AskRecord, askRecordSchema } from '#lib/lifecycle/records.ts';
import { decideReminder } from '#lib/lifecycle/reminder.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { readRecord, recordPath, recordText } from '#lib/records/records.ts';
import { loadTemplate } from '../../templates/load.ts';
import { type CountedAsk, peopleToAsk, readPerson } from '../approvals.ts';
import { once } from '../once.ts';
import type { Project } from '../project.ts';
import { sayOnce } from '../sticky.ts';

/** Writes down that people are asked, before they are: the first time counts. */
export async function noteAsked(
  { state, now, bot }: Pick<Project, 'state' | 'now' | 'bot'>,
  { issue, digest, model }: { issue: number; digest: Digest; model: string },
): Promise<void> {
  const path = recordPath.ask(digest);
  if ((await state.read(path)) !== null) return;
  const record: AskRecord = { kind: 'roundhouse-ask', digest, issue, at: now().toISOString() };
  await state.write({
    changes: [{ path, text: recordText(record) }],
    fresh: [path],
    audit: { event: 'asked', actor: bot, subject: `problem of ${model} on #${issue}`, model, digest },
  });
}

/**
 * Reminds those who can still approve what waits, by a new short comment: an edit notifies nobody. Each
 * reminder is claimed by its number.
 */
export async function remind(
  project: Project,
  { issue, ask, policy, held }: { issue: number; ask: CountedAsk; policy: Policy; held: boolean },
): Promise<void> {
  if (policy.reminders === null || held || ask.count.missing.length === 0) return;
  const digest = hexOf(ask.digest).slice(0, 16);
  const asked = await readRecord(project.state, recordPath.ask(ask.digest), askRecordSchema);
  if (asked === null) return;
  const number = decideReminder({ rule: policy.reminders, asked: asked.at, now: project.now() });
  if (number === null) return;
  await once(project, {
    key: `reminder:${issue}:${digest}:${number}`,
    find: async () => null,
    make: async () => {
      const people = await reachable(project, ask, policy);
      if (people.length === 0) return 'nobody';
      await sayOnce(project.forge.comments, {
        issue,
        marker: { kind: 'reminder', key: `${digest}-${number}` },
        bot: project.bot,
        body: () =>
          render(loadTemplate('comments/reminder.hbs'), {
            ...{ people, subject: ask.subject, model: ask.model, digest, number },
            asked: asked.at.slice(0, 10),
            most: policy.reminders?.at_most,
            missing: ask.count.missing.map(({ count, roles }) => ({ count, roles: roles.join(' or ') })),
          }),
      });
      return people.join(', ');
    },
    told: (people) => ({
      event: 'reminded',
      actor: project.bot,
      subject: `${people}, of the ${ask.subject} of ${ask.model} on #${issue}`,
      ...(ask.model !== null && { model: ask.model }),
      digest: ask.digest,
    }),
  });
}

/** Of those whom the policy names: teams, and people whose approval would count today. */
async function reachable(project: Project, ask: CountedAsk, policy: Policy): Promise<string[]> {
  const found: string[] = [];
  for (const name of peopleToAsk(ask, policy, project.owner)) {
    const isTeam = name.includes('/');
    if (isTeam || atLeast((await readPerson(project.forge.people, name, policy)).permission, 'write'))
      found.push(name);
  }
  return found;
}
