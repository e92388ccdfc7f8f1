import { stringify } from 'yaml';
import { type CardFacts, cardView, modelIndex } from '../lib/formats/cards.ts';
import { type ChangeFacts, changeView } from '../lib/formats/change-note.ts';
import { type DataFacts, dataView } from '../lib/formats/data-cards.ts';
import { render } from '../lib/formats/markdown.ts';
import { type ProblemFacts, problemView } from '../lib/formats/problem-document.ts';
import type { DecisionRecord } from '../lib/lifecycle/decision.ts';
import { loadTemplate } from './load.ts';

/** Card of a candidate as a section of a pull request's sticky comment, and for a job's summary. */
export function renderCardSection(facts: CardFacts): string {
  return renderCard('section', cardView(facts), ['figures', 'details']);
}

/** MODEL_CARD.md: front matter for the Hugging Face Hub, then the same figures as on the pull request. */
export function renderModelCard(facts: CardFacts): string {
  const front = stringify(modelIndex(facts), { lineWidth: 0 });
  return `---\n${front}---\n\n${renderCard('model-card', cardView(facts), ['figures', 'details'])}`;
}

/** What the data stage found, as a section of the sticky comment. */
export function renderDataSection(facts: DataFacts): string {
  return renderCard('data-section', dataView(facts));
}

/** DATA_CARD.md. */
export function renderDataCard(facts: DataFacts): string {
  return renderCard('data-card', dataView(facts));
}

/** PROBLEM.md. */
export function renderProblem(facts: ProblemFacts): string {
  return renderCard('problem', problemView(facts));
}

/** `changes/<candidate>.md`. */
export function renderChangeNote(facts: ChangeFacts): string {
  return renderCard('change-note', changeView(facts));
}

/** `decisions/NNNN-title.md`: what was decided, by whom, and where it was said. */
export function renderDecision({
  record,
  about,
}: {
  record: DecisionRecord;
  about: { title: string; isPull: boolean };
}): string {
  const place = `${about.isPull ? 'pull request' : 'issue'} #${record.issue}`;
  const context = `Said in ${place}${about.title === '' ? '' : `, "${about.title}"`}.`;
  return render(loadTemplate('cards/decision.hbs'), {
    ...record,
    date: record.at.slice(0, 10),
    place,
    context,
  });
}

function renderCard(name: string, view: object, parts: string[] = []): string {
  const load = (part: string) => loadTemplate(`cards/${part}.hbs`);
  return render(load(name), view, Object.fromEntries(parts.map((part) => [part, load(part)])));
}
