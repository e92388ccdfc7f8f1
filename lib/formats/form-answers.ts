/** Fields of the form `ML problem`, by id, with the labels that GitHub writes as headings. */
export const PROBLEM_FIELDS = {
  model: 'Model name',
  objective: 'Business objective',
  decision: 'Decision',
  task: 'Kind of prediction',
  target: 'Target column',
  positive: 'Positive value',
  metric: 'Success metric',
  threshold: 'Success threshold',
  more: 'More success metrics',
  baseline: 'Current baseline',
  value: 'What errors cost',
  data: 'Data',
  columns: 'Known when predicting',
  rows: 'Rows at least',
  latency: 'Latency limit',
  size: 'Size limit',
  privacy: 'Privacy',
  explainability: 'Explainability',
  stakeholders: 'Stakeholders',
  timeline: 'Timeline',
  risk: 'Risk',
  confirmed: 'Before it is asked for',
} as const;
export type ProblemField = keyof typeof PROBLEM_FIELDS;
export type FormAnswers = Partial<Record<ProblemField, string>>;

const FIELDS = Object.keys(PROBLEM_FIELDS) as ProblemField[];
const MAX_BODY = 65_536;

/** `twice`: labels that were answered more than once, and differently: the first answer counts. */
export type ReadForm = { answers: FormAnswers; twice: string[] };

/**
 * The answers of an issue's body: a heading with a label, then the answer; `_No response_` is none. People edit
 * bodies: headings of any level and case count, those in code do not, and one that is no label belongs to the
 * answer that it stands in.
 */
export function parseIssueForm(body: string): ReadForm {
  const answers: FormAnswers = {};
  const twice = new Set<string>();
  for (const { field, text } of sectionsOf(body.slice(0, MAX_BODY))) {
    if (text === '' || /^_no response_$/i.test(text)) continue;
    answers[field] ??= text;
    if (answers[field] !== text) twice.add(PROBLEM_FIELDS[field]);
  }
  return { answers, twice: [...twice] };
}

function sectionsOf(body: string): { field: ProblemField; text: string }[] {
  const found: { field: ProblemField; lines: string[] }[] = [];
  let fence: string | null = null;
  for (const line of body.split(/\r\n|\r|\n/)) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1] ?? null;
    const field = fence === null ? fieldOf(line) : null;
    if (fence === null) fence = mark;
    else if (mark?.startsWith(fence)) fence = null;
    if (field) found.push({ field, lines: [] });
    else found.at(-1)?.lines.push(line);
  }
  return found.map(({ field, lines }) => ({ field, text: lines.join('\n').trim() }));
}

function fieldOf(line: string): ProblemField | null {
  const heading = /^ {0,3}#{1,6}[ \t]+(\S.*)$/.exec(line)?.[1];
  if (heading === undefined || heading.length > 100) return null;
  const label = heading.trim().replace(/:$/, '').toLowerCase();
  return FIELDS.find((id) => PROBLEM_FIELDS[id].toLowerCase() === label) ?? null;
}

/** Boxes of an answer, with what stands beside them. */
export function boxesOf(text: string | undefined): { ticked: boolean; label: string }[] {
  return (text ?? '').split('\n').flatMap((line) => {
    const match = /^\s*[-*+] \[([ xX])\] (.+)$/.exec(line);
    return match?.[2] ? [{ ticked: match[1] !== ' ', label: match[2].trim() }] : [];
  });
}

/** Lines of `name: value`, list marks dropped. */
export function pairsOf(text: string | undefined): [string, string][] {
  return linesOf(text).flatMap((line): [string, string][] => {
    const at = line.indexOf(':');
    const [name, value] = [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    return at > 0 && name !== '' && value !== '' ? [[name, value]] : [];
  });
}

const MOST_LINES = 100;

/** Lines that say something, list marks dropped. */
export function linesOf(text: string | undefined): string[] {
  return (text ?? '')
    .split('\n')
    .slice(0, MOST_LINES)
    .map((line) => line.trim().replace(/^[-*+]\s+/, ''))
    .filter((line) => line !== '');
}

/** A number as people write it: `1,000`, `-0.5`, `85 %`; null where it is none. */
export function numberOf(text: string | undefined): number | null {
  const clean = text?.trim().replace(/,(?=\d{3}\b)/g, '') ?? '';
  const match = /^([+-]?\d{1,15}(?:\.\d{1,15})?)( ?%)?$/.exec(clean);
  if (!match) return null;
  return match[2] === undefined ? Number(match[1]) : Number((Number(match[1]) / 100).toPrecision(12));
}

/** The body that GitHub writes for answers: the other way round. */
export function printIssueForm(answers: FormAnswers): string {
  return FIELDS.map((id) => `### ${PROBLEM_FIELDS[id]}\n\n${answers[id]?.trim() || '_No response_'}`).join(
    '\n\n',
  );
}
