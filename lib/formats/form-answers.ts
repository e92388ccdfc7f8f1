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
  value: 'What errors cost',
  data: 'Data',
  rows: 'Rows at least',
  latency: 'Latency limit',
  stakeholders: 'Stakeholders',
  timeline: 'Timeline',
  risk: 'Risk',
} as const;
export type ProblemField = keyof typeof PROBLEM_FIELDS;
export type FormAnswers = Partial<Record<ProblemField, string>>;

const MAX_BODY = 65_536;

/** The answers of an issue's body: `### label`, then the answer; `_No response_` is none. The first one counts. */
export function parseIssueForm(body: string): FormAnswers {
  const answers: FormAnswers = {};
  const ids = Object.keys(PROBLEM_FIELDS) as ProblemField[];
  const sections = `\n${body.slice(0, MAX_BODY).replace(/\r\n?/g, '\n')}`.split(/\n### /).slice(1);
  for (const section of sections) {
    const [label = '', ...lines] = section.split('\n');
    const id = ids.find((field) => PROBLEM_FIELDS[field] === label.trim());
    const answer = lines.join('\n').trim();
    if (id && answers[id] === undefined && answer !== '' && answer !== '_No response_') answers[id] = answer;
  }
  return answers;
}

/** The body that GitHub writes for answers: the other way round. */
export function printIssueForm(answers: FormAnswers): string {
  return (Object.keys(PROBLEM_FIELDS) as ProblemField[])
    .map((id) => `### ${PROBLEM_FIELDS[id]}\n\n${answers[id]?.trim() || '_No response_'}`)
    .join('\n\n');
}
