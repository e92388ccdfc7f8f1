/** Lines of a comment that Markdown shows as plain text, with their number from 1. */
export function* plainLines(body: string): Generator<{ text: string; line: number }> {
  let fence: string | null = null;
  let inQuote = false;
  let inHtmlComment = false;
  for (const [index, text] of body.split(/\r\n|\r|\n/).entries()) {
    if (inHtmlComment) {
      inHtmlComment = !text.includes('-->');
      continue;
    }
    const mark = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(text);
    if (fence !== null) {
      const closes = mark?.[1]?.startsWith(fence) && mark[2]?.trim() === '';
      if (closes) fence = null;
      continue;
    }
    if (mark?.[1]) {
      fence = mark[1];
      continue;
    }
    inQuote = /^ {0,3}>/.test(text) || (inQuote && text.trim() !== '');
    inHtmlComment = text.lastIndexOf('<!--') > text.lastIndexOf('-->');
    if (!inQuote && !inHtmlComment) yield { text, line: index + 1 };
  }
}
