import { hexOf } from '#lib/formats/digest.ts';
import type { Check, Conclusion } from '#lib/github/checks.ts';
import { renderCardSection, renderDataSection } from '../../templates/cards.ts';
import type { CountedAsk } from '../approvals.ts';
import { mergeCommands } from '../base-merge.ts';
import { cardFacts } from '../candidate-commit.ts';
import type { Merge, PullFacts, TouchedModel } from '../pull-facts.ts';
import type { Standing } from '../standing.ts';
import { budgetWords, CHECKS, type CheckName, type Finding, type GateModel, standingWords } from './gate.ts';

export type ShownFacts = Pick<PullFacts, 'pull' | 'faults' | 'hold' | 'models'> & {
  /** Null where nothing is planned. */
  merge: Merge | null;
};
type Facts = {
  facts: ShownFacts;
  models: GateModel[];
  asks: CountedAsk[];
  findings: Record<CheckName, Finding>;
};

const ICONS: Record<Conclusion, string> = {
  success: '✅',
  neutral: '⚠️',
  failure: '❌',
  action_required: '✋',
};

/** The view of templates/comments/pull-request.hbs. */
export function pullRequestView({ facts, models, asks, findings }: Facts) {
  return {
    headline: findings.gate.title,
    icon: iconOf(findings.gate.conclusion),
    checks: CHECKS.map((name) => ({
      name: `roundhouse/${name}`,
      icon: iconOf(findings[name].conclusion),
      title: findings[name].title,
    })),
    faults: facts.faults,
    conflict: conflictView(facts),
    hold: facts.hold && { login: facts.hold.login, reason: facts.hold.reason },
    asks: asks.map(askView),
    models: models.map((entry) => modelView(facts, entry)),
    head: facts.pull.head.sha.slice(0, 12),
  };
}

/** What a person can do about a conflict: `/update`, or the commands to type. */
function conflictView({ merge, pull }: ShownFacts) {
  if (merge?.state !== 'conflict') return null;
  const { files, regenerated } = merge;
  const [base, head] = [pull.base.ref, pull.head.ref];
  const commands = mergeCommands({ base, head }).join('\n');
  return { files, regenerated, byHand: files.length > 0, base, commands };
}

function modelView(facts: Facts['facts'], { model, standing, asks }: GateModel) {
  const touched = facts.models.find(({ name }) => name === model);
  return {
    name: model,
    progress: progressOf(facts, standing),
    sections: touched ? sectionsOf(touched, standing) : [],
    asks: asks.map(askView),
  };
}

function askView({ digest, subject, about, count, standing }: CountedAsk) {
  const offer = standing?.offer;
  return {
    standing: standing?.grant ? standingWords(standing.grant) : null,
    offer: offer
      ? {
          digest: hexOf(offer.digest).slice(0, 16),
          versions: offer.terms.max_versions,
          expires: offer.terms.expires,
          given: offer.count.counted.map(({ login }) => login).join(', '),
          missing: offer.count.missing.map(({ count: number, roles }) => ({
            number,
            roles: roles.join(' or '),
          })),
        }
      : null,
    digest: hexOf(digest).slice(0, 16),
    subject,
    about: about ?? [],
    counted: count.counted.map(({ login, rule }) => ({ login, rule })),
    missing: count.missing.map(({ rule, count: number, roles }) => ({
      rule,
      number,
      roles: roles.join(' or '),
    })),
  };
}

const PROGRESS = {
  data: 'Building the holdout for the champion of now; the model is trained already',
  train: 'Preparing data and training',
  evaluate: 'Judging on the holdout',
} as const;

function progressOf({ pull }: Pick<PullFacts, 'pull'>, standing: Standing) {
  const url = (run: number | null) =>
    run === null ? null : pull.url.replace(/\/pull\/\d+$/, `/actions/runs/${run}`);
  switch (standing.state) {
    case 'working': {
      return { text: PROGRESS[standing.stage], url: url(standing.run), reasons: standing.reasons };
    }
    case 'waiting':
      return { text: 'A draft: this would run', url: null, reasons: standing.reasons };
    case 'over-budget':
      return {
        text: `Waits for the budget: ${budgetWords(standing)}`,
        url: null,
        reasons: ['it starts by itself then, or once a change of `budgets` in the policy is merged'],
      };
    case 'fault':
      return { text: `Stopped: ${standing.note}`, url: url(standing.run), reasons: ['/plan tries again'] };
    case 'untouched':
      return { text: 'Nothing that decides on the model changes here', url: null, reasons: [] };
    case 'removed':
      return { text: 'is removed: no version is made of it any more', url: null, reasons: [] };
    case 'definition':
      return { text: `Definition only: ${standing.reason}`, url: null, reasons: [] };
    case 'out-of-date':
      return { text: standing.reason, url: null, reasons: [] };
    default:
      return null;
  }
}

function sectionsOf(model: TouchedModel, standing: Standing): string[] {
  const about = { model: model.name, data: model.merged.data };
  if (standing.state === 'data-failed')
    return [renderDataSection({ ...about, result: standing.data.predicate.result })];
  if (standing.state !== 'judged') return [];
  return [
    renderCardSection(cardFacts(model, standing)),
    renderDataSection({ ...about, result: standing.evidence.data.predicate.result }),
  ];
}

function iconOf(conclusion: Check['conclusion']): string {
  return conclusion === null ? '⏳' : ICONS[conclusion];
}
