import { digestOfJson } from '#lib/formats/digest.ts';
import type { Action, ApprovalRule } from '#lib/lifecycle/policy-rules.ts';
import type { ApprovalRecord } from '#lib/lifecycle/records.ts';
import { recordPath, recordText } from '#lib/records/records.ts';
import { countAsk, readPerson, rolesHeld } from './approvals.ts';
import type { CommandSetting } from './command.ts';
import type { PullPeople } from './people.ts';

export type Consent = { kind: 'given'; people: string[] } | { kind: 'missing'; text: string };

type Question = {
  rule: { name: Action; rule: ApprovalRule };
  model: string;
  /** For the audit log. */
  subject: string;
  /** All that the command is about: whoever says the same about the same state says it to the same question. */
  about: object;
  /** Whose change it is; they are not counted. */
  people?: PullPeople;
};

const NOBODY: PullPeople = { author: null, committers: [], causers: [] };

/**
 * A command that the policy gives to N people is done when as many have given it: each one is on record as an
 * approval of the question's digest, and counted with the permissions of now.
 */
export async function consentTo(setting: CommandSetting, question: Question): Promise<Consent> {
  const { project, comment, policy } = setting;
  const { rule, model, subject, about, people = NOBODY } = question;
  const { login } = comment.author;
  const digest = digestOfJson({ v: 1, action: rule.name, model, ...about });
  const { teams } = await readPerson(project.forge.people, login, policy);
  const record: ApprovalRecord = {
    kind: 'roundhouse-approval',
    digest,
    comment: comment.id,
    issue: comment.issue,
    login,
    roles: rolesHeld({ login, teams }, policy),
    at: comment.created_at,
    url: comment.url,
  };
  await project.state.write({
    changes: [{ path: recordPath.approval(digest, comment.id), text: recordText(record) }],
    audit: { event: `${rule.name} asked for`, actor: login, subject, digest, url: comment.url },
  });
  const ask = { subject: 'candidate', model, digest, rules: [rule], ...people } as const;
  const { count } = await countAsk(project, { ask, others: [], policy });
  const [missing] = count.missing;
  if (!missing) return { kind: 'given', people: count.counted.map((given) => given.login) };
  const refusal = count.refused.find(({ id }) => id === comment.id);
  if (refusal) return { kind: 'missing', text: refusal.reason };
  return {
    kind: 'missing',
    text: `noted; ${missing.count} more by ${missing.roles.join(' or ')} ${missing.count === 1 ? 'has' : 'have'} to say the same`,
  };
}
