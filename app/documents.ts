import { type CardFacts, cardView, modelIndex } from '#lib/formats/cards.ts';
import { type ChangeFacts, changeView } from '#lib/formats/change-note.ts';
import { renderConfig } from '#lib/formats/config.ts';
import { type DataFacts, dataView } from '#lib/formats/data-cards.ts';
import { render } from '#lib/formats/markdown.ts';
import { type ProblemFacts, problemView } from '#lib/formats/problem-document.ts';
import { loadTemplate } from '../templates/load.ts';

/** Everything that is rendered from evidence through templates/cards. */
const PARTIALS = () => ({
  figures: loadTemplate('cards/figures.hbs'),
  details: loadTemplate('cards/details.hbs'),
});

function card(name: string, view: object): string {
  return render(loadTemplate(`cards/${name}.hbs`), view, PARTIALS());
}

export function modelSection(facts: CardFacts): string {
  return card('section', cardView(facts));
}

/** MODEL_CARD.md, with the front matter that the Hugging Face Hub reads. */
export function modelCard(facts: CardFacts): string {
  return `---\n${renderConfig(modelIndex(facts))}---\n\n${card('model-card', cardView(facts))}`;
}

export function dataSection(facts: DataFacts): string {
  return card('data-section', dataView(facts));
}

export function dataCard(facts: DataFacts): string {
  return card('data-card', dataView(facts));
}

export function changeNote(facts: ChangeFacts): string {
  return card('change-note', changeView(facts));
}

export function problemDocument(facts: ProblemFacts): string {
  return card('problem', problemView(facts));
}
