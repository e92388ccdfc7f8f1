import type { Dialect } from '../lifecycle/data-source.ts';

/** Cells of one record's text. */
export function splitRecord(
  text: string,
  { delimiter, quote }: Pick<Dialect, 'delimiter' | 'quote'>,
): string[] {
  const cells: string[] = [];
  for (let at = 0; at <= text.length; ) {
    const blanks = /^ */.exec(text.slice(at, at + 100))?.[0].length ?? 0;
    const start = delimiter === ' ' ? at : at + blanks;
    if (quote !== '' && text[start] === quote) {
      const [cell, next] = quotedCell(text, start + 1, quote);
      // What follows the closing quote belongs to the cell: with the right delimiter it is nothing.
      const end = text.indexOf(delimiter, next);
      cells.push(cell + text.slice(next, end < 0 ? text.length : end));
      at = end < 0 ? text.length + 1 : end + 1;
    } else {
      const end = text.indexOf(delimiter, at);
      cells.push(text.slice(at, end < 0 ? text.length : end));
      at = end < 0 ? text.length + 1 : end + 1;
    }
  }
  return cells;
}

function quotedCell(text: string, from: number, quote: string): [cell: string, next: number] {
  let cell = '';
  for (let at = from; ; ) {
    const end = text.indexOf(quote, at);
    if (end < 0) return [cell + text.slice(at), text.length];
    cell += text.slice(at, end);
    if (text[end + 1] !== quote) return [cell, end + 1];
    cell += quote;
    at = end + 2;
  }
}
