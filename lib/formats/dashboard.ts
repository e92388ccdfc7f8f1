import type { ChecklistItem } from '../lifecycle/checklist/checklist.ts';
import type { Evidence, Place } from '../lifecycle/checklist/facts.ts';
import { boxesOf, stageBoard, stageOf } from '../lifecycle/dashboard/board.ts';
import { renderBox } from '../lifecycle/dashboard/boxes.ts';
import type { BoardEnvironment, DashboardFacts } from '../lifecycle/dashboard/facts.ts';
import { recommendationsOf } from '../lifecycle/dashboard/recommendations.ts';
import { canaryOf } from '../lifecycle/rollout.ts';
import { escapeMarkdown } from './markdown.ts';
import { METRIC_WORDS } from './metric-words.ts';

/** Where a person finds a place: `url` is null where there is no page for it. */
export type LinkTo = (place: Place) => { text: string; url: string | null };

const STATE_ICONS = { done: '✅', now: '▶️', open: '⬜' };
const VERSIONS_SHOWN = 15;
const PULLS_SHOWN = 15;
/** A body has 65,536 characters: of many pieces of evidence the first are linked. */
const EVIDENCE_SHOWN = 3;

/** The view of templates/comments/dashboard.hbs. Equal facts give equal text: an edit says that something changed. */
export function dashboardView(board: DashboardFacts, linkTo: LinkTo, now: Date) {
  const { facts, checklist, versions, environments } = board;
  const pulls = board.pulls.slice(0, PULLS_SHOWN);
  const evidence = (one: Evidence) => evidenceView(one, linkTo);
  const stages = stageBoard(board, now);
  const [success] = facts.problem.success;
  return {
    model: facts.model,
    title: facts.problem.title,
    stage: stageOf(board),
    fulfilled: checklist.fulfilled,
    total: checklist.total,
    stages: stages.map((stage) => ({ ...stage, icon: STATE_ICONS[stage.state] })),
    overdue: stages.filter(({ overdue }) => overdue),
    environments: environments.map(environmentView),
    locked: lockView(board),
    health: healthView(board, evidence),
    pulls: pulls.map(({ number, title, url, gate }) => ({ number, title, url, gate })),
    asks: pulls.flatMap(({ number, url, asks }) =>
      asks.map(({ subject, digest, given, missing }) => ({
        number,
        url,
        subject,
        digest: shortOf(digest),
        given,
        missing: missing.map(({ count, roles }) => ({ count, roles: roles.join(' or ') })),
      })),
    ),
    morePulls: board.pulls.length - pulls.length,
    frozen: board.frozen,
    holds: holdsOf({ facts, pulls }),
    metric: success ? METRIC_WORDS[success.metric].label : '',
    versions: versions
      .slice(0, VERSIONS_SHOWN)
      .map((version) => ({ ...version, at: version.at.slice(0, 10), serves: version.serves.join(', ') })),
    more: Math.max(0, versions.length - VERSIONS_SHOWN),
    recommendations: recommendationsOf(board, now).map(({ text, evidence: found }) => ({
      text,
      evidence: evidence(found),
    })),
    boxes: boxesOf(board)
      .slice(0, PULLS_SHOWN)
      .map((box) => renderBox(box, escapeMarkdown(box.label))),
    checklist: checklist.stages.map(({ stage, fulfilled, items }) => ({
      stage,
      fulfilled,
      total: items.length,
      items: items.map((item) => itemView(item, evidence)),
    })),
  };
}

function shortOf(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 16);
}

function evidenceView({ text, at }: Evidence, linkTo: LinkTo) {
  return { text, url: safeUrl(linkTo(at).url) };
}

/** A URL that ends where it should in Markdown. */
function safeUrl(url: string | null): string | null {
  if (url === null || !/^https?:\/\/\S+$/.test(url)) return null;
  return url.replace(/[()<>[\]"'\\`|]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}

function itemView({ id, title, state, evidence, missing }: ChecklistItem, link: (one: Evidence) => object) {
  return {
    id,
    title,
    state,
    evidence: evidence.slice(0, EVIDENCE_SHOWN).map(link),
    more: Math.max(0, evidence.length - EVIDENCE_SHOWN),
    missing,
  };
}

function environmentView({ name, version, rollout }: BoardEnvironment) {
  const last = rollout?.history.at(-1);
  return {
    name,
    version,
    rollout: rollout && {
      version: rollout.release.version,
      phase: rollout.phase,
      weight:
        rollout.phase === 'progressing' ? (canaryOf(rollout).steps[rollout.step]?.weight ?? null) : null,
      at: last ? last.at.slice(0, 10) : null,
    },
  };
}

function lockView({ facts, locked }: DashboardFacts) {
  if (facts.lock === null) return null;
  return { candidate: shortOf(facts.lock.candidate), version: locked };
}

function healthView({ facts, health }: DashboardFacts, link: (one: Evidence) => object) {
  const { record, result } = facts.windows.at(-1) ?? {};
  if (!record || !result) return null;
  const text = `${result.window.from.slice(0, 10)} to ${result.window.until.slice(0, 10)}`;
  return {
    environment: record.environment,
    window: link({ text, at: { kind: 'window', record }, digest: record.monitor }),
    decay: record.decay,
    drift: record.drift,
    labels: result.labels,
    drifted: result.drift.filter(({ verdict }) => verdict === 'drifted').map(({ column }) => column),
    performance: result.performance.map(({ metric, served, trivial, threshold }) => ({
      metric: METRIC_WORDS[metric].label,
      served,
      trivial,
      threshold,
    })),
    issue: health,
  };
}

function holdsOf({ facts, pulls }: Pick<DashboardFacts, 'facts' | 'pulls'>) {
  const ofIssue = facts.hold?.held
    ? [{ number: facts.hold.issue, login: facts.hold.login, reason: facts.hold.reason }]
    : [];
  return [...ofIssue, ...pulls.flatMap(({ number, hold }) => (hold ? [{ number, ...hold }] : []))];
}
