import { styleText } from 'node:util';
import type { LinkedChecklist } from './read.ts';

type Colour = Parameters<typeof styleText>[0];

/** For people: by stage, each item with its evidence, or what it misses. */
export function told(
  { model, fulfilled, total, stages }: LinkedChecklist,
  { live }: { live: boolean },
): string {
  const paint = (colour: Colour, text: string) => (live ? styleText(colour, text) : text);
  const lines = stages.flatMap((stage) => [
    paint('bold', `${stage.stage} ${stage.fulfilled}/${stage.items.length}`),
    ...stage.items.flatMap(({ id, title, state, evidence, missing }) => [
      `  ${state ? paint('green', 'yes') : paint('red', 'no ')}  ${id}  ${title}`,
      ...(state
        ? evidence.map(({ text, link }) => `            ${text} ${paint('dim', link)}`)
        : missing.map((text) => `            ${paint('yellow', `missing: ${text}`)}`)),
    ]),
    '',
  ]);
  return [...lines, `${model}: ${fulfilled} of ${total}`, ''].join('\n');
}
