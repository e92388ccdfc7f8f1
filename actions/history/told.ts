import { styleText } from 'node:util';
import type { servingView } from '#lib/formats/serving-view.ts';

type Paint = Parameters<typeof styleText>[0];

/** The history as blocks of lines for a terminal, newest first; `live` = colours. */
export function told(
  { at, environment, rows, contradictions }: ReturnType<typeof servingView>,
  { live, ref, commit }: { live: boolean; ref: string; commit: string },
): string {
  const paint = (colour: Paint, text: string) => (live ? styleText(colour, text) : text);
  const where = environment === null ? '' : ` in ${environment}`;
  const head = at === null ? [] : [`what served${where} at ${at}:`];
  const blocks = rows.map((row) => {
    const { model, version, candidate, share, from, part_from, until, ended, approved_by, promoted_by } = row;
    const named = paint('bold', `${model} v${version}`);
    const short = paint('dim', candidate.replace('sha256:', '').slice(0, 16));
    const span =
      share === 'none' ? `never served, given up ${from}` : `${from} to ${until ?? paint('green', 'now')}`;
    const traffic = share === 'part' ? paint('yellow', '  part of the traffic') : '';
    return [
      `${row.environment}  ${named}  ${short}  ${span}${traffic}`,
      ...(part_from === null ? [] : [`    part of the traffic from ${part_from}`]),
      ...(ended === '' ? [] : [`    ${ended}`]),
      `    approved by ${approved_by || paint('yellow', 'nobody on record')}${promoted_by === '' ? '' : `, promoted by ${promoted_by}`}`,
    ].join('\n');
  });
  const nothing = at === null ? `nothing was deployed${where.replace(' in ', ' to ')} yet` : 'nothing';
  return [
    ...head,
    ...(blocks.length > 0 ? blocks : [nothing]),
    ...contradictions.map((text) => paint('yellow', `! ${text}`)),
    paint('dim', `from ${ref} at ${commit.slice(0, 12)}`),
    '',
  ].join('\n');
}
