import { RANGE } from './estimate.ts';
import type { Policy } from './policy.ts';
import type { Problem } from './problem.ts';
import { LIFECYCLE_STAGES, stageNamed } from './stage.ts';

export type ReviewContext = {
  /** null: the policy is not at hand. */
  policy: Policy | null;
  /** When it was asked for: dates before that are in the past for ever, whenever it is looked at. */
  opened: string;
};

/** `contradictions` have to go before anybody is asked; `notes` are for those who decide. */
export type Review = { contradictions: string[]; notes: string[] };

/** What a careful reader sees that no schema can: values that can't all be meant. */
export function reviewProblem(problem: Problem, { policy, opened }: ReviewContext): Review {
  const people = policy === null ? { contradictions: [], notes: [] } : peopleFaults(problem, policy);
  return {
    contradictions: [
      ...guessFaults(problem),
      ...baselineFaults(problem),
      ...columnFaults(problem),
      ...timelineFaults(problem, opened.slice(0, 10)),
      ...people.contradictions,
    ],
    notes: [...people.notes, ...limitNotes(problem)],
  };
}

/** What answering without a look at the inputs reaches. */
const GUESSING: Partial<Record<Problem['success'][number]['metric'], number>> = { auc: 0.5, r2: 0 };

function guessFaults({ success }: Problem): string[] {
  return success.flatMap(({ metric, threshold, direction }) => {
    const guess = GUESSING[metric];
    if (guess !== undefined && threshold <= guess)
      return [`Success: ${metric} of ${guess} is guessing, and at least ${threshold} is asked`];
    const perfect = direction === 'minimize' ? RANGE[metric][0] : RANGE[metric][1];
    return metric !== 'bias' && threshold === perfect
      ? [`Success: ${metric} of ${threshold} is a model without any error: ask for what helps`]
      : [];
  });
}

function baselineFaults({ baseline, success }: Problem): string[] {
  const [first] = success;
  if (baseline.value === null || !first) return [];
  const [least, most] = RANGE[first.metric];
  if (baseline.value < least || baseline.value > most)
    return [`Current baseline: ${first.metric} of ${baseline.value} cannot be`];
  const isBetter =
    first.direction === 'minimize' ? baseline.value <= first.threshold : baseline.value >= first.threshold;
  return isBetter
    ? [
        `Current baseline: ${first.metric} of ${baseline.value} is as good as the ${first.threshold} that is asked, or better: a model that makes things worse would pass`,
      ]
    : [];
}

function columnFaults({ data: { columns }, target, success }: Problem): string[] {
  const names = columns.map(({ name }) => name);
  return [
    ...names.flatMap((name, index) =>
      names.indexOf(name) < index ? [`Known when predicting: "${name}" is there twice`] : [],
    ),
    ...(names.includes(target)
      ? [`Known when predicting: "${target}" is the target: nobody knows it then, and it would leak`]
      : []),
    ...success.flatMap(({ slice }) => {
      if (slice === null) return [];
      if (slice.column === target) return [`Success: a slice by the target "${target}" looks at the answer`];
      return names.length > 0 && !names.includes(slice.column)
        ? [`Success: the slice column "${slice.column}" is not among what is known when predicting`]
        : [];
    }),
  ];
}

function timelineFaults({ timeline }: Problem, opened: string): string[] {
  const dated = timeline.map(({ stage, due }) => ({ stage, due, known: stageNamed(stage) }));
  const unknown = dated.filter(({ known }) => known === null);
  const ordered = LIFECYCLE_STAGES.flatMap((stage) => dated.filter(({ known }) => known === stage));
  return [
    ...unknown.map(
      ({ stage }) => `Timeline: "${stage}" is no stage; there are ${LIFECYCLE_STAGES.join(', ')}`,
    ),
    ...dated.flatMap(({ stage, due }) =>
      due < opened ? [`Timeline: ${stage} is due on ${due}, before this was asked for`] : [],
    ),
    ...ordered.flatMap(({ stage, due, known }, index) => {
      const before = ordered[index - 1];
      if (!before) return [];
      if (before.known === known) return [`Timeline: ${stage} has two dates`];
      return due < before.due
        ? [`Timeline: ${stage} is due on ${due}, before ${before.stage} on ${before.due}`]
        : [];
    }),
  ];
}

function peopleFaults({ stakeholders }: Problem, { roles, approvals }: Policy): Review {
  const contradictions: string[] = [];
  const notes: string[] = [];
  const owning = approvals.problem.roles;
  let owners = 0;
  for (const { login, role } of stakeholders) {
    const entry = Object.hasOwn(roles, role) ? roles[role] : undefined;
    if (!entry) {
      contradictions.push(
        `Stakeholders: the policy has no role "${role}"; it has ${Object.keys(roles).join(', ')}`,
      );
      continue;
    }
    const isNamed = entry.people.some((one) => one.toLowerCase() === login.toLowerCase());
    // Who is in a team is not known here.
    if ((isNamed || entry.teams.length > 0) && owning.includes(role)) owners += 1;
    if (!isNamed && entry.teams.length === 0)
      notes.push(
        `${login} is not ${role} in .github/roundhouse.yml: nobody is asked, and no approval would count`,
      );
  }
  if (owners === 0 && contradictions.length === 0)
    contradictions.push(`Stakeholders: no owner: name somebody who is ${owning.join(' or ')} in the policy`);
  return { contradictions, notes };
}

function limitNotes({ constraints }: Problem): string[] {
  return [
    ...(constraints.privacy === '' ? [] : ['Privacy is written down, and not checked yet.']),
    ...(constraints.explainability === 'per_prediction'
      ? [
          'A reason for each prediction is written down, and not built yet: the card says which columns matter overall.',
        ]
      : []),
  ];
}
