/** Width of a character of Verdana at 11 px, on average: a little more than measured, so that nothing is cut. */
const CHARACTER = 7;
const PADDING = 12;
const HEIGHT = 20;

/** A flat badge as SVG: a label, a message and a colour. Its title says both to a screen reader. */
export function badge({
  label,
  message,
  colour,
}: {
  label: string;
  message: string;
  colour: string;
}): string {
  const [left, right] = [label, message].map((text) => [...text].length * CHARACTER + PADDING) as [
    number,
    number,
  ];
  const [said, width] = [escapeXml(`${label}: ${message}`), left + right];
  const text = (at: number, value: string) => `<text x="${at}" y="14">${escapeXml(value)}</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${HEIGHT}" role="img" aria-label="${said}">`,
    `<title>${said}</title>`,
    `<rect rx="3" width="${width}" height="${HEIGHT}" fill="#444"/>`,
    `<path d="M${left} 0h${right - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H${left}z" fill="${escapeXml(colour)}"/>`,
    '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">',
    text(left / 2, label),
    text(left + right / 2, message),
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

const XML: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (mark) => XML[mark] ?? mark).replace(/\p{Cc}/gu, ' ');
}
