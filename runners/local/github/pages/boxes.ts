import { type Html, html } from './html.ts';

const BOX = /^(\s*(?:>\s*)*(?:[-*+]|\d+[.)])\s+\[)([ xX])(\]\s)/;

/** Lines that hold a task box, outside of code and comments: what GitHub counts when one is clicked. */
function boxLines(text: string): number[] {
  const found: number[] = [];
  let fence: string | undefined;
  let commented = false;
  for (const [at, line] of text.split('\n').entries()) {
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence !== undefined) {
      if (mark?.startsWith(fence)) fence = undefined;
      continue;
    }
    if (!commented && mark) {
      fence = mark;
      continue;
    }
    if (!commented && BOX.test(line)) found.push(at);
    const [open, close] = [line.lastIndexOf('<!--'), line.lastIndexOf('-->')];
    if (open > close) commented = true;
    else if (close >= 0) commented = false;
  }
  return found;
}

/** The text with box number `index` (from 0) changed, or undefined where there is none. */
export function toggleBox(text: string, index: number): string | undefined {
  const at = boxLines(text)[index];
  if (at === undefined) return undefined;
  const lines = text.split('\n');
  lines[at] = (lines[at] ?? '').replace(
    BOX,
    (_, before: string, mark: string, after: string) => `${before}${mark === ' ' ? 'x' : ' '}${after}`,
  );
  return lines.join('\n');
}

const RENDERED = /<input type="checkbox" disabled(?:="")?( checked(?:="")?)? \/>/g;

/** Rendered boxes as buttons, so that they work without a script; as they were where they can't be told apart. */
export function clickableBoxes(shown: Html, text: string, fields: Record<string, string>): Html {
  const count = shown.html.match(RENDERED)?.length ?? 0;
  if (count === 0 || count !== boxLines(text).length) return shown;
  let index = 0;
  const body = shown.html.replace(RENDERED, (_, checked: string | undefined) => {
    const state = checked ? 'true' : 'false';
    const button = html`<button class="box" name="box" value="${index}" role="checkbox" aria-checked="${state}" aria-label="box ${index + 1}">${checked ? '☑' : '☐'}</button>`;
    index += 1;
    return button.html;
  });
  const hidden = Object.entries(fields).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  );
  return html`<form method="post" class="boxes">${hidden}${{ html: body }}</form>`;
}
