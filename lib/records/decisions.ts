import type { AuditEntry } from '#lib/lifecycle/audit.ts';
import {
  DECISION_EVENTS,
  decisionFile,
  decisionNumber,
  decisionRecordSchema,
} from '#lib/lifecycle/decision.ts';
import { runRecordSchema } from '#lib/lifecycle/records.ts';
import { readAuditEntries } from './audit-log.ts';
import { listRecords, recordPath } from './records.ts';
import type { RecordSource } from './source.ts';

/** One decision about a model, whoever wrote it down. Null = not known, or none given. */
export type Decision = {
  at: string | null;
  what: string;
  who: string | null;
  subject: string;
  why: string | null;
  digests: string[];
  link: string | null;
  /** Of a decision that has a number: its file, and whether that is in the tree that was looked at. */
  file: { path: string; there: boolean } | null;
  /** Its entry in the audit log. */
  seq: number | null;
};

/** A file of `models/<model>/decisions/` as a tree has it. */
export type DecisionText = { path: string; text: string };

/**
 * All decisions about a model, oldest first: what people wrote by `/decide` or by hand as files, and what the app
 * recorded of approvals, objections, holds, overrides and rollbacks. One log of two sources, and nothing stored twice.
 */
export async function readDecisions(
  source: RecordSource,
  { model, issue, files }: { model: string; issue: number | null; files: readonly DecisionText[] },
): Promise<Decision[]> {
  const records = await listRecords(source, recordPath.decisions(model), decisionRecordSchema);
  const runs = await listRecords(source, `runs/${model}/`, runRecordSchema);
  const places = new Set([issue, ...runs.map(({ pull_request }) => pull_request)].map((n) => `#${n}`));
  const entries = await readAuditEntries(source);
  const about = entries.filter((entry) => isDecision(entry) && isAbout(entry, model, places));
  const paths = new Set(files.map(({ path }) => path));
  const told = about.map((entry): Decision => {
    const record = records.find(
      (one) => entry.event === 'decided' && entry.subject === `${model} decision ${one.n}: ${one.title}`,
    );
    const path = record === undefined ? null : decisionFile(record);
    return {
      at: entry.at,
      what: entry.event,
      who: entry.actor,
      subject: record?.title ?? entry.subject,
      why: record === undefined || record.text !== record.title ? entry.note : null,
      digests: entry.digests,
      link: entry.links[0] ?? null,
      file: path === null ? null : { path, there: paths.has(path) },
      seq: entry.seq,
    };
  });
  const recorded = new Set(records.map(decisionFile));
  const byHand = files.filter(({ path }) => decisionNumber(path, model) !== null && !recorded.has(path));
  return [...told, ...byHand.map(writtenByHand)].toSorted((a, b) => (a.at ?? '').localeCompare(b.at ?? ''));
}

function isDecision({ event }: AuditEntry): boolean {
  return (DECISION_EVENTS as readonly string[]).includes(event);
}

/** Holds name their issue alone, and entries of before there were models their subject. */
function isAbout({ model, subject }: AuditEntry, wanted: string, places: ReadonlySet<string>): boolean {
  if (model !== null) return model === wanted;
  return places.has(subject) || subject.endsWith(` of ${wanted}`);
}

/** Its heading, and a date where it says one: `Date: 2026-03-01`. Who wrote it, git knows. */
function writtenByHand({ path, text }: DecisionText): Decision {
  const heading = /^#\s+(?:\d+\.\s+)?(.+)$/m.exec(text)?.[1]?.trim();
  const date = /\bdate\W{1,6}(\d{4}-\d\d-\d\d)/i.exec(text)?.[1];
  return {
    at: date === undefined ? null : `${date}T00:00:00Z`,
    what: 'decided',
    who: null,
    subject: heading ?? path,
    why: null,
    digests: [],
    link: null,
    file: { path, there: true },
    seq: null,
  };
}
