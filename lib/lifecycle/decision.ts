import { z } from 'zod';
import { instantSchema, loginSchema, modelNameSchema } from './scalars.ts';

/**
 * `decisions/<model>/<n>.json`: a decision that somebody recorded by `/decide`. It gives the number away before the
 * file with the text is committed, so that no two decisions of a model have the same one.
 */
export const decisionRecordSchema = z.strictObject({
  kind: z.literal('roundhouse-decision'),
  model: modelNameSchema,
  n: z.int().min(1).max(9999),
  title: z.string(),
  text: z.string(),
  login: loginSchema,
  comment: z.int(),
  issue: z.int(),
  url: z.string(),
  at: instantSchema,
});
export type DecisionRecord = z.infer<typeof decisionRecordSchema>;

const MOST_TITLE = 70;

/** The first sentence, or as many whole words of it as fit into a heading. */
export function decisionTitle(text: string): string {
  const [first = text] = text.split(/(?<=[^\s.].)[.;:!?](?:\s|$)/);
  const title = first.trim().replace(/[.;:!?]+$/, '');
  if (title.length <= MOST_TITLE) return title;
  const cut = title.slice(0, MOST_TITLE);
  const end = cut.lastIndexOf(' ');
  return `${cut.slice(0, end > 20 ? end : MOST_TITLE)}…`;
}

/** `models/<model>/decisions/0003-the-window-stays-90-days.md`; letters of no use in a path are left out. */
export function decisionFile({ model, n, title }: Pick<DecisionRecord, 'model' | 'n' | 'title'>): string {
  const plain = title.normalize('NFKD').toLowerCase().replace(/\p{M}/gu, '');
  const slug = plain
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 60)
    .replace(/^-+|-+$/g, '');
  return `models/${model}/decisions/${String(n).padStart(4, '0')}-${slug === '' ? 'decision' : slug}.md`;
}

/** The number in a decision's path; null for any other file. */
export function decisionNumber(path: string, model: string): number | null {
  const [, folder, digits] = /^models\/([^/]+)\/decisions\/(\d{4})-[^/]*\.md$/.exec(path) ?? [];
  return folder === model && digits !== undefined ? Number(digits) : null;
}

/** The next number that nobody has, on record or in a file that somebody wrote by hand. */
export function nextDecision(taken: readonly number[]): number {
  return Math.max(0, ...taken) + 1;
}

/** `/decide bikes: text` names a model where there is one of that name; else all of it is the text. */
export function splitDecision(
  text: string,
  models: readonly string[],
): { named: string | null; text: string } {
  const [, name = '', rest = ''] = /^([a-z0-9-]+):\s+(\S.*)$/s.exec(text) ?? [];
  return models.includes(name) ? { named: name, text: rest } : { named: null, text };
}

/** `there`: the file is on the default branch. */
export type DecisionWay = 'there' | 'commit' | 'pull request';

/** Where a decision is written: into the pull request where it was said, if the policy says so and that is possible. */
export function decideWay(facts: {
  isThere: boolean;
  policy: 'commit' | 'pr';
  /** The pull request where it was said; null on an issue. */
  pull: { isOpen: boolean; isOwnBranch: boolean; touchesModel: boolean } | null;
}): DecisionWay {
  if (facts.isThere) return 'there';
  const { pull } = facts;
  const canCommit = pull?.isOpen && pull.isOwnBranch && pull.touchesModel;
  return facts.policy === 'commit' && canCommit ? 'commit' : 'pull request';
}

/** What else in the audit log is a decision of people, beside `decided`. */
export const DECISION_EVENTS = [
  'decided',
  'approved',
  'objected',
  'held',
  'hold lifted',
  'gate overridden',
  'standing approval',
  'rolled back',
  'unfrozen',
  'promoted',
] as const;
